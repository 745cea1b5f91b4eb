"""The words that several rooms share: kinds of calls, outcomes and their order, phases, domains.

The ground floor: it imports nothing of statedrill and is light to import.
"""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum, StrEnum
from types import MappingProxyType
from typing import Final, Literal, TypeAlias

VerdictOutcome: TypeAlias = Literal["held", "broken", "unknown"]
"""What a finding, a clause, a threshold and a verdict can come to."""
HELD: Final = "held"
BROKEN: Final = "broken"
UNKNOWN: Final = "unknown"
PRECEDENCE: tuple[VerdictOutcome, ...] = (BROKEN, UNKNOWN, HELD)
"""The one order of precedence: the first that occurs wins."""

FAMILIES = ("sticky", "distributed", "decoupled")
FAILURE_DOMAINS = (
    "instance",
    "zone",
    "cache",  # a node of it
    "database",
    "queue",
    "storage",
    "network",
    "data",  # a mistake deletes it: only a backup survives it
    "deployment",  # a planned change, such as a new release or fewer instances
)
GUARANTEES = MappingProxyType(
    {
        "read_your_writes": "read your writes",
        "monotonic_reads": "monotonic reads",
        "monotonic_writes": "monotonic writes",
        "writes_follow_reads": "writes follow reads",
    }
)
"""The session guarantees (Terry et al. 1994): key in files -> words for a reader."""


def worst(outcomes: Iterable[str]) -> VerdictOutcome:
    """The outcome that wins: broken beats unknown beats held; none at all is unknown."""
    found = set(outcomes)
    return next((outcome for outcome in PRECEDENCE if outcome in found), UNKNOWN)


class Equipment(StrEnum):
    """What a target needs from its start on, because live processes cannot be given it later.

    It costs something while nothing is broken, so only a fault that is planned brings it.
    """

    ZONE_LINKS = "zone links"  # a hop from each zone to each service
    REPLICATION_LINKS = "replication links"  # a hop between the nodes of a service
    AWS_PROXY = "AWS proxy"  # a proxy before S3, SNS and SQS that can answer with their errors
    CLOCKS = "clocks"  # a clock of its own for each instance
    VOLUMES = "volumes"  # a volume of limited size for each node of a database


class Kind(IntEnum):
    """What the call asks for."""

    READ = 0
    PUT = 1
    ADD = 2
    REMOVE = 3
    CLEAR = 4
    APPEND = 5
    SIGN_IN = 6
    SIGN_OUT = 7


class Outcome(IntEnum):
    """What the client may believe afterwards (docs/definitions.md#r4)."""

    OK = 0
    FAILED = 1  # surely not done
    UNKNOWN = 2  # may have been done, or may yet be done
    ACCEPTED = 3  # queued: durable from `ret` on, visible at some later time


class Model(IntEnum):
    """How an object behaves, and so which definitions apply to it."""

    REGISTER = 0  # preferences, draft, uploads
    SET = 1  # cart: unique elements, removal, clear
    LOG = 2  # reading history: append only
    ORDERS = 3  # append only, every logical action once
    SESSION = 4  # still signed in, as oneself


class Phase(IntEnum):
    """Part of a drill, stamped on every operation by the time of its call."""

    NONE = 0  # recorded outside of any drill
    WARMUP = 1
    BASELINE = 2
    FAULT = 3
    RECOVERY = 4
    SETTLE = 5
    AUDIT = 6
    SECOND_AUDIT = 7


LOADED_PHASES = (Phase.WARMUP, Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)
"""The phases in which the load generator sends users, in order."""
PHASE_NAMES = tuple(phase.name.lower() for phase in Phase)
KIND_NAMES = tuple(kind.name.lower() for kind in Kind)
