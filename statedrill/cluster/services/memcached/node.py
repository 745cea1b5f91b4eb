"""One memcached server: how it is started, what it counts, how it is emptied.

Knows memcached's commands; decides nothing. It has nothing but its memory.
"""

from __future__ import annotations

import contextlib
import secrets
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from statedrill.cluster.binaries import find_program
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.services.memcached.client import MemcachedSession, connected
from statedrill.cluster.services.node import Node
from statedrill.cluster.services.postgres.data_directory import runner

PORT = 11211
_MEMORY_MB = 64
_CONNECTIONS = 4000
_ANSWER_S, _COUNTED_S = 0.5, 0.5


def memcached_server() -> Path:
    """The `memcached` program. There is no package of it for Python.

    Raises:
        MissingPart: there is none on PATH.
    """
    return find_program(
        "memcached", None, "apt-get install memcached (Debian), brew install memcached (macOS)"
    )


class MemcachedNode(Node):
    """An empty server."""

    def __init__(self, context: ClusterContext, number: int, zone: str) -> None:
        self._kept: MemcachedSession | None = None
        super().__init__(context, "cache", number, zone, PORT)

    @override
    def command(self) -> Sequence[str]:
        """`memcached` in the foreground, as PostgreSQL is run.

        It refuses to run as root, and its own `-u` clears the parent-death signal.
        """
        options = ("-l", self.host, "-p", str(self.port), "-U", "0")
        limits = ("-m", str(_MEMORY_MB), "-c", str(_CONNECTIONS))
        return (*runner().prefix, str(memcached_server()), *options, *limits)

    @override
    def answers(self) -> bool:
        """Whether it says its version."""
        try:
            with connected(self.address, _ANSWER_S) as session:
                return session.ask("version")[0].startswith("VERSION")
        except OSError:
            return False

    @override
    def responds(self, timeout_s: float) -> bool:
        """Whether it says its version, over a connection that is kept."""
        try:
            self._kept = self._kept or MemcachedSession(self.address, timeout_s)
            self._kept.ask("version")
        except OSError:
            self._forget_session()
            return False
        return True

    def counters(self) -> dict[str, int]:
        """Items, and lookups that found their key and that did not, those that renew it included.

        Raises:
            ClusterError: it does not answer.
        """
        try:
            with connected(self.address, _COUNTED_S) as session:
                counted = session.statistics()
        except OSError as error:
            raise self.failed(f"does not count its items: {error}") from error
        return {
            "items": int(counted["curr_items"]),
            "hits": int(counted["get_hits"]) + int(counted["touch_hits"]),
            "misses": int(counted["get_misses"]) + int(counted["touch_misses"]),
        }

    def flush(self) -> None:
        """Remove every key, a sentinel key that is planted among them included.

        Raises:
            ClusterError: it does not answer, or the sentinel is still there.
        """
        sentinel = f"statedrill:sentinel:{secrets.token_hex(4)}"
        try:
            with connected(self.address) as session:
                session.ask(f"set {sentinel} 0 0 7\r\nplanted")
                planted = session.ask(f"get {sentinel}") != ["END"]
                session.ask("flush_all")
                left = session.ask(f"get {sentinel}") != ["END"]
        except OSError as error:
            raise self.failed(f"could not be flushed: {error}") from error
        if not planted or left:
            raise self.failed("still has its sentinel key after flush_all")

    @override
    def discard(self) -> None:
        """Nothing is left of it but a connection."""
        self._forget_session()

    def _forget_session(self) -> None:
        kept, self._kept = self._kept, None
        if kept:
            with contextlib.suppress(OSError):
                kept.close()
