"""Thresholds that end a drill at once (`abortOnFail`), measured while the load goes on.

Follows the operations that the load processes write. `check` judges the same thresholds again on
the whole record; here only the decision to go on or not is made. Knows no process.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from statedrill.history.follow import OperationFollower
from statedrill.inputs.thresholds import Threshold, measure, parse_threshold
from statedrill.quantile import quantile
from statedrill.vocabulary import Outcome

_LOOK_S = 1.0
_SERVED = (Outcome.OK, Outcome.ACCEPTED)


class Aborted(Exception):
    """The threshold `threshold` does not hold any more: `value` was measured."""

    def __init__(self, threshold: str, value: float) -> None:
        super().__init__(threshold)
        self.threshold, self.value = threshold, value


class AbortMonitor:
    """Measures the aborting ones of `thresholds` on the operations in the history's `folder`.

    `clock` gives seconds; the files are read at most once a second.
    """

    def __init__(
        self, thresholds: Sequence[str], folder: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        parsed = [parse_threshold(text) for text in thresholds]
        self._samples = [_ThresholdSamples(threshold) for threshold in parsed if threshold.abort]
        self._folder, self._clock, self._next = folder, clock, -math.inf
        self._files: dict[Path, OperationFollower] = {}

    def look(self, phase: str) -> None:
        """Read what was recorded since the last look; it belongs to `phase`.

        Raises:
            Aborted: a threshold does not hold any more.
        """
        if not self._samples or self._clock() < self._next:
            return
        self._next = self._clock() + _LOOK_S
        for path in self._folder.glob("operations-*.jsonl"):
            follower = self._files.setdefault(path, OperationFollower(path))
            for row in follower.new_operations():
                for samples in self._samples:
                    samples.add(row, phase)
        for samples in self._samples:
            value = samples.value()
            if value is not None and not samples.threshold.holds(value):
                raise Aborted(samples.threshold.text, value)


@dataclass
class _ThresholdSamples:
    """One threshold's operations: when each was called (ns) and its latency (ms; None: failed)."""

    threshold: Threshold
    calls: list[int] = field(default_factory=list)
    taken: list[float | None] = field(default_factory=list)

    def add(self, row: Mapping[str, Any], phase: str) -> None:
        if all({**row, "phase": phase}[tag] == to for tag, to in self.threshold.tags.items()):
            begin = row["due"] or row["call"]
            self.calls.append(row["call"])
            served = row["outcome"] in _SERVED
            self.taken.append((row["ret"] - begin) / 1e6 if served else None)

    def value(self) -> float | None:
        """Of the last window, once there is a whole one; without a window, of everything."""
        taken = self.taken
        if self.threshold.window_s is not None:
            last = max(self.calls, default=0)
            begin = last - round(self.threshold.window_s * 1e9)
            if not self.calls or min(self.calls[0], self.calls[-1]) > begin:
                return None
            taken = taken[bisect_left(self.calls, begin) :]
        return measure(self.threshold, _Samples(taken))


class _Samples:
    """Operations by their latency in ms, None for one that failed."""

    def __init__(self, taken: Sequence[float | None]) -> None:
        self._served = sorted(each for each in taken if each is not None)
        self.n = len(taken)
        self.failed = self.n - len(self._served)

    def mean_ms(self) -> float | None:
        return sum(self._served) / len(self._served) if self._served else None

    def quantile_ms(self, share: float) -> float | None:
        return quantile(self._served, share)
