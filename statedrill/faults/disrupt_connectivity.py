"""Nothing enters or leaves one zone any more, and whatever runs there goes on.

Named after aws:network:disrupt-connectivity of AWS Fault Injection Service, with the scope `all`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf, isinf
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.faults.base import FaultTarget, Proof
from statedrill.faults.link import Link
from statedrill.faults.zone_network import ZoneNetworkFault, in_milliseconds, round_trips_s

_SILENT_S = 0.5
"""Many times as long as any answer takes."""


def disrupt_connectivity(az: str) -> dict[str, Any]:
    """Cut zone `az` off from everything that is outside of it.

    Raises:
        ControlFailure: no such zone, or something still gets through.
    """
    return fault(DisruptConnectivity.action, Zone=az)


def restore_connectivity(az: str) -> dict[str, Any]:
    """Zone `az` is connected again.

    Raises:
        ControlFailure: no such zone.
    """
    return call(DisruptConnectivity.end_action, Zone=az)


@dataclass(frozen=True)
class Arguments:
    """Which zone, such as `b` or `us-east-1b`."""

    zone: Annotated[str, "the name of a zone"]


class DisruptConnectivity(ZoneNetworkFault):
    """A black hole around a zone: what is sent over its border is lost, and nobody is told."""

    name = "disrupt_connectivity"
    action = "network/disrupt-connectivity"
    end_action = "network/restore-connectivity"
    client = "statedrill.faults.network.disrupt_connectivity"
    description = "one zone is cut off from everything outside of it, until restore_connectivity"
    arguments = Arguments
    phrase = "a zone was cut off"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        super().__init__(target, arguments)
        self._before_s: Mapping[str, float] = {}

    @override
    def inject(self) -> None:
        self._before_s = round_trips_s(self._links(), _SILENT_S)
        self._target.cut_zone(self._name)

    @override
    def prove(self) -> Proof:
        """No link over the border that answered before answers now."""
        answered = [each for each in self._links() if not isinf(self._before_s.get(each.name, inf))]
        now_s = round_trips_s(answered, _SILENT_S)
        through = sorted(name for name, took_s in now_s.items() if not isinf(took_s))
        sentence = (
            f"{len(now_s)} links ({', '.join(sorted(now_s))}) answered within "
            f"{in_milliseconds(self._before_s)} before and are silent for {_SILENT_S:g} s now"
        )
        if through:
            sentence = f"still answering: {', '.join(through)}"
        return Proof(bool(now_s) and not through, sentence)

    def _links(self) -> Sequence[Link]:
        return self._target.links_across(self._name)
