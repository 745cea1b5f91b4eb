"""A table as data: what a template prints, whatever it is about. Knows no HTML and no verdict."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """One cell: its text, a smaller note below, a style, a link, and an outcome to badge it by."""

    text: str = ""
    note: str = ""
    style: str = ""
    href: str = ""
    outcome: str = ""


@dataclass(frozen=True)
class Table:
    """A caption, the columns' titles, and rows; the first cell of a row is its heading.

    `numeric` are the numbers of the columns that hold figures (they stand to the right).
    """

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    numeric: frozenset[int] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.rows)


def table(
    caption: str,
    columns: Sequence[str],
    rows: Iterable[Sequence[str | Cell]],
    numeric: Iterable[int] = (),
) -> Table:
    """A Table from rows whose cells may be plain text."""
    made = tuple(
        tuple(cell if isinstance(cell, Cell) else Cell(cell) for cell in row) for row in rows
    )
    return Table(caption, tuple(columns), made, frozenset(numeric))
