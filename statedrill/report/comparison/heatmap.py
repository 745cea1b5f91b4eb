"""The heat map of a comparison: patterns down, experiments across, shares of loss in the squares.

A step of colour is a help for the eye; the number stands in every square.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from statedrill.report.comparison.cells import Part, Square, squares_of
from statedrill.report.formatting import DASH, NOT_TESTED, count, crossed, percent, seconds
from statedrill.report.run_data import Run, at

STEPS = 8


@dataclass(frozen=True)
class Heat:
    """A coloured number: its text, what it counts, `12 of 300`, and its step of colour."""

    text: str
    what: str
    counted: str
    step: str


@dataclass(frozen=True)
class GridCell:
    """One square, ready to print; without links there was no run."""

    name: str
    outcome: str
    heats: tuple[Heat, ...]
    below: str
    links: tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Grid:
    """Titles of the columns (experiment, its title in the file) and the rows by pattern."""

    columns: tuple[tuple[str, str], ...]
    rows: tuple[tuple[str, tuple[GridCell, ...]], ...]


def grid(runs: Sequence[Run], link: Callable[[Run], str]) -> Grid:
    """The grid of `runs`; `link` gives the address of a run's report."""
    squares = squares_of(runs)
    patterns = list(dict.fromkeys(pattern for pattern, _ in squares))
    experiments = list(dict.fromkeys(experiment for _, experiment in squares))
    titles = {run.experiment: str(at(run.plan, "experiment", "title") or "") for run in runs}
    return Grid(
        columns=tuple((each, titles[each]) for each in experiments),
        rows=tuple(
            (
                pattern,
                tuple(
                    _cell(squares.get((pattern, experiment)), crossed(pattern, experiment), link)
                    for experiment in experiments
                ),
            )
            for pattern in patterns
        ),
    )


def _cell(square: Square | None, name: str, link: Callable[[Run], str]) -> GridCell:
    if square is None:
        return GridCell(name, "unknown", (), "no run", ())
    several = len(square.runs) > 1
    links = tuple(
        (f"run {number}" if several else "report", link(run))
        for number, run in enumerate(square.runs, start=1)
    )
    stale = square.stale
    served = DASH if square.served is None else percent(square.served)
    below = f"served {served} · stale {_text(stale)} · outage {seconds(square.outage_s)}"
    if square.wrong:
        below += f" · {count(square.wrong)} doubled or leaked"
    heats = (_heat(square.sessions, "sessions lost"), _heat(square.writes, "writes lost"))
    return GridCell(name, square.outcome, heats, below, links)


def _heat(part: Part, what: str) -> Heat:
    counted = "" if part.lost is None else f"{count(part.lost)} of {count(part.total)}"
    if part.share is None:
        return Heat(_text(part), what, counted, "none")
    # By the square root, so that a loss of one in a hundred is seen beside one of all.
    step = math.ceil(math.sqrt(part.share) * STEPS)
    return Heat(percent(part.share), what, counted, str(step))


def _text(part: Part) -> str:
    if part.lost is None or part.total is None:
        return DASH
    return NOT_TESTED if part.share is None else percent(part.share)
