"""The overview of a large comparison: one small square for each cell of its grid.

A square shows one number, the greater of the two shares that were lost, so that a hundred cells are
read at a glance, on a phone, too. Knows the grid; knows no HTML.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from statedrill.report.comparison.heatmap import Grid, GridCell, Heat
from statedrill.report.formatting import DASH
from statedrill.vocabulary import BROKEN, UNKNOWN

_FEW_COLUMNS = 4
_MARKS = {BROKEN: "✗", UNKNOWN: "?"}


@dataclass(frozen=True)
class Square:
    """One cell: its number, its step of colour, the mark of an outcome that is not `held`, what it
    says in words, and the address of its report (of its only run).
    """

    text: str
    step: str
    mark: str
    words: str
    href: str


@dataclass(frozen=True)
class Overview:
    """Names of the columns, and the rows by name."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, tuple[Square, ...]], ...]


def overview(grid: Grid) -> Overview | None:
    """The overview of `grid`, its longer side down; None where the grid itself is small enough."""
    if len(grid.columns) <= _FEW_COLUMNS:
        return None
    squares = squares_of(grid)
    patterns = [name for name, _ in grid.rows]
    experiments = [name for name, _ in grid.columns]
    if len(experiments) > len(patterns):
        return _overview(patterns, experiments, list(zip(*squares, strict=True)))
    return _overview(experiments, patterns, squares)


def squares_of(grid: Grid) -> list[list[Square]]:
    """The squares of all cells: patterns down, experiments across."""
    return [[_square(cell) for cell in cells] for _, cells in grid.rows]


def _overview(
    columns: Sequence[str], names: Sequence[str], rows: Sequence[Sequence[Square]]
) -> Overview:
    named = zip(names, (tuple(row) for row in rows), strict=True)
    return Overview(tuple(columns), tuple(named))


def _square(cell: GridCell) -> Square:
    if not cell.links:
        return Square("", "none", "", f"{cell.name}: {cell.below}", "")
    worst = max(cell.heats, key=lambda heat: (heat.fraction is not None, heat.fraction or 0.0))
    lost = ", ".join(f"{heat.text} {heat.what}" for heat in cell.heats)
    return Square(
        text=_number(worst),
        step=worst.step,
        mark=_MARKS.get(cell.outcome, ""),
        words=f"{cell.name}: {cell.outcome}, {lost}",
        href=cell.links[0][1] if len(cell.links) == 1 else "",
    )


def _number(heat: Heat) -> str:
    """Per cent in at most three characters; what is not all, or not nothing, never reads as it."""
    if heat.fraction is None:
        return DASH
    value = heat.fraction * 100
    if value in (0, 100):
        return f"{value:.0f}"
    return "<1" if value < 1 else ">99" if value > 99 else f"{value:.0f}"
