"""Thresholds that end a drill at once (`abortOnFail`), looked at while the load goes on.

Follows the operations that the load processes write. What it sees early, `check` sees again in
the record; here only the decision to go on or not is made. Knows no process.
"""

from __future__ import annotations

import math
import time
from bisect import bisect_left
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from statedrill.inputs.thresholds import Threshold, parse_threshold
from statedrill.vocabulary import Kind, Outcome

_LOOK_S = 1.0
_SERVED = (Outcome.OK, Outcome.ACCEPTED)


@dataclass(frozen=True)
class Broken:
    """A threshold that does not hold any more, and what was measured."""

    threshold: str
    value: float


class Guard:
    """Watches the aborting ones of `thresholds` in the history's `folder`.

    `clock` gives seconds and says how often a look is worth it (once a second).
    """

    def __init__(
        self, thresholds: Sequence[str], folder: Path, clock: Callable[[], float] = time.monotonic
    ) -> None:
        parsed = [parse_threshold(text) for text in thresholds]
        self._gauges = [_Gauge(threshold) for threshold in parsed if threshold.abort]
        self._folder, self._clock, self._next = folder, clock, -math.inf
        self._files: dict[Path, _Follower] = {}

    def look(self, phase: str) -> Broken | None:
        """What broke, if anything; operations read now belong to `phase`."""
        if not self._gauges or self._clock() < self._next:
            return None
        self._next = self._clock() + _LOOK_S
        for path in self._folder.glob("operations-*.jsonl"):
            follower = self._files.setdefault(path, _Follower(path))
            for row in follower.rows():
                for gauge in self._gauges:
                    gauge.add(row, phase)
        found = [(gauge.threshold, gauge.value()) for gauge in self._gauges]
        for threshold, value in found:
            if value is not None and not threshold.holds(value):
                return Broken(threshold.text, value)
        return None


class _Follower:
    """Reads what was appended to one recorder's file, with names instead of numbers."""

    def __init__(self, path: Path) -> None:
        self._path, self._at = path, 0
        self._columns: list[str] = []
        self._names: dict[tuple[str, int], str] = {}

    def rows(self) -> list[dict[str, Any]]:
        with self._path.open("rb") as file:
            file.seek(self._at)
            whole, newline, _ = file.read().rpartition(b"\n")
        self._at += len(whole) + len(newline)
        lines = [orjson.loads(line) for line in whole.split(b"\n") if line]
        return [row for row in map(self._row, lines) if row]

    def _row(self, line: Any) -> dict[str, Any] | None:
        if isinstance(line, list):
            row = dict(zip(self._columns, line, strict=True))
            for table in ("op", "instance"):
                row[table] = self._names.get((table, row[table]), "")
            row["kind"] = Kind(row["kind"]).name.lower()
            return row
        if "columns" in line:
            self._columns = line["columns"]
        elif "table" in line:
            self._names[line["table"], line["code"]] = line["name"]
        return None


@dataclass
class _Gauge:
    """One threshold's operations: when they began, how long they took (ms; None: failed)."""

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
        return _measure(self.threshold, taken)


def _measure(threshold: Threshold, taken: Sequence[float | None]) -> float | None:
    served = sorted(each for each in taken if each is not None)
    if threshold.aggregate == "rate":
        return 1 - len(served) / len(taken) if taken else None
    if not served:
        return None
    if threshold.aggregate == "avg":
        return sum(served) / len(served)
    share = {"min": 0.0, "med": 0.5, "max": 1.0}.get(threshold.aggregate, threshold.quantile)
    return served[max(0, math.ceil((share or 0.0) * len(served)) - 1)]
