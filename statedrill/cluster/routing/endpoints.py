"""The DNS names of the managed services: addresses that stay while the servers behind them move.

One HAProxy in TCP mode forwards each endpoint to the present primary, or to several servers in
turn; its runtime API says where they are. Services announce their endpoints. Knows addresses; knows
neither databases nor caches.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.routing.haproxy import Haproxy

Target = tuple[str, int]

# Pools of the application may stay idle for longer than any drill lasts.
_CONFIG = """\
defaults
  mode tcp
  retries 0
  option clitcpka
  option srvtcpka
  timeout connect 1s
  timeout client 1h
  timeout server 1h

"""

# A server begins in maintenance: while none has a target, connections are closed at once.
_LISTEN = """\
listen {service}
  bind {address}:{port}
  balance roundrobin
"""
_SERVER = "  server target-{n} {address}:1 disabled\n"


@dataclass(frozen=True)
class Endpoint:
    """What a service announces: `name`, its usual `port`, and the last number of its address.

    It leads to as many as `targets` servers, to each of them in turn, as a DNS name does.
    """

    name: str
    host_number: int
    port: int
    targets: int = 1


class Endpoints:
    """One fixed address for each endpoint that was announced, known before anything is started.

    `on_move` is called whenever one of them leads elsewhere.
    """

    def __init__(self, context: ClusterContext, on_move: Callable[[], None] = lambda: None) -> None:
        self._context, self._on_move = context, on_move
        self._addresses: dict[str, Target] = {}
        self._targets: dict[str, list[Target | None]] = {}
        self._lock = threading.Lock()
        self._haproxy: Haproxy | None = None

    def announce(self, endpoint: Endpoint) -> None:
        """Have an endpoint from `start` on."""
        host = self._context.network.regional_address(endpoint.host_number)
        self._addresses[endpoint.name] = (host, self._context.network.port(endpoint.port))
        self._targets[endpoint.name] = [None] * endpoint.targets

    def address(self, service: str) -> Target:
        """Host and port of an endpoint."""
        return self._addresses[service]

    def target(self, service: str, n: int = 0) -> Target | None:
        """Where target `n` of an endpoint is now; None: no new connection goes there."""
        return self._targets[service][n]

    def start(self, timeout_s: float = 10.0) -> None:
        """Listen on every endpoint and lead each to the target it has; nothing without endpoints.

        Raises:
            ClusterError: an address is in use, or HAProxy did not start.
        """
        if not self._addresses:
            return
        for host, port in self._addresses.values():
            require_free(host, port)
        haproxy = self._haproxy = self._haproxy or self._new_haproxy()
        haproxy.start(timeout_s)
        with self._lock:
            for service, targets in self._targets.items():
                for n in range(len(targets)):
                    self._apply(service, n)

    def point(self, service: str, address: str, port: int, n: int = 0) -> None:
        """Lead new connections of target `n` to `address:port`; its old ones are dropped.

        Raises:
            ClusterError: HAProxy is gone (the next `heal` leads it there) or refused.
        """
        with self._lock:
            self._targets[service][n] = (address, port)
            self._apply(service, n)
        self._on_move()

    def disconnect(self, service: str, n: int = 0) -> None:
        """Close all connections of target `n`, which gets no new ones until it is pointed.

        Raises:
            ClusterError: HAProxy is gone (no connection passes anyway) or refused.
        """
        with self._lock:
            if self._targets[service][n] is not None:
                self._targets[service][n] = None
                self._apply(service, n)

    def is_healthy(self) -> bool:
        """Whether every endpoint is listened on."""
        return not self._addresses or bool(self._haproxy and self._haproxy.process.alive)

    def restore(self) -> None:
        """Listen again when HAProxy is gone.

        Raises:
            ClusterError: as `start`.
        """
        if not self.is_healthy():
            self.start()

    def stop(self) -> None:
        """Drop every connection and stop listening; idempotent."""
        if self._haproxy:
            self._haproxy.process.kill()
            self._haproxy.process.wait_gone()

    def _new_haproxy(self) -> Haproxy:
        config = _CONFIG
        for service, (host, port) in self._addresses.items():
            config += _LISTEN.format(service=service, address=host, port=port)
            for n in range(len(self._targets[service])):
                config += _SERVER.format(n=n, address=host)
            config += "\n"
        return Haproxy(self._context.registry, "endpoints", config, listens=self._listens)

    def _listens(self) -> bool:
        return all(accepts(*address) for address in self._addresses.values())

    def _apply(self, service: str, n: int) -> None:
        haproxy, server, target = self._haproxy, f"{service}/target-{n}", self._targets[service][n]
        if haproxy is None or not haproxy.process.alive:
            return  # `start` leads it there
        haproxy.close_server(server)
        haproxy.cut_server(server)
        if target:
            haproxy.set_server(server, *target)
