"""Which addresses a client tries for a host, one after the other, as a browser does.

A cluster says in a file what its load balancer's name resolves to (lines `address:port name:port`);
the file is read again when it has changed. Counts what was in vain. Opens no connection.
"""

from __future__ import annotations

import os
from collections import deque
from pathlib import Path

Address = tuple[str, int]


class NameResolution:
    """The addresses of names, as `file` says (None: every name is its own address).

    `failed` counts the attempts to connect that found nobody before another address answered, and
    `failed_ns` how long they took.
    """

    def __init__(self, file: Path | None = None) -> None:
        self.failed = 0
        self.failed_ns = 0
        self._file = file
        self._read_ns = -1
        self._addresses: dict[Address, deque[Address]] = {}

    def addresses(self, name: Address) -> list[Address]:
        """Where to connect to, in this order; each call begins with another, as DNS rotates."""
        if self._file is None:
            return [name]
        self._read_if_changed(self._file)
        found = self._addresses.get(name)
        if found is None:
            return [name]
        found.rotate(-1)
        return list(found)

    def add_failure(self, took_ns: int) -> None:
        """Nobody answered at an address, which took so long to find out."""
        self.failed += 1
        self.failed_ns += took_ns

    def _read_if_changed(self, file: Path) -> None:
        try:
            changed_ns = os.stat(file).st_mtime_ns
            if changed_ns == self._read_ns:
                return
            text = file.read_text(encoding="ascii")
        except OSError:
            return  # the cluster is being stopped; what was known last may still do
        self._read_ns = changed_ns
        self._addresses = {}
        for line in text.splitlines():
            address, name = map(_address, line.split())
            self._addresses.setdefault(name, deque()).append(address)


def _address(text: str) -> Address:
    host, _, port = text.rpartition(":")
    return host, int(port)
