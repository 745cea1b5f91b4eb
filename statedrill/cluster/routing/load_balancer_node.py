"""One node of the load balancer: HAProxy in HTTP mode with health checks and sticky cookies.

Its targets are declared beforehand, disabled, under the ids of instances to come; opening one gives
it an address. Knows how a request is routed; knows neither the other nodes nor what is registered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.routing.haproxy import Haproxy
from statedrill.inputs.timings import Timings
from statedrill.processes.process import Process

# Requests go to the healthy targets; when there is none, to every target (`_TEMPLATE`).
_HEALTHY, _ALL = "application", "fail-open"


@dataclass(frozen=True)
class Routing:
    """How every node routes: whether users stick to a target, the path of health checks, and the
    ids under which targets may be opened.
    """

    stickiness: bool
    health: str
    targets: Sequence[str]


class LoadBalancerNode:
    """Listens on `address:port`; `on_exit` is called when it ended without being asked to."""

    def __init__(
        self,
        context: ClusterContext,
        name: str,
        address: tuple[str, int],
        routing: Routing,
        on_exit: Callable[[Process, int], None],
    ) -> None:
        self.address = address
        self._haproxy = Haproxy(
            context.registry,
            name,
            _configuration("{}:{}".format(*address), context.timings, routing),
            listens=lambda: accepts(*address),
            on_exit=on_exit,
        )

    @property
    def process(self) -> Process:
        """Its process."""
        return self._haproxy.process

    def start(self) -> None:
        """Start HAProxy with every target closed.

        Raises:
            ClusterError: its port is in use, or it did not start.
        """
        require_free(*self.address)
        self._haproxy.start()

    def open_target(self, target: str, address: str, port: int) -> None:
        """Send requests to `target`, which is healthy until a check says otherwise.

        Raises:
            ClusterError: HAProxy is gone, or there is no such target.
        """
        for backend in (_ALL, _HEALTHY):
            self._haproxy.set_server(f"{backend}/{target}", address, port)

    def close_target(self, target: str) -> None:
        """No new requests for `target`; those under way go on.

        Raises:
            ClusterError: HAProxy is gone, or there is no such target.
        """
        for backend in (_ALL, _HEALTHY):
            self._haproxy.close_server(f"{backend}/{target}")

    def wait_idle(self, target: str, timeout_s: float) -> None:
        """Return when no request is under way to `target`, at the latest after `timeout_s`.

        Raises:
            ClusterError: HAProxy is gone.
        """
        self._haproxy.wait_idle((_HEALTHY, _ALL), target, timeout_s)

    def health(self) -> dict[str, str]:
        """State of every target by its id: `healthy`, `unhealthy` or `initial`.

        Raises:
            ClusterError: HAProxy is gone.
        """
        lines = self._haproxy.stats(_HEALTHY)
        return {target: _health(line["status"]) for target, line in lines.items()}


def _health(status: str) -> str:
    if status.startswith("UP") or status == "no check":
        return "healthy"
    return "initial" if status.startswith("MAINT") else "unhealthy"


def _configuration(bind: str, timings: Timings, routing: Routing) -> str:
    def servers(more: str) -> str:
        return "\n".join(
            f"  server {target} 127.0.0.1:1 disabled{more}"
            f"{f' cookie {target}' if routing.stickiness else ''}"
            for target in routing.targets
        )

    return _TEMPLATE.format(
        bind=bind,
        healthy=_HEALTHY,
        all=_ALL,
        cookie="  cookie AWSALB insert indirect nocache\n" if routing.stickiness else "",
        checked_servers=servers(" check"),
        servers=servers(""),
        health=routing.health,
        timeout_ms=_ms(timings.load_balancer_timeout_s),
        check_ms=_ms(timings.health_check_timeout_s),
        inter_ms=_ms(timings.health_check_interval_s),
        fall=timings.unhealthy_threshold,
        rise=timings.healthy_threshold,
    )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


# A request is never sent again (`retries 0`), as by an ALB. The cookie of a target that is down is
# ignored and another one's is set, so a user who was re-routed stays there when the first is back.
_TEMPLATE = """defaults
  mode http
  log global
  retries 0
  timeout connect 2s
  timeout client 60s
  timeout http-keep-alive 60s
  timeout server {timeout_ms}ms
  timeout check {check_ms}ms

frontend users
  bind {bind}
  use_backend {all} if {{ nbsrv({healthy}) eq 0 }}
  default_backend {healthy}

backend {healthy}
  balance roundrobin
{cookie}  option httpchk GET {health}
  http-check expect status 200
  http-response set-header X-Instance-Id %s
  default-server inter {inter_ms}ms fall {fall} rise {rise}
{checked_servers}

backend {all}
  balance roundrobin
{cookie}  http-response set-header X-Instance-Id %s
{servers}
"""
