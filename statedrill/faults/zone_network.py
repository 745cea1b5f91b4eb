"""What the faults of a zone's network have in common: the zone, its links, how these answer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from math import inf
from typing import Protocol, Self

from typing_extensions import override

from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, zone_named
from statedrill.faults.link import Link
from statedrill.vocabulary import Equipment


class NamesZone(Protocol):
    """Arguments that name a zone."""

    @property
    def zone(self) -> str:
        """Such as `b` or `us-east-1b`."""


class ZoneNetworkFault(Fault):
    """Something is wrong with every link over the border of one zone, until it is undone."""

    domain = "network"
    equipment = frozenset({Equipment.ZONE_LINKS, Equipment.REPLICATION_LINKS})

    def __init__(self, target: FaultTarget, arguments: NamesZone) -> None:
        self._target = target
        self._name = zone_named(arguments.zone, target.capabilities)
        if self._name in (*target.zones_down, *target.zones_impaired):
            raise ControlError(
                f"zone {self._name} is down, slow or cut off already", "bring it back first"
            )
        self.targets = [f"zone {self._name}"]
        self.zone = self._name  # what is replaced or fenced in there was lost by this fault

    @override
    def is_over(self) -> bool:
        return self._name not in self._target.zones_impaired and not self._target.missing()

    @override
    def undo(self) -> None:
        self._target.repair_zone(self._name)

    @classmethod
    @override
    def ended_by(
        cls, arguments: NamesZone, opened: Sequence[Self], capabilities: Capabilities
    ) -> Sequence[Self]:
        zone = zone_named(arguments.zone, capabilities)
        return [each for each in opened if each._name == zone]


def in_milliseconds(trips_s: Mapping[str, float]) -> str:
    """The shortest and the longest of these round trips, in words."""
    if not trips_s:
        return "nothing"
    return f"{min(trips_s.values()) * 1000:.1f}-{max(trips_s.values()) * 1000:.1f} ms"


def round_trips_s(links: Sequence[Link], timeout_s: float) -> Mapping[str, float]:
    """How long a round trip takes over each of these links, all at once; infinite without answer.

    A link with nothing at its end is left out.
    """

    def measured(link: Link) -> float | None:
        try:
            return link.round_trip_s(timeout_s)
        except TimeoutError:
            return inf
        except OSError:
            return None

    with ThreadPoolExecutor(len(links) or 1) as pool:
        found = zip(links, pool.map(measured, links), strict=True)
    return {link.name: took_s for link, took_s in found if took_s is not None}
