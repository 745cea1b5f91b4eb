"""A pair of nodes that can be brought back from a backup: on new nodes, behind the same endpoint.

Knows the order of a restore, from the moment when it is ordered until its primary serves; knows
neither how backups are made nor what is in them.
"""

from __future__ import annotations

import time
from abc import abstractmethod
from dataclasses import dataclass, replace
from typing import NamedTuple

from typing_extensions import override

from statedrill.cluster.services.failover_decisions import (
    Action,
    PairState,
    RestorePrimary,
    RestoreView,
)
from statedrill.cluster.services.failover_pair import FailoverPair
from statedrill.cluster.services.nodes import NodeT, end
from statedrill.errors import ClusterError


class RestorePoint(NamedTuple):
    """What a service held at one moment: `at_ns` of the monotonic clock, and where that is.

    `position` is in the service's own words, such as a position in its log.
    """

    at_ns: int
    position: str


@dataclass
class _Order:
    """A restore that was ordered; `point` None: as far as the backups reach.

    `due_s` is known once the backups reach the point.
    """

    ordered_ns: int
    point: RestorePoint | None
    due_s: float | None = None


class RestorablePair(FailoverPair[NodeT]):
    """A pair with backups. `restore_delay_s` is how long a restore takes by design."""

    restore_delay_s = 0.0
    backup_interval_s = 0.0
    """For how long a moment may be in no backup yet."""
    _order: _Order | None = None
    _data_lost = False

    def order_restore(self, point: RestorePoint | None) -> None:
        """Have a new node with what the backups hold take the place of both; returns at once.

        `point`: what came later is given up; None: restore as much as there is. It waits until the
        backups reach the point, and then as long as the service takes.
        """
        self._order = _Order(time.monotonic_ns(), point)
        self._wake()

    def lose_data(self) -> list[str]:
        """Kill both nodes and throw away their data, which only a restore brings back; their names.

        Raises:
            ClusterError: the pair is not whole.
        """
        if not self.is_healthy():
            raise ClusterError(f"the {self.key} has not both of its nodes", "wait until it has")
        nodes = [node for node in (self._primary, self._standby) if node]
        self._data_lost = True  # so that nobody starts them again
        end(nodes)
        for node in nodes:
            self._nodes.discard(node)
        self._wake()
        return [node.name for node in nodes]

    @override
    def is_healthy(self) -> bool:
        """As of every pair, and no restore is needed or under way."""
        return not self._data_lost and self._order is None and super().is_healthy()

    @override
    def restore(self, timeout_s: float | None = None) -> None:
        """As of every pair; what has no data left is restored as far as there are backups."""
        if self._data_lost and self._order is None:
            self.order_restore(None)
        super().restore(timeout_s)

    @override
    def restore_time_s(self) -> float:
        awaited = self._data_lost or self._order is not None
        restore_s = self.backup_interval_s + self.restore_delay_s if awaited else 0.0
        return super().restore_time_s() + restore_s

    @abstractmethod
    def _reach(self, point: RestorePoint | None) -> bool:
        """Whether there are backups that reach `point`."""

    @abstractmethod
    def _start_restored(self, node: NodeT, point: RestorePoint | None) -> RestorePoint:
        """Start a new node with what the backups hold of `point`; what it really holds.

        Raises:
            ClusterError: it did not start with that.
        """

    @override
    def _state(self) -> PairState:
        order = self._order
        if order and order.due_s is None and self._reach(order.point):
            order.due_s = time.monotonic() + self.restore_delay_s
        if not order and not self._data_lost:
            return super()._state()
        awaited = RestoreView(order.due_s if order else None, self._data_lost)
        return replace(super()._state(), restore=awaited)

    @override
    def _perform(self, action: Action) -> float:
        if not isinstance(action, RestorePrimary) or self._order is None:
            return super()._perform(action)
        order, node = self._order, self._nodes.create(action.zone)
        try:
            reached = self._start_restored(node, order.point)
        except BaseException:
            self._nodes.discard(node)
            raise
        self._take_over(node)
        self._order, self._data_lost = None, False
        self._context.registry.emit(
            "restore",
            service=self.key,
            began=order.ordered_ns,
            point=reached.at_ns,
            position=reached.position,
        )
        return 0.0
