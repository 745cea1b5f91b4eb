"""The log of a durable cache: what its primary has written, kept in the region and in no zone.

On AWS a Multi-AZ transactional log, here Valkey's append-only file. Knows where it is, and that
never two servers write it; knows no failover.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from redis import Redis

from statedrill.errors import ClusterError

_NAME = "log"
# When a write is safe from the end of the machine: before its answer, or a second later at most. A
# process that is killed loses what it had not handed to the kernel: with `always` nothing that was
# answered, with `everysec` at most what it put off while another fsync took long.
_FSYNC = {"sync": "always", "async": "everysec"}


class Writer(Protocol):
    """A server that may write the log."""

    @property
    def name(self) -> str:
        """Its name in messages."""

    @property
    def alive(self) -> bool:
        """Whether its process exists."""


class TransactionLog:
    """The log in `folder`, written before the answer (`sync`) or after it (`async`)."""

    def __init__(self, folder: Path, durability: str) -> None:
        self.folder = folder
        self._fsync = _FSYNC[durability]
        self._writer: Writer | None = None

    def hand_to(self, writer: Writer) -> None:
        """Make `writer`, which is not running, the only one that may write it.

        Raises:
            ClusterError: a process that may write it exists.
        """
        for each in (self._writer, writer):
            if each and each.alive:
                raise ClusterError(
                    f"{writer.name} cannot take the log over: {each.name} may still write it",
                    "fence it first",
                )
        self.folder.mkdir(parents=True, exist_ok=True)
        self._writer = writer

    def attach(self, server_folder: Path) -> Mapping[str, str]:
        """Let a server in `server_folder` find it; the server's options for that."""
        link = server_folder / _NAME
        if not link.is_symlink():
            link.symlink_to(self.folder)
        return {
            "appendonly": "yes",
            "appendfsync": self._fsync,
            "appenddirname": _NAME,
            # The last record is torn when its writer died over it: it was not answered.
            "aof-load-truncated": "yes",
        }

    def discard(self) -> None:
        """Remove it; idempotent."""
        shutil.rmtree(self.folder, ignore_errors=True)


def is_complete(session: Redis) -> bool:
    """Whether the log of a server has all that it holds, which began without one.

    Raises:
        RedisError: it does not answer.
    """
    state = session.info("persistence")
    written = not state["aof_rewrite_in_progress"] and not state["aof_rewrite_scheduled"]
    return bool(state["aof_enabled"] and written and state["aof_last_bgrewrite_status"] == "ok")
