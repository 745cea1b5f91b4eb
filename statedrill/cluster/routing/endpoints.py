"""The DNS names of the managed services: addresses that stay while the primary behind them moves.

One HAProxy in TCP mode forwards each endpoint to the present primary and is told by its runtime
API where that is. Knows addresses; knows neither databases nor caches.
"""

from __future__ import annotations

import threading
from collections.abc import Sequence

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.routing.haproxy import Haproxy

Target = tuple[str, int]

# service: last number of its regional address, and its usual port
_SERVICES = {"database": (54, 5432), "cache": (63, 6379)}

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

# The server begins in maintenance: until it has a target, connections are closed at once.
_LISTEN = """\
listen {service}
  bind {address}:{port}
  server primary {address}:1 disabled

"""


class Endpoints:
    """One fixed address for each of `services`, known before anything is started."""

    def __init__(
        self, context: ClusterContext, services: Sequence[str] = ("database", "cache")
    ) -> None:
        self._addresses: dict[str, Target] = {
            service: (context.network.regional_address(k), context.network.port(port))
            for service, (k, port) in _SERVICES.items()
            if service in services
        }
        self._targets: dict[str, Target | None] = dict.fromkeys(self._addresses)
        self._lock = threading.Lock()
        listens = (
            _LISTEN.format(service=service, address=host, port=port)
            for service, (host, port) in self._addresses.items()
        )
        self._haproxy = Haproxy(
            context.registry, "endpoints", _CONFIG + "".join(listens), listens=self._listens
        )

    def address(self, service: str) -> Target:
        """Host and port of an endpoint."""
        return self._addresses[service]

    def target(self, service: str) -> Target | None:
        """Where an endpoint leads now; None: connections are closed at once."""
        return self._targets[service]

    def start(self, timeout_s: float = 10.0) -> None:
        """Listen on every endpoint and lead each to the target it has.

        Raises:
            ClusterError: an address is in use, or HAProxy did not start.
        """
        for host, port in self._addresses.values():
            require_free(host, port)
        self._haproxy.start(timeout_s)
        with self._lock:
            for service, target in self._targets.items():
                self._apply(service, target)

    def point(self, service: str, address: str, port: int) -> None:
        """Lead new connections of an endpoint to `address:port`; old ones are dropped.

        Raises:
            ClusterError: HAProxy is gone (the next `heal` leads it there) or refused.
        """
        with self._lock:
            self._targets[service] = (address, port)
            self._apply(service, (address, port))

    def disconnect(self, service: str) -> None:
        """Close all connections of an endpoint, and new ones at once, until it is pointed.

        Raises:
            ClusterError: HAProxy is gone (no connection passes anyway) or refused.
        """
        with self._lock:
            if self._targets[service] is not None:
                self._targets[service] = None
                self._apply(service, None)

    def is_healthy(self) -> bool:
        """Whether the endpoints are listened on."""
        return self._haproxy.process.alive

    def restore(self) -> None:
        """Listen again when HAProxy is gone.

        Raises:
            ClusterError: as `start`.
        """
        if not self.is_healthy():
            self.start()

    def stop(self) -> None:
        """Drop every connection and stop listening; idempotent."""
        self._haproxy.process.kill()
        self._haproxy.process.wait_gone()

    def _listens(self) -> bool:
        return all(accepts(*address) for address in self._addresses.values())

    def _apply(self, service: str, target: Target | None) -> None:
        if not self._haproxy.process.alive:
            return  # `start` leads it there
        server = f"{service}/primary"
        self._haproxy.close_server(server)
        self._haproxy.cut_server(server)
        if target:
            self._haproxy.set_server(server, *target)
