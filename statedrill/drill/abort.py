"""Thresholds that end a drill at once (`abortOnFail`), measured while the load goes on.

Follows the operations that the load processes write. `check` judges the same thresholds again on
the whole record; here only the decision to go on or not is made. Knows no process.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
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


class _ThresholdSamples:
    """The operations that one threshold is about.

    With a window those of the last one, which come in any order: each load process has a file of
    its own. Without a window only counts and latencies of all.
    """

    def __init__(self, threshold: Threshold) -> None:
        self.threshold = threshold
        self._window_ns = round((threshold.window_s or 0.0) * 1e9)
        self._first_call = math.inf
        self._recent: list[tuple[int, float | None]] = []  # call in ns, latency (None: failed)
        self._served: list[float] = []
        self._count = 0

    def add(self, row: Mapping[str, Any], phase: str) -> None:
        if any({**row, "phase": phase}[tag] != to for tag, to in self.threshold.tags.items()):
            return
        begin = row["due"] or row["call"]
        latency_ms = (row["ret"] - begin) / 1e6 if row["outcome"] in _SERVED else None
        self._first_call = min(self._first_call, row["call"])
        if self._window_ns:
            self._recent.append((row["call"], latency_ms))
            return
        self._count += 1
        if latency_ms is not None:
            self._served.append(latency_ms)

    def value(self) -> float | None:
        """Of the last window, once there is a whole one; without a window, of everything."""
        if not self._window_ns:
            self._served.sort()  # all but the newest are in order: that is a merge
            return measure(self.threshold, _Samples(self._served, self._count))
        begin = max((call for call, _ in self._recent), default=0) - self._window_ns
        if self._first_call > begin:
            return None
        self._recent = [each for each in self._recent if each[0] >= begin]
        served = sorted(latency_ms for _, latency_ms in self._recent if latency_ms is not None)
        return measure(self.threshold, _Samples(served, len(self._recent)))


class _Samples:
    """`n` operations; the latencies in ms of those that succeeded, in ascending order."""

    def __init__(self, served: Sequence[float], n: int) -> None:
        self._served = served
        self.n = n
        self.failed = n - len(served)

    def mean_ms(self) -> float | None:
        return sum(self._served) / len(self._served) if self._served else None

    def quantile_ms(self, share: float) -> float | None:
        return quantile(self._served, share)
