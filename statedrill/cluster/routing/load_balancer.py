"""The application load balancer: which targets are registered, and the node that routes to them.

Knows ids and addresses; knows not when an instance lives or dies, nor how a request is routed.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator, Sequence

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.routing.load_balancer_node import LoadBalancerNode, Routing
from statedrill.errors import ClusterError
from statedrill.processes.process import Process


class LoadBalancer:
    """Routes to registered targets: round robin, or by cookie AWSALB when `stickiness`.

    The user of a dead target gets 503 until health checks find it unhealthy, then a new target and
    a new cookie, and keeps them. When every target is unhealthy all of them get requests, as behind
    an ALB (fail-open). Unlike an ALB it closes the user's connection without a word when a target
    dies in the middle of a request that was not the first of its connection.
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
        self._node = LoadBalancerNode(
            context,
            "load-balancer",
            (self.address, self.port),
            Routing(stickiness, health, tuple(targets)),
            on_exit=self._restart,
        )

    @property
    def url(self) -> str:
        """Where users find the application."""
        return f"http://{self.address}:{self.port}"

    def start(self) -> None:
        """Start with no target registered.

        Raises:
            ClusterError: its port is in use, or it did not start.
        """
        self._node.start()

    def register(self, target: str, address: str, port: int) -> None:
        """Let `target` take traffic; it must have answered its health check already."""
        with self._lock:
            self._registered[target] = (address, port)
            with self._unless_restarting():
                self._node.open_target(target, address, port)

    def deregister(self, target: str, delay_s: float) -> None:
        """No new requests for `target`; waits `delay_s`, or less when none is under way."""
        with self._lock:
            if self._registered.pop(target, None) is None:
                return
            with self._unless_restarting():
                self._node.close_target(target)
        if delay_s > 0:
            with self._unless_restarting():
                self._node.wait_idle(target, delay_s)

    def health(self) -> dict[str, str]:
        """State of each registered target: `healthy`, `unhealthy` or `initial`."""
        with self._lock:
            registered = sorted(self._registered)
        seen = self._node.health()
        # One may be missing when HAProxy ended in the middle of its answer.
        return {target: seen.get(target, "unhealthy") for target in registered}

    def is_healthy(self) -> bool:
        """Whether it answers and every registered target is healthy."""
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
            self._node.start()
            for target, (address, port) in self._registered.items():
                self._node.open_target(target, address, port)

    @contextlib.contextmanager
    def _unless_restarting(self) -> Iterator[None]:
        """Let go of an error that the restart under way makes good."""
        try:
            yield
        except ClusterError:
            if self._node.process.alive:
                raise
