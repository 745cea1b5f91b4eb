"""What a cache keeps beside its nodes, in the region: a log of every write, and snapshots.

A cache may have either, both or nothing. Whoever becomes the primary of one with a log starts from
that, once its last writer is gone; whoever is restored from a snapshot begins a log of its own.
Knows neither replication nor what is done with a cache that serves.
"""

from __future__ import annotations

import itertools
import shutil

from typing_extensions import override

from statedrill.cluster.routing.endpoints import Endpoint
from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.failover_decisions import Delays
from statedrill.cluster.services.restorable_pair import RestorablePair, RestorePoint
from statedrill.cluster.services.valkey.node import ValkeyNode
from statedrill.cluster.services.valkey.snapshots import Snapshots
from statedrill.cluster.services.valkey.transaction_log import TransactionLog
from statedrill.inputs.services import CacheOptions


class PersistentCache(RestorablePair[ValkeyNode]):
    """A pair of Valkey nodes, with a log and snapshots where `options` want them."""

    def __init__(self, context: ServiceContext, options: CacheOptions) -> None:
        timings, registry = context.cluster.timings, context.cluster.registry
        delays = Delays(
            timings.cache_failover_s, timings.cache_replica_rebuild_s, timings.cache_detection_s
        )
        super().__init__(context, Endpoint(self.key, 63, 6379), delays)
        self.restore_delay_s = timings.cache_restore_s
        self.backup_interval_s = timings.cache_snapshot_interval_s
        self._options = options
        self._region = registry.folder / "region" / self.key
        self._numbers = itertools.count(1)
        self._log = self._new_log()
        self._serves = False
        self._snapshots: Snapshots | None = None
        if options.snapshots:
            folder = self._region / "snapshots"
            self._snapshots = Snapshots(folder, self.key, self.backup_interval_s, registry)

    @override
    def cluster_is_ready(self) -> None:
        """The first snapshot takes time, and nobody waits for it: it begins now."""
        self._serves = True
        self._wake()

    def has_backup(self) -> bool:
        """Whether there is a snapshot, so that it can be restored."""
        return self._reach(None)

    def data_left(self) -> list[str]:
        """The folders of nodes that exist, and that of the log."""
        folders = [each.folder for each in self._nodes.all()]
        folders += [self._log.folder] if self._log else []
        return sorted(each.name for each in folders if each.is_dir())

    @override
    def lose_data(self) -> list[str]:
        lost = super().lose_data()
        if self._log:
            self._log.discard()
        return lost

    @override
    def stop(self) -> None:
        super().stop()
        shutil.rmtree(self._region, ignore_errors=True)

    def _new_log(self) -> TransactionLog | None:
        if self._options.durability not in ("sync", "async"):
            return None
        folder = self._region / f"log-{next(self._numbers)}"
        return TransactionLog(folder, self._options.durability)

    @override
    def _make(self, number: int, zone: str) -> ValkeyNode:
        return ValkeyNode(self._context, number, zone, self._options.maxmemory_policy)

    @override
    def _promote(self, standby: ValkeyNode) -> None:
        if not self._log:
            super()._promote(standby)
            return
        # The log may have what the replica never received, never the other way round.
        standby.stop()
        self._launch_primary(standby)

    @override
    def _launch_primary(self, node: ValkeyNode) -> None:
        if self._log:
            node.write_log(self._log)
        super()._launch_primary(node)

    @override
    def _watch(self, primary: ValkeyNode, standby: ValkeyNode) -> None:
        if self._snapshots and self._serves and self._snapshots.is_due():
            self._snapshots.take(primary)

    @override
    def _reach(self, point: RestorePoint | None) -> bool:
        return bool(self._snapshots and self._snapshots.newest(point))

    @override
    def _start_restored(self, node: ValkeyNode, point: RestorePoint | None) -> RestorePoint:
        snapshot = self._snapshots.newest(point) if self._snapshots else None
        assert snapshot, "a restore is due only where there is a snapshot"
        log = self._new_log()  # the last writer of the old one may still serve
        node.begin_with(snapshot.file, log)
        self._nodes.launch(node)
        if log:
            node.begin_log()
        self._log = log
        return snapshot.point
