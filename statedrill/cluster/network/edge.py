"""One way of a cluster's network, such as that from a zone to a service.

A direct edge has nothing in between and cannot be broken. Every other one leads through the hop: it
can be cut, slowed, limited and restored. Knows its two ends; knows no other edge.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

from statedrill.cluster.network.connection import DirectionName
from statedrill.cluster.network.hop_process import HopProcess
from statedrill.cluster.network.impairments import NONE, Ends, Impairment
from statedrill.errors import ClusterError

Address = tuple[str, int]


class Edge:
    """The way to `target` of those who are told `address`; without a `hop` the two are the same.

    `ends` says in which zones its two ends are now, `latency_s` is what it takes each way while
    nothing is wrong, and `is_needed` tells when its end is gone for good. `hello` makes a target
    answer that does not close a connection whose client sends nothing more. Only an edge with a hop
    can be broken: every method that breaks something raises ClusterError without one.
    """

    def __init__(  # noqa: PLR0913 - an edge is that much
        self,
        name: str,
        ends: Callable[[], Ends],
        address: Address,
        target: Address,
        hop: HopProcess | None,
        *,
        latency_s: float = 0.0,
        is_needed: Callable[[], bool] = lambda: True,
        hello: bytes = b"",
    ) -> None:
        self.name, self.ends, self.is_needed, self._hello = name, ends, is_needed, hello
        self.address, self.target = address, target
        self._hop, self._latency_s = hop, latency_s
        self._impairment = NONE

    @property
    def is_direct(self) -> bool:
        """Whether nothing is in between."""
        return self._hop is None

    def open(self) -> None:
        """Listen on `address` and forward to `target`."""
        self._do("open", listen=self.address, target=self.target)
        self._impairment = NONE
        if self._latency_s:
            self.delay(self._latency_s)

    def close(self) -> None:
        """Reset every connection and listen no more, for ever."""
        self._do("close")

    def impair(self, impairment: Impairment) -> None:
        """Have exactly this wrong with it, and nothing else; nothing to do when that is so."""
        if impairment == self._impairment:
            return
        if self._impairment.cut and not impairment.cut:
            self._do("restore")
        self.delay(self._latency_s + impairment.delay_s)
        if impairment.cut:
            self.cut()
        self._impairment = impairment

    def delay(self, delay_s: float, jitter_s: float = 0.0) -> None:
        """Hold every byte for `delay_s` each way, and for up to `jitter_s` more by chance."""
        self._do("delay", delay_s=delay_s, jitter_s=jitter_s)

    def cut(self, *directions: DirectionName) -> None:
        """Lose every byte in these directions (`up` to the target, `down` back; default both)."""
        self._do("cut", directions=directions or ("up", "down"))

    def refuse(self) -> None:
        """Reset every connection and refuse new ones."""
        self._do("refuse")

    def limit(self, direction: DirectionName, size: int) -> None:
        """Reset each connection after `size` more bytes in a direction."""
        self._do("limit", direction=direction, bytes=size)

    def reset(self) -> None:
        """Reset every connection and drop what is on its way."""
        self._do("reset")

    def restore(self) -> None:
        """Be as at the start; connections that lost bytes are reset."""
        self._do("restore")
        self._impairment = NONE
        if self._latency_s:
            self.delay(self._latency_s)

    def describe(self) -> dict[str, Any]:
        """Connections, and bytes that passed and that were lost (see `Link.describe`)."""
        return dict(self._required().call("describe")[self.name])

    def round_trip_s(self, timeout_s: float) -> float:
        """How long a hello, or the end of a stream without any word, takes to be answered.

        Raises:
            TimeoutError: nothing came back within `timeout_s`.
            OSError: the target is not there.
        """
        begin = time.monotonic()
        with socket.create_connection(self.address, timeout_s) as probe:
            probe.sendall(self._hello)
            probe.shutdown(socket.SHUT_WR)
            probe.recv(1)
        return time.monotonic() - begin

    def _do(self, what: str, **parameters: Any) -> None:
        self._required().call(what, link=self.name, **parameters)

    def _required(self) -> HopProcess:
        if self._hop is None:
            raise ClusterError(
                f"the edge {self.name} is direct and cannot be broken",
                "give the pattern a hop: zones: {latency_ms: 0}",
            )
        return self._hop
