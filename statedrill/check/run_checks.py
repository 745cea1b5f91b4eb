"""Lets every check look at the rows of a part, and sees what follows from a lost state.

Only the objects that need a closer look are looked at; the findings are put back to the rows of
the whole part. Knows the table of checks, and no definition.
"""

from __future__ import annotations

import numpy as np

from statedrill.check import CHECKS
from statedrill.check.checks.base import Look
from statedrill.check.checks.marks import Marks
from statedrill.check.context import Settings
from statedrill.check.index.fast_path import loud_objects, quiet_opportunities
from statedrill.check.index.list_reads import collect
from statedrill.check.index.observations import examine
from statedrill.check.index.operations import build
from statedrill.check.index.subset import narrow
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.columns import Names
from statedrill.history.store import Part

# Above this share of rows that need a closer look, sorting them out costs more than it saves.
_WORTH_IT = 0.6


def examine_rows(
    part: Part,
    names: Names,
    settings: Settings,
    bounded: bool,
    order: Array | None = None,
) -> Look:
    """Every check on the rows `order` of `part` (None: all), in the strict or bounded column."""
    frame = build(part, names, settings.lateness_ns if bounded else None, order)
    case = examine(frame, collect(part, frame), settings.complete)
    look = Look(case, settings)
    loud = loud_objects(case)
    if loud[frame.obj].sum() >= _WORTH_IT * len(frame):
        for check in CHECKS:
            look.found[check.name] = check.find(look)
        return look
    close, rows = narrow(case, loud)
    look.closer, look.rows = Look(close, settings), rows
    chances = quiet_opportunities(case, loud)
    for check in CHECKS:
        if not check.by_object:
            look.found[check.name] = check.find(look)
            continue
        marks = check.find(look.closer)
        look.closer.found[check.name] = marks
        look.found[check.name] = _put_back(marks, rows, chances[check.name])
    unaudited = look.found["lost-writes"].evidence["unaudited"]
    unaudited |= chances["unaudited"]
    return look


def _put_back(marks: Marks, rows: Array, chances: Array) -> Marks:
    """The findings on some rows as findings on all; `chances` are those of the other rows."""
    nothing = np.zeros(len(chances), dtype=bool)
    never = np.full(len(chances), np.iinfo("i8").max)
    evidence = {
        name: _spread(values, rows, nothing if values.dtype == bool else never)
        for name, values in marks.evidence.items()
    }
    opportunity = _spread(marks.opportunity, rows, chances)
    return Marks(opportunity, _spread(marks.violation, rows, nothing), evidence)


def _spread(values: Array, rows: Array, others: Array) -> Array:
    spread = others.copy()
    spread[rows] = values
    return spread


def after_loss(look: Look) -> Array:
    """Takes what follows from a lost state out of the later checks; returns those rows.

    A state is lost from the first lost write's confirmation on. Where no audit decided and the
    failure is one that the pattern does not promise to survive, the suspicion of the object's
    last read is enough: such a failure must not break other clauses.
    """
    case, frame = look.case, look.case.frame
    lost = look.found["lost-writes"]
    excused = lost.evidence["suspected"] if look.settings.unpromised_failure else False
    gone = np.flatnonzero(lost.violation | excused)
    since = np.full(frame.objects, np.iinfo("i8").max)
    np.minimum.at(since, frame.obj[gone], case.ack[gone])
    following = np.zeros(len(frame), dtype=bool)
    if len(gone) == 0:
        return following
    later = frame.ret > since[frame.obj]
    whole = (since < np.iinfo("i8").max)[frame.obj]
    for check in CHECKS:
        if not check.follows_loss:
            continue
        marks = look.found[check.name]
        affected = marks.violation & (whole if check.unit != "reads" else later)
        marks.violation &= ~affected
        marks.evidence["after_loss"] = affected
        following |= affected
        if "accepted" in marks.evidence:
            marks.evidence["accepted"] &= ~later
    return following
