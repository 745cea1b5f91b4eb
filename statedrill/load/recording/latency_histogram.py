"""The latencies of a whole run in an HdrHistogram: three significant digits, exact greatest value.

Mergeable, so that a master can add up what its load processes measured. Values beyond an hour are
counted apart: the library would drop them silently. Knows no Locust.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TypedDict

from hdrh.histogram import HdrHistogram

from statedrill.quantile import nearest_rank

_LONGEST_US = 3_600_000_000


class Encoded(TypedDict):
    """A histogram on its way to another process."""

    hdr: str
    max_ns: int
    beyond: int


class LatencyHistogram:
    """A distribution of durations; `beyond` of them were longer than an hour."""

    def __init__(self) -> None:
        self._hdr = HdrHistogram(1, _LONGEST_US, 3)
        self.max_ns = 0
        self.beyond = 0

    @property
    def count(self) -> int:
        """How many durations are in it."""
        return int(self._hdr.get_total_count()) + self.beyond

    def add(self, durations_ns: Sequence[int]) -> None:
        """Add durations in nanoseconds; they are kept to the microsecond at best."""
        self.max_ns = max(self.max_ns, max(durations_ns, default=0))
        # Equal values are counted first: the library takes 4 us for each call.
        for value_us, count in Counter(map(_rounded_us, durations_ns)).items():
            if value_us > _LONGEST_US or not self._hdr.record_value(value_us, count):
                self.beyond += count

    def percentile_ms(self, percent: float) -> float | None:
        """The smallest duration that `percent` of all do not exceed; None when there is none."""
        if self.count == 0:
            return None
        rank = nearest_rank(self.count, percent / 100)
        within = self.count - self.beyond
        if rank > within or percent >= 100:
            return self.max_ns / 1e6
        # Asked with the rank's own percentage the library cannot round the rank away.
        value_us = self._hdr.get_value_at_percentile(100 * rank / within)
        return float(min(value_us / 1e3, self.max_ns / 1e6))

    def merge(self, other: LatencyHistogram) -> None:
        """Add everything that is in `other`."""
        self._hdr.add(other._hdr)
        self.max_ns = max(self.max_ns, other.max_ns)
        self.beyond += other.beyond

    def encode(self) -> Encoded:
        """For another process."""
        encoded = self._hdr.encode().decode("ascii")
        return {"hdr": encoded, "max_ns": self.max_ns, "beyond": self.beyond}

    @classmethod
    def decode(cls, encoded: Encoded) -> LatencyHistogram:
        """The inverse of `encode`."""
        made = cls()
        made._hdr = HdrHistogram.decode(encoded["hdr"])
        made.max_ns, made.beyond = encoded["max_ns"], encoded["beyond"]
        return made

    def sentence(self) -> str:
        """The figures in one line."""
        if self.count == 0:
            return "nothing was measured"
        figures = [(f"p{percent:g}", self.percentile_ms(percent)) for percent in (50, 95, 99, 99.9)]
        figures.append(("max", self.max_ns / 1e6))
        listed = ", ".join(f"{name} {value:.3f}" for name, value in figures)
        return f"{listed} ms over {self.count:,} operations"


def _rounded_us(duration_ns: int) -> int:
    """At least 1 us, and to four digits: more than the histogram keeps."""
    value_us = duration_ns // 1000 or 1
    if value_us < 10_000:
        return value_us
    step: int = 10 ** (len(str(value_us)) - 4)
    return value_us // step * step
