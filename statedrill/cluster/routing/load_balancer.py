"""The application load balancer: HAProxy in HTTP mode with health checks and sticky cookies.

Its targets are declared beforehand, disabled, under the ids of instances to come; registering one
gives it an address. Knows ids and addresses; knows not when an instance lives or dies.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.routing.haproxy import Haproxy
from statedrill.errors import ClusterError
from statedrill.inputs.timings import Timings
from statedrill.processes.process import Process

_BACKEND = "application"


class LoadBalancer:
    """Routes to registered targets: round robin, or by cookie AWSALB when `stickiness`.

    A request that fails is never sent again (`retries 0`), as an ALB does; the user of a dead
    target gets 503 until health checks eject it, then a new target and a new cookie. Unlike an
    ALB it does not fail open when every target is unhealthy, and when a target dies in the middle
    of a request it closes the user's connection without a word if that was not its first request.
    """

    def __init__(
        self,
        context: ClusterContext,
        *,
        stickiness: bool,
        health: str,
        targets: Sequence[str],
    ) -> None:
        self.address = context.network.regional_address(80)
        self.port = context.network.port(8080)
        self._registered: dict[str, tuple[str, int]] = {}
        self._lock = threading.Lock()
        self._haproxy = Haproxy(
            context.registry,
            "load-balancer",
            _configuration(
                f"{self.address}:{self.port}", context.timings, stickiness, health, tuple(targets)
            ),
            listens=lambda: accepts(self.address, self.port),
            on_exit=self._restart,
        )

    @property
    def url(self) -> str:
        """Where users find the application."""
        return f"http://{self.address}:{self.port}"

    def start(self) -> None:
        """Start HAProxy with every target disabled.

        Raises:
            ClusterError: its port is in use, or it did not start.
        """
        require_free(self.address, self.port)
        self._haproxy.start()

    def register(self, target: str, address: str, port: int) -> None:
        """Let `target` take traffic; it must have answered its health check already."""
        with self._lock:
            self._registered[target] = (address, port)
            with self._unless_restarting():
                self._haproxy.set_server(f"{_BACKEND}/{target}", address, port)

    def deregister(self, target: str, delay_s: float) -> None:
        """No new requests for `target`; waits `delay_s`, or less when none is under way."""
        with self._lock:
            if self._registered.pop(target, None) is None:
                return
            with self._unless_restarting():
                self._haproxy.close_server(f"{_BACKEND}/{target}")
        if delay_s > 0:
            with self._unless_restarting():
                self._haproxy.wait_idle(_BACKEND, target, delay_s)

    def health(self) -> dict[str, str]:
        """State of each registered target: `healthy`, `unhealthy` or `initial`."""
        with self._lock:
            registered = set(self._registered)
        lines = self._haproxy.stats(_BACKEND)
        # A line may be missing when HAProxy ended in the middle of its answer.
        return {t: _health(lines.get(t, {}).get("status", "")) for t in sorted(registered)}

    def is_healthy(self) -> bool:
        """Whether HAProxy answers and every registered target is healthy."""
        try:
            return all(state == "healthy" for state in self.health().values())
        except ClusterError:
            return False

    def describe_target_health(self) -> list[dict[str, object]]:
        """Each registered target as `{"id", "state"}`."""
        return [{"id": target, "state": state} for target, state in self.health().items()]

    def _restart(self, _process: Process, _code: int) -> None:
        """An exit that nobody asked for: start again with the targets registered until then."""
        # A second failure has been reported by the process itself; the cluster stays incomplete.
        with self._lock, contextlib.suppress(ClusterError):
            self._haproxy.start()
            for target, (address, port) in self._registered.items():
                self._haproxy.set_server(f"{_BACKEND}/{target}", address, port)

    @contextlib.contextmanager
    def _unless_restarting(self) -> Iterator[None]:
        """Let go of an error that the restart under way makes good."""
        try:
            yield
        except ClusterError:
            if self._haproxy.process.alive:
                raise


def _health(status: str) -> str:
    if status.startswith("UP") or status == "no check":
        return "healthy"
    return "initial" if status.startswith("MAINT") else "unhealthy"


def _configuration(
    bind: str, timings: Timings, stickiness: bool, health: str, targets: tuple[str, ...]
) -> str:
    cookie = "  cookie AWSALB insert indirect nocache\n" if stickiness else ""
    servers = "\n".join(
        f"  server {target} 127.0.0.1:1 disabled{f' cookie {target}' if stickiness else ''}"
        for target in targets
    )
    return _TEMPLATE.format(
        bind=bind,
        backend=_BACKEND,
        cookie=cookie,
        servers=servers,
        health=health,
        timeout_ms=_ms(timings.load_balancer_timeout_s),
        check_ms=_ms(timings.health_check_timeout_s),
        inter_ms=_ms(timings.health_check_interval_s),
        fall=timings.unhealthy_threshold,
        rise=timings.healthy_threshold,
    )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


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
  default_backend {backend}

backend {backend}
  balance roundrobin
{cookie}  option httpchk GET {health}
  http-check expect status 200
  http-response set-header X-Instance-Id %s
  default-server check inter {inter_ms}ms fall {fall} rise {rise}
{servers}
"""
