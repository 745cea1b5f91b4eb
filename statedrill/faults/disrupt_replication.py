"""The cache's replica hears nothing of its primary any more, which goes on acknowledging writes.

By itself it loses nothing. A failover while it lasts loses what was acknowledged meanwhile.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.vocabulary import Equipment

_SILENT_S = 0.3
_GAP_S = 2.0


def disrupt_replication() -> dict[str, Any]:
    """Lose whatever goes between the primary node and its replica.

    Raises:
        ControlFailure: the pattern has no cache, or its replica still follows.
    """
    return fault(DisruptReplication.action)


def restore_replication() -> dict[str, Any]:
    """Let the replica catch up; nothing to do when it is gone."""
    return call(DisruptReplication.end_action)


@runtime_checkable
class CanLag(Protocol):
    """A service whose replica can be kept from following its primary."""

    def cut_replication(self) -> None:
        """Lose whatever goes between the primary and its replica, until `restore_replication`."""

    def restore_replication(self) -> None:
        """Let the replica catch up; idempotent."""

    def replication_offsets(self) -> tuple[int, int]:
        """How many bytes the primary has sent, one message of now included, and its replica has."""

    def is_replicating(self) -> bool:
        """Whether it is healthy and its replica confirms what happens now."""


@dataclass(frozen=True)
class Arguments:
    """None: there is one cache."""


class DisruptReplication(Fault):
    """The replica falls behind until the fault is undone, or until it becomes the primary."""

    name = "disrupt_replication"
    action = "elasticache/disrupt-replication"
    end_action = "elasticache/restore-replication"
    domain = "cache"
    client = "statedrill.faults.elasticache.disrupt_replication"
    description = "the cache's replica hears nothing of its primary, until restore_replication"
    equipment = frozenset({Equipment.REPLICATION_LINKS})
    arguments = Arguments
    targets = ("cache",)
    phrase = "the cache's replica fell behind"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._cache = cast(CanLag, target.service("cache"))
        if not self._cache.is_replicating():
            raise ControlError("the cache's replica does not follow now", "wait until it does")

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("cache", CanLag, "kept from replicating")

    @override
    def inject(self) -> None:
        self._cache.cut_replication()

    @override
    def prove(self) -> Proof:
        """The primary is ahead of its replica, which receives nothing for a while."""

        def gap() -> int:
            primary, replica = self._cache.replication_offsets()
            return primary - replica

        if not wait_for(lambda: gap() > 0, _GAP_S):
            return Proof(False, "the replica has everything that the primary has")
        _, had = self._cache.replication_offsets()
        time.sleep(_SILENT_S)
        primary, has = self._cache.replication_offsets()
        if has > had:
            return Proof(False, f"the replica received {has - had:,} bytes in {_SILENT_S:g} s")
        sentence = (
            f"the replica received nothing for {_SILENT_S:g} s and is {primary - has:,} bytes "
            "behind its primary"
        )
        return Proof(True, sentence)

    @override
    def is_over(self) -> bool:
        return self._cache.is_replicating()

    @override
    def undo(self) -> None:
        self._cache.restore_replication()
