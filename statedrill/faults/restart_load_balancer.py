"""The load balancer's nodes die at once and start again by themselves: every connection is lost.

AWS replaces the nodes of a load balancer by itself, and has no call for it; the name follows
`RebootCacheCluster` and its kin.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Fault, FaultTarget, Proof, wait_for, zone_named

_GONE_S = 5.0


def restart_load_balancer(az: str | None = None) -> dict[str, Any]:
    """Every node of the load balancer, or the one in zone `az`, dies and starts again.

    Raises:
        ControlFailure: no such zone, no node there, or the death could not be proved.
    """
    return fault(RestartLoadBalancer.action, Zone=az)


@dataclass(frozen=True)
class Arguments:
    """Which node: that of `zone`, or all of them."""

    zone: Annotated[str, "the name of a zone"] = ""


class RestartLoadBalancer(Fault):
    """SIGKILL of HAProxy, which the load balancer starts again; there is nothing to undo."""

    name = "restart_load_balancer"
    action = "elbv2/restart-load-balancer"
    domain = "network"
    client = "statedrill.faults.elbv2.restart_load_balancer"
    description = "SIGKILL to the load balancer's nodes: every connection is lost, targets are not"
    arguments = Arguments
    phrase = "the load balancer was restarted"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        zone = zone_named(arguments.zone, target.capabilities) if arguments.zone else None
        self._target, self._nodes = target, target.load_balancer_nodes(zone)
        if not self._nodes:
            raise ControlError(
                f"no node of the load balancer runs{f' in zone {zone}' if zone else ''}",
                "wait until one does",
            )
        self.targets = [node.name for node in self._nodes]
        self._pids = {node.name: node.pid for node in self._nodes}

    @override
    def inject(self) -> None:
        self._target.kill(self.targets)

    @override
    def prove(self) -> Proof:
        """Each process is gone, whether another has taken its place already or not."""
        wait_for(lambda: not self._left(), _GONE_S)
        left = self._left()
        gone = [f"{name} (pid {pid})" for name, pid in self._pids.items() if name not in left]
        sentences = [f"gone: {', '.join(gone)}"] if gone else []
        sentences += [f"still running: {', '.join(left)}"] if left else []
        return Proof(not left, "; ".join(sentences))

    @override
    def is_over(self) -> bool:
        return all(node.alive for node in self._nodes) and self._target.instances_are_healthy()

    def _left(self) -> list[str]:
        return [n.name for n in self._nodes if n.alive and n.pid == self._pids[n.name]]
