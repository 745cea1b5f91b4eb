"""What a name resolves to: the addresses of the nodes behind it, in a file that clients read.

The name follows its nodes after a delay, which stands for health checks and cached answers of DNS.
Knows addresses; knows not what listens there.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

Address = tuple[str, int]


@dataclass(frozen=True)
class NodeRecord:
    """A node and whether the name has its address: `alive` since `since_s` (monotonic)."""

    address: Address
    alive: bool = True
    since_s: float = 0.0
    announced: bool = True

    def followed(self, now_s: float, delay_s: float) -> NodeRecord:
        """The record at `now_s`: a state that has lasted for the delay is in the name."""
        return replace(self, announced=self.alive) if now_s >= self.since_s + delay_s else self


def resolved(records: Sequence[NodeRecord]) -> list[Address]:
    """The addresses that the name has: all of them when no node is left, as Route 53 answers."""
    return [r.address for r in records if r.announced] or [r.address for r in records]


class NameRecord:
    """The file at `path`: a line `address:port name` for each address of `name`."""

    def __init__(self, path: Path, name: Address, nodes: Sequence[Address], delay_s: float) -> None:
        self.path = path
        self._name, self._delay_s = name, delay_s
        self._nodes = {address: NodeRecord(address) for address in nodes}
        self._lock = threading.Lock()
        self._closed = False

    def open(self) -> None:
        """Announce every node."""
        self._write()

    def set_alive(self, address: Address, alive: bool) -> None:
        """A node died or is there again; the name follows after the delay if that lasts."""
        with self._lock:
            record = self._nodes[address]
            if record.alive == alive:
                return
            self._nodes[address] = replace(record, alive=alive, since_s=time.monotonic())
        timer = threading.Timer(self._delay_s, self._write)
        timer.daemon = True
        timer.start()

    def addresses(self) -> list[Address]:
        """What the name resolves to now."""
        with self._lock:
            return resolved(list(self._nodes.values()))

    def close(self) -> None:
        """Write no more; idempotent."""
        with self._lock:
            self._closed = True

    def _write(self) -> None:
        with self._lock, contextlib.suppress(FileNotFoundError):  # the cluster's folder is gone
            if self._closed:
                return
            now_s = time.monotonic()
            self._nodes = {a: r.followed(now_s, self._delay_s) for a, r in self._nodes.items()}
            lines = [
                "{}:{} {}:{}\n".format(*address, *self._name)
                for address in resolved(list(self._nodes.values()))
            ]
            beside = self.path.with_suffix(".new")
            beside.write_text("".join(lines), encoding="ascii")
            beside.replace(self.path)
