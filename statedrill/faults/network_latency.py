"""Whatever enters or leaves one zone takes longer: slow, and nothing in it is unhealthy.

Named after AWSFIS-Run-Network-Latency, which AWS Fault Injection Service runs on instances.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import FaultTarget, Proof
from statedrill.faults.zone_network import ZoneNetworkFault, in_milliseconds, round_trips_s

_LONGEST_MS = 10_000
_SLACK_S = 2.0
_CLOCK_S = 0.002  # a link's own clock ticks in milliseconds


def run_network_latency(az: str, delay_milliseconds: float | None = None) -> dict[str, Any]:
    """Hold whatever enters or leaves zone `az` for so long (50 ms), each way.

    Raises:
        ControlFailure: no such zone, or the delay could not be proved.
    """
    return fault(NetworkLatency.action, Zone=az, DelayMilliseconds=delay_milliseconds)


def stop_network_latency(az: str) -> dict[str, Any]:
    """The network of zone `az` is as fast as before.

    Raises:
        ControlFailure: no such zone.
    """
    return call(NetworkLatency.end_action, Zone=az)


@dataclass(frozen=True)
class Arguments:
    """Which zone, such as `b` or `us-east-1b`, and the delay each way."""

    zone: Annotated[str, "the name of a zone"]
    delay_milliseconds: Annotated[float, "a number of milliseconds above 0"] = 50.0


class NetworkLatency(ZoneNetworkFault):
    """A zone's network is slow: to its instances, to services, and between the nodes of these."""

    name = "run_network_latency"
    action = "network/run-network-latency"
    end_action = "network/stop-network-latency"
    client = "statedrill.faults.network.run_network_latency"
    description = "whatever enters or leaves one zone takes longer, until stop_network_latency"
    arguments = Arguments
    phrase = "the network of a zone was slow"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        super().__init__(target, arguments)
        if not 0 < arguments.delay_milliseconds <= _LONGEST_MS:
            raise ControlError(
                f"DelayMilliseconds is {arguments.delay_milliseconds:g}",
                f"give a number above 0, at most {_LONGEST_MS}",
            )
        self._delay_s = arguments.delay_milliseconds / 1000
        self._before_s: Mapping[str, float] = {}

    @override
    def inject(self) -> None:
        self._before_s = self._round_trips_s()
        self._target.slow_zone(self._name, self._delay_s)

    @override
    def prove(self) -> Proof:
        """Every round trip over the border takes the delay twice."""
        now_s = self._round_trips_s()
        fast = [name for name, took_s in now_s.items() if took_s < 2 * self._delay_s - _CLOCK_S]
        sentence = (
            f"round trips over {len(now_s)} links ({', '.join(sorted(now_s))}) took "
            f"{in_milliseconds(self._before_s)} before and take {in_milliseconds(now_s)} now"
        )
        return Proof(bool(now_s) and not fast, sentence)

    def _round_trips_s(self) -> Mapping[str, float]:
        links = self._target.links_across(self._name)
        return round_trips_s(links, 2 * self._delay_s + _SLACK_S)
