"""A part of a history cut in time: only what came before a moment is on record, or after it.

The cut only takes knowledge away. A write that it goes through, or that lies outside, may take
effect inside at any time or never: its outcome becomes UNKNOWN. Such a read is left out. So what is
wrong in one half of a history is wrong in the whole, whatever happened in the other half. Knows
rows and times; knows no definition of any finding.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from statedrill.check.numeric.arrays import NEVER, Array
from statedrill.history.operation import NO_VERSION, NOT_SHOWN, NOTHING
from statedrill.history.store import Part
from statedrill.vocabulary import Kind, Outcome, Phase

_OPEN = {
    "outcome": Outcome.UNKNOWN,
    "read_wid": NOTHING,
    "ver": NO_VERSION,
    "server_session": NOT_SHOWN,
}


def before(part: Part, rows: Array, moment_ns: int | Array) -> tuple[Part, Array]:
    """What was on record at `moment_ns`: operations called before it, those in flight open.

    `rows` are the numbers of the rows of `part` to look at; `moment_ns` is one for all of them or
    one for each. Returns the part with open writes, and the numbers of the rows that stay.
    """
    called = part["call"][rows] < moment_ns
    in_flight = called & (part["ret"][rows] >= moment_ns)
    return _cut(part, rows[called], rows[in_flight])


def after(part: Part, rows: Array, moment_ns: int | Array) -> tuple[Part, Array]:
    """What began after `moment_ns`; arguments and result as of `before`."""
    return _cut(part, rows, rows[part["call"][rows] <= moment_ns])


def surely_recorded(part: Part, rows: Array) -> tuple[Part, Array]:
    """What no operation can have influenced that was in flight when a load process was lost.

    Such an operation is not on record. It was called after the last return of its lane, so only
    other lanes can have seen what it did, or a write of unknown outcome that landed later still
    can hide it. Sessions that have neither are whole.
    """
    loaded = rows[part["phase"][rows] < Phase.AUDIT]
    sessions, number = np.unique(part["session"][rows], return_inverse=True)
    place = np.searchsorted(sessions, part["session"][loaded])
    lanes, lane = np.unique(np.stack([place, part["lane"][loaded]]), axis=1, return_inverse=True)
    last = np.zeros(lanes.shape[1], dtype=np.int64)
    np.maximum.at(last, lane, part["ret"][loaded])
    until = np.full(len(sessions), NEVER)
    np.minimum.at(until, lanes[0], last)
    overlaps = np.bincount(lanes[0], minlength=len(sessions)) > 1
    unknown = (part["kind"][loaded] != Kind.READ) & (part["outcome"][loaded] == Outcome.UNKNOWN)
    overlaps[place[unknown]] = True
    until[~overlaps] = NEVER - 1
    return before(part, rows, until[number] + 1)


def _cut(part: Part, rows: Array, open_rows: Array) -> tuple[Part, Array]:
    changed = open_rows[part["outcome"][open_rows] != Outcome.FAILED]
    columns = dict(part.columns)
    for name, value in _OPEN.items():
        columns[name] = columns[name].copy()
        columns[name][changed] = value
    stays = np.ones(len(part), dtype=bool)
    stays[open_rows[part["kind"][open_rows] == Kind.READ]] = False
    return replace(part, columns=columns), rows[stays[rows]]
