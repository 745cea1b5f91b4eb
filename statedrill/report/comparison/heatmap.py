"""The heat map of a comparison: patterns down, experiments across, shares of loss in the cells.

A step of colour is a help for the eye; the number stands in every cell. Knows no HTML.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from statedrill.report.comparison.cells import ComparisonCell, cells_of
from statedrill.report.formatting import DASH, Share, crossed, format_count, percent, seconds
from statedrill.report.run_data import Run
from statedrill.vocabulary import UNKNOWN, VerdictOutcome

STEPS = 8


@dataclass(frozen=True)
class Heat:
    """A coloured number: its text, what it counts, `12 of 300`, its step of colour, and the share
    of 1 (None: not counted).
    """

    text: str
    what: str
    counted: str
    step: str
    fraction: float | None


@dataclass(frozen=True)
class GridCell:
    """One cell, ready to print; without links there was no run."""

    name: str
    outcome: VerdictOutcome
    heats: tuple[Heat, ...]
    below: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """Titles of the columns (experiment, its title in the file) and the rows by pattern."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[GridCell, ...]], ...]


def grid(
    runs: Sequence[Run],
    link: Callable[[Run], str],
    impossible: Mapping[tuple[str, str], str] = MappingProxyType({}),
) -> Grid:
    """The grid of `runs`; `link` gives the address of a run's report. `impossible` has the cells
    that no run can fill, with the reason.
    """
    cells = cells_of(runs)
    named = [*cells, *impossible]
    patterns = list(dict.fromkeys(pattern for pattern, _ in named))
    experiments = list(dict.fromkeys(experiment for _, experiment in named))
    titles = {run.experiment: run.plan["experiment"]["title"] if run.plan else "" for run in runs}

    def cell(pattern: str, experiment: str) -> GridCell:
        found = cells.get((pattern, experiment))
        if found is None:
            why = impossible.get((pattern, experiment), "no run")
            return GridCell(crossed(pattern, experiment), UNKNOWN, (), why, ())
        return _cell(found, link)

    return Grid(
        columns=tuple((each, titles.get(each, "")) for each in experiments),
        rows=tuple(
            (pattern, tuple(cell(pattern, experiment) for experiment in experiments))
            for pattern in patterns
        ),
    )


def _cell(cell: ComparisonCell, link: Callable[[Run], str]) -> GridCell:
    several = len(cell.runs) > 1
    links = tuple(
        (f"run {number}" if several else "report", link(run))
        for number, run in enumerate(cell.runs, start=1)
    )
    served = DASH if cell.served is None else percent(cell.served)
    below = f"served {served} · stale {cell.stale.percent} · outage {seconds(cell.outage_s)}"
    if cell.wrong:
        below += f" · {format_count(cell.wrong)} doubled or leaked"
    heats = (_heat(cell.sessions, "sessions lost"), _heat(cell.writes, "writes lost"))
    return GridCell(cell.name, cell.outcome, heats, below, links)


def _heat(share: Share, what: str) -> Heat:
    # By the square root, so that a loss of one in a hundred is seen beside one of all.
    fraction = share.fraction
    step = "none" if fraction is None else str(math.ceil(math.sqrt(fraction) * STEPS))
    return Heat(share.percent, what, share.counted, step, fraction)
