"""What a drill (or a person) sets for the load generator: environment variables and defaults.

Knows names and values; opens nothing.
"""

from __future__ import annotations

import math
import os
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypedDict

from statedrill.errors import InputError

CONNECTIONS = ("session", "request")


class SharedSettings(TypedDict):
    """What all load processes of a run have in common; where each one writes is not."""

    run: str
    seed: int
    pace_s: float
    connections: str
    timeout_s: float
    connect_timeout_s: float
    queue: int
    break_p99_ms: float
    break_errors: float


@dataclass(frozen=True)
class Settings:
    """The settings of one load process; every field is an environment variable STATEDRILL_<NAME>.

    `history` is the folder of the record (None: nothing is recorded); `pace_s` the time from the
    intended start of one operation of a user to that of the next (0: as fast as it goes);
    `timeout_s` must be longer than the load balancer's own, or its response is never heard; `queue`
    is how many due sessions of the open model may wait for a free user; the `break_` settings are
    the thresholds of the profile breakpoint. The arrival rate (STATEDRILL_ARRIVAL_RATE) and its
    kind (STATEDRILL_ARRIVALS) are options of the command line, too: `arrivals` reads them.
    """

    history: Path | None = None
    run: str = ""
    seed: int = 0
    pace_s: float = 1.0
    connections: str = "session"
    timeout_s: float = 10.0
    connect_timeout_s: float = 5.0
    control: Path | None = None
    queue: int = 10_000
    break_p99_ms: float = 500.0
    break_errors: float = 0.01

    def shared(self) -> SharedSettings:
        """What all load processes of a run have in common."""
        return {
            "run": self.run,
            "seed": self.seed,
            "pace_s": self.pace_s,
            "connections": self.connections,
            "timeout_s": self.timeout_s,
            "connect_timeout_s": self.connect_timeout_s,
            "queue": self.queue,
            "break_p99_ms": self.break_p99_ms,
            "break_errors": self.break_errors,
        }

    @classmethod
    def from_environment(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """The settings in `environment`.

        Raises:
            InputError: a value is not what it should be; all problems are named at once.
        """
        problems: list[str] = []

        def number(name: str, default: float, least: float) -> float:
            text = environment.get(f"STATEDRILL_{name}") or str(default)
            try:
                value = float(text)
            except ValueError:
                value = float("nan")
            if not least <= value < math.inf:
                problems.append(f"STATEDRILL_{name}={text}: should be a number from {least:g} up")
                return default
            return value

        def whole(name: str, default: int) -> int:
            text = environment.get(f"STATEDRILL_{name}") or str(default)
            if text.isdecimal():
                return int(text)
            problems.append(f"STATEDRILL_{name}={text}: should be a whole number from 0 up")
            return default

        connections = environment.get("STATEDRILL_CONNECTIONS") or "session"
        if connections not in CONNECTIONS:
            problems.append(f"STATEDRILL_CONNECTIONS={connections}: should be session or request")
        found = cls(
            history=_path(environment.get("STATEDRILL_HISTORY")),
            run=environment.get("STATEDRILL_RUN") or random_run(),
            seed=whole("SEED", 0),
            pace_s=number("PACE_S", 1.0, 0.0),
            connections=connections,
            timeout_s=number("TIMEOUT_S", 10.0, 0.001),
            connect_timeout_s=number("CONNECT_TIMEOUT_S", 5.0, 0.001),
            control=_path(environment.get("STATEDRILL_CONTROL")),
            queue=whole("QUEUE", 10_000),
            break_p99_ms=number("BREAK_P99_MS", 500.0, 0.0),
            break_errors=number("BREAK_ERRORS", 0.01, 0.0),
        )
        if problems:
            raise InputError("settings of the load generator", "correct them", problems)
        return found


def shape_length_s(run_time_s: float | None) -> float:
    """How long a shape takes: Locust's `-t`; without it STATEDRILL_SHAPE_S; else for ever.

    A drill gives no `-t`: it stops Locust itself, when the experiment is over.
    """
    return float(run_time_s or os.environ.get("STATEDRILL_SHAPE_S") or math.inf)


def random_run() -> str:
    """A run id that no other run has."""
    return f"r{secrets.token_hex(3)}"


def _path(text: str | None) -> Path | None:
    return Path(text) if text else None
