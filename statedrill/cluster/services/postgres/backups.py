"""The automated backups of one database: a base backup, and the log that was archived since.

Both are in a folder of the region, in no zone, as RDS keeps them in S3. A server archives its log
by itself, segment by segment; one that was promoted goes on with a timeline of its own. Knows
PostgreSQL's continuous archiving; decides nothing.
"""

from __future__ import annotations

import json
import re
import shlex
import shutil
import time
from pathlib import Path

from statedrill.cluster.services.postgres import data_directory
from statedrill.cluster.services.postgres.node import PostgresNode
from statedrill.cluster.services.restorable_pair import RestorePoint
from statedrill.processes.registry import ProcessRegistry

_SEGMENT = re.compile("[0-9A-F]{24}")  # timeline, then the position: not a history, not a part
_SEGMENT_BYTES = 4 * 2**20  # initdb's --wal-segsize
# The record at a position may lie in two segments; recovery reads it as a whole.
_MARGIN_BYTES = 2**16
# A segment is closed within this share of the interval that is promised. The rest is for writing it
# to the archive: the archiver and the copy have to wait for a processor on a busy machine.
_CLOSED_WITHIN = 0.7


class DatabaseBackups:
    """The backups of the database `service` in `folder`; each that is complete is an event."""

    def __init__(
        self, folder: Path, service: str, interval_s: float, registry: ProcessRegistry
    ) -> None:
        self._folder, self._service, self._registry = folder, service, registry
        self._archive, self._base = folder / "log", folder / "base"
        # PostgreSQL reckons archive_timeout in whole seconds.
        self._timeout_s = max(1, int(_CLOSED_WITHIN * interval_s))
        self._seen: set[str] = set()
        self._taken: RestorePoint | None = None

    def create(self) -> None:
        """Make its folder, for the user who runs PostgreSQL."""
        self._archive.mkdir(parents=True, exist_ok=True)
        data_directory.hand_over(self._folder)

    def delete(self) -> None:
        """Throw all of it away; idempotent."""
        shutil.rmtree(self._folder, ignore_errors=True)

    def settings(self) -> str:
        """What each node is set to, so that its log is archived and can be found there.

        A standby archives, too: what its primary had not when it died is not missing for ever.
        """
        folder = _quoted(self._archive)
        archive = f"test -f {folder}/%f || (cp %p {folder}/%f.$$ && mv {folder}/%f.$$ {folder}/%f)"
        return (
            "archive_mode = always\n"
            f"archive_command = '{archive}'\n"
            f"archive_timeout = {self._timeout_s}s\n"
            f"restore_command = 'cp {folder}/%f %p'\n"
        )

    @property
    def base(self) -> Path | None:
        """The data folder of the base backup; None before there is one."""
        return self._base if self._taken else None

    def take_base(self, primary: PostgresNode) -> None:
        """Make the base backup.

        Raises:
            ClusterError: it failed, for instance because the primary died.
        """
        began_ns = time.monotonic_ns()
        shutil.rmtree(self._base, ignore_errors=True)
        self._base.mkdir(mode=0o700)
        data_directory.hand_over(self._base)
        options = ("--checkpoint=fast", "--wal-method=stream", "--no-sync", "--username=postgres")
        where = (f"--pgdata={self._base}", f"--host={primary.host}", f"--port={primary.port}")
        data_directory.run_tool("pg_basebackup", *where, *options)
        [log] = json.loads((self._base / "backup_manifest").read_text())["WAL-Ranges"]
        self._taken = RestorePoint(time.monotonic_ns(), log["End-LSN"])
        self._report("base backup", began_ns, self._taken)

    def look(self) -> None:
        """Report what was archived since the last look."""
        for name in self._segments():
            if name not in self._seen:
                self._seen.add(name)
                now_ns = time.monotonic_ns()
                self._report("log", now_ns, RestorePoint(now_ns, _text_of(_end_of(name))))

    def reach(self, point: RestorePoint | None) -> bool:
        """Whether a server can be restored to `point`, or with None, to any point at all."""
        if self._taken is None or point is None:
            return self._taken is not None
        archived = max(map(_end_of, self._segments()), default=0)
        return archived >= _bytes_of(point.position) + _MARGIN_BYTES

    def recovery(self, point: RestorePoint | None) -> str:
        """What a server that is restored is set to: how far it replays the log."""
        if point is None:
            return ""
        return (
            f"recovery_target_lsn = '{point.position}'\n"
            "recovery_target_inclusive = off\n"
            "recovery_target_action = promote\n"
        )

    def reached(self, restored: PostgresNode) -> RestorePoint:
        """The last transaction that a server replayed which has become a primary.

        Raises:
            OSError, PostgresError: it does not answer.
        """
        assert self._taken
        with restored.session(timeout_s=5.0) as session:
            [(ago_us, position)] = session.query(
                "SELECT (extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp())"
                " * 1e6)::bigint, pg_last_wal_replay_lsn()"
            )
        if ago_us is None or position is None:
            return self._taken  # nothing happened after the base backup
        return RestorePoint(time.monotonic_ns() - int(ago_us) * 1000, position)

    def _segments(self) -> list[str]:
        return sorted(p.name for p in self._archive.iterdir() if _SEGMENT.fullmatch(p.name))

    def _report(self, what: str, began_ns: int, point: RestorePoint) -> None:
        self._registry.emit(
            "backup",
            service=self._service,
            what=what,
            began=began_ns,
            point=point.at_ns,
            position=point.position,
        )


def _end_of(segment: str) -> int:
    """The position in the log, in bytes, at which an archived segment ends."""
    return (int(segment[8:16], 16) << 32) + (int(segment[16:], 16) + 1) * _SEGMENT_BYTES


def _bytes_of(position: str) -> int:
    high, _, low = position.partition("/")
    return (int(high, 16) << 32) + int(low, 16)


def _text_of(position: int) -> str:
    return f"{position >> 32:X}/{position & 0xFFFFFFFF:08X}"


def _quoted(path: Path) -> str:
    """For a shell, in a setting in which % begins a name and a quote ends the text."""
    return shlex.quote(str(path)).replace("%", "%%").replace("'", "''")
