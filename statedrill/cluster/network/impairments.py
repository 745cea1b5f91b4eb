"""What is wrong with the ways of a network, and which ways a zone's border crosses.

Pure: knows zones by name; knows no process and no address.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Ends = tuple[str | None, str | None]
"""The zones of the two ends of a way; None is what belongs to no zone, such as S3."""


@dataclass(frozen=True)
class Impairment:
    """Every byte is held for `delay_s` each way, and lost when `cut`."""

    delay_s: float = 0.0
    cut: bool = False

    def and_also(self, other: Impairment) -> Impairment:
        """Both at once."""
        return Impairment(self.delay_s + other.delay_s, self.cut or other.cut)


NONE = Impairment()


def crosses(ends: Ends, zone: str) -> bool:
    """Whether exactly one of the ends is in `zone`."""
    return (ends[0] == zone) != (ends[1] == zone)


def impairment_of(ends: Ends, zones: Mapping[str, Impairment]) -> Impairment:
    """What happens on a way between `ends` when the borders of `zones` are impaired."""
    found = NONE
    for zone, impairment in zones.items():
        if crosses(ends, zone):
            found = found.and_also(impairment)
    return found


def in_words(zones: Mapping[str, Impairment]) -> list[str]:
    """One sentence for each zone whose border is impaired."""
    return [
        f"zone {zone} is cut off" if impairment.cut else f"the network of zone {zone} is slow"
        for zone, impairment in sorted(zones.items())
    ]
