"""The snapshots of one cache: what it held at a moment, each a file in the region, in no zone.

Knows Valkey's RDB files, and that a mistake is in every snapshot that is younger; decides nothing.
"""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import NamedTuple

from redis.exceptions import RedisError

from statedrill.cluster.services.restorable_pair import RestorePoint
from statedrill.cluster.services.valkey.node import ValkeyNode
from statedrill.cluster.waiting import wait_until
from statedrill.processes.registry import ProcessRegistry

_SAVED_S = 30.0
_POLL_S = 0.02
_DUE_AFTER = 0.5  # of the interval: one that takes long on a busy machine is in time all the same


_MOST = 10


class Snapshot(NamedTuple):
    """What the cache held at `point`, in `file`."""

    point: RestorePoint
    file: Path


class Snapshots:
    """The snapshots of the cache `service` in `folder`; each that is complete is an event."""

    def __init__(
        self, folder: Path, service: str, interval_s: float, registry: ProcessRegistry
    ) -> None:
        self._folder, self._service, self._registry = folder, service, registry
        self._due_s = interval_s * _DUE_AFTER
        self._taken: list[Snapshot] = []

    def newest(self, until: RestorePoint | None = None) -> Snapshot | None:
        """The youngest, or the youngest of those that are not younger than `until`."""
        usable = (each for each in self._taken if not until or each.point.at_ns <= until.at_ns)
        return max(usable, default=None)

    def is_due(self) -> bool:
        """Whether it is time for the next one."""
        last = self.newest()
        return not last or time.monotonic_ns() - last.point.at_ns >= self._due_s * 1e9

    def take(self, primary: ValkeyNode) -> None:
        """Make one of what `primary` holds now.

        Raises:
            ClusterError: it did not save what it holds, for instance because it died.
        """
        now_ns = time.monotonic_ns()
        try:
            with primary.session() as session:
                position = f"offset {session.info('replication')['master_repl_offset']}"
                session.bgsave()
                saved = wait_until(
                    lambda: not session.info("persistence")["rdb_bgsave_in_progress"],
                    _SAVED_S,
                    _POLL_S,
                )
                if not saved or session.info("persistence")["rdb_last_bgsave_status"] != "ok":
                    raise primary.failed("could not save what it holds")
        except RedisError as error:
            raise primary.failed(f"does not save what it holds: {error}") from error
        self._folder.mkdir(parents=True, exist_ok=True)
        file = self._folder / f"{now_ns}.rdb"
        shutil.copyfile(primary.saved, file)
        self._taken.append(Snapshot(RestorePoint(now_ns, position), file))
        while len(self._taken) > _MOST:
            self._taken.pop(0).file.unlink()
        self._registry.emit(
            "backup",
            service=self._service,
            what="snapshot",
            began=now_ns,
            point=now_ns,
            position=position,
        )
