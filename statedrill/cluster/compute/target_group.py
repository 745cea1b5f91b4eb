"""The instances of a group as targets of the load balancer: their registration and their health.

Knows under which name and at which address the balancer finds an instance; decides nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from statedrill.cluster.compute.instance import Instance
from statedrill.cluster.compute.scaling_decisions import InstanceState
from statedrill.cluster.compute.target_health import TargetHealth
from statedrill.cluster.network.edges import Edges
from statedrill.cluster.routing.load_balancer import LoadBalancer


class TargetGroup:
    """Targets of `balancer`, which reaches them through `edges` if there are any.

    Without a balancer nothing is registered, and nothing is unhealthy.
    """

    def __init__(self, balancer: LoadBalancer | None = None, edges: Edges | None = None) -> None:
        self._balancer, self._edges = balancer, edges
        self._health = TargetHealth(balancer.health if balancer else dict)

    @property
    def registers(self) -> bool:
        """Whether there is a load balancer."""
        return self._balancer is not None

    def register(self, instance: Instance) -> None:
        """Let it take traffic.

        Raises:
            ClusterError: a node of the load balancer refused.
        """
        if self._balancer:
            self._balancer.register(instance.target, *self._entrance(instance), instance.id)

    def deregister(self, instance: Instance, delay_s: float) -> None:
        """No new requests for it; waits `delay_s`, or less when none is under way; idempotent."""
        if self._balancer:
            self._balancer.deregister(instance.target, delay_s)

    def unhealthy_since_s(self, now_s: float) -> Mapping[str, float]:
        """Each unhealthy target, by the name it is registered under, with since when it is so."""
        return self._health.unhealthy_since_s(now_s)

    def is_healthy(self) -> bool:
        """Whether the load balancer finds every target healthy."""
        return self._balancer is None or self._balancer.is_healthy()

    def _entrance(self, instance: Instance) -> tuple[str, int]:
        """Where the balancer finds an instance."""
        own = instance.address, instance.port
        if self._edges is None:
            return own
        return self._edges.to_instance(
            instance.id, instance.zone, own, lambda: instance.state is not InstanceState.TERMINATED
        )
