"""What a list read lacks: elements that must be there.

An element e must be in a list read r iff it surely was there before (F(e) < call(r)) and nothing
that may have removed it was sent before r returned. Most reads are cleared by counting how many
elements must be there; only where the count is short, or only a bound, are elements looked at.
Logs and orders are sets from which nothing is ever removed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.log_order import flat_of
from statedrill.check.checks.set_removals import may_be_gone
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array
from statedrill.vocabulary import Kind, Outcome

_NEVER = np.iinfo("i8").max
_PAIRS_AT_ONCE = 4_000_000


@dataclass
class Absent:
    """List reads that lack something. `since`: the tick by which the first of what is missing
    surely was there; `own_write`: an element whose add the same lane had confirmed before is
    missing; `own_read`: one that the same lane had read before.
    """

    rows: Array
    since: Array
    own_write: Array
    own_read: Array


def absent(case: Case) -> Absent:
    """List reads that lack an element that must be there."""
    lists = case.lists
    chosen = np.flatnonzero(case.valid[lists.rows])
    if len(chosen) == 0:
        return Absent(chosen, chosen, chosen > 0, chosen > 0)
    gone = case.once(may_be_gone)
    expected, unsure = _expected(case, lists.rows[chosen], gone)
    found = _found(case, chosen, gone)
    unsure |= _with_repeats(case)[chosen]
    suspects = chosen[unsure | (found < expected)]
    return _settle(case, suspects, gone)


def _expected(case: Case, rows: Array, gone: Array) -> tuple[Array, Array]:
    """How many elements must be in each read at least, and where that is only a lower bound."""
    frame = case.frame
    grown = np.flatnonzero(_entries(case) & (case.first[: len(frame)] < frame.clock.top))
    there = np.sort(frame.key(frame.obj[grown], case.first[grown]))
    taken = grown[gone[grown] < frame.clock.top]
    left_key = frame.key(frame.obj[taken], np.maximum(gone[taken], case.first[taken]))
    left = np.sort(left_key)
    base = frame.key(frame.obj[rows], 0)
    call, ret = (
        frame.key(frame.obj[rows], frame.call[rows]),
        frame.key(frame.obj[rows], frame.ret[rows]),
    )
    begin = np.searchsorted(there, base)
    came = np.searchsorted(there, call)
    went = np.searchsorted(left, ret) - np.searchsorted(left, base)
    # elements that came and may have gone while the read was under way are taken off twice
    unsure = (np.searchsorted(there, ret) > came) & (went > 0)
    return came - begin - went, unsure


def _with_repeats(case: Case) -> Array:
    """Lists that show an element more than once: their length says little."""
    lists = case.lists
    found = np.zeros(len(lists), dtype=bool)
    found[lists.index()[lists.repeated(lists.ids)]] = True
    return found


def _found(case: Case, chosen: Array, gone: Array) -> Array:
    """How many of the elements that must be there each read shows."""
    flat, number = flat_of(case.lists.starts[chosen], case.lists.lengths[chosen])
    must = _must(case, case.lists.item[flat], case.lists.row_of[flat], gone)
    return np.bincount(number[must], minlength=len(chosen))


def _must(case: Case, item: Array, row: Array, gone: Array) -> Array:
    frame = case.frame
    there = (item != NONE) & case.effective[item] & (case.first[item] < frame.call[row])
    must: Array = there & (gone[item] >= frame.ret[row])
    return must


def lacking(case: Case, row: int) -> Array:
    """The rows of the elements that the list read `row` lacks."""
    lists = case.lists
    (number,) = np.flatnonzero(lists.rows == row)
    members = np.flatnonzero(_entries(case) & (case.frame.obj == case.frame.obj[row]))
    must = _must(case, members, np.full(len(members), row), case.once(may_be_gone))
    begin = lists.starts[number]
    shown = lists.item[begin : begin + lists.lengths[number]]
    missing: Array = members[must & ~np.isin(members, shown)]
    return missing


def _settle(case: Case, suspects: Array, gone: Array) -> Absent:
    """Looks at every element of the object of each suspect, some suspects at a time."""
    frame = case.frame
    entries = np.flatnonzero(_entries(case))
    starts = np.searchsorted(frame.obj[entries], np.arange(frame.objects + 1))
    obj = frame.obj[case.lists.rows[suspects]]
    counts = starts[obj + 1] - starts[obj]
    batch = np.cumsum(counts) // _PAIRS_AT_ONCE
    found = [
        _settle_batch(case, suspects[batch == number], entries, starts, gone)
        for number in range(int(batch[-1]) + 1 if len(batch) else 0)
    ]
    nothing = np.zeros(0, dtype=np.int64)
    columns = list(zip(*found, strict=True)) or [(nothing,)] * 4
    rows, since, own_write, own_read = (np.concatenate(column) for column in columns)
    return Absent(rows, since, own_write > 0, own_read > 0)


def _settle_batch(
    case: Case, suspects: Array, entries: Array, starts: Array, gone: Array
) -> tuple[Array, Array, Array, Array]:
    frame, lists = case.frame, case.lists
    rows = lists.rows[suspects]
    obj = frame.obj[rows]
    flat, number = flat_of(starts[obj], starts[obj + 1] - starts[obj])
    element, read = entries[flat], rows[number]
    lacking = _must(case, element, read, gone)
    shown, reader = flat_of(lists.starts[suspects], lists.lengths[suspects])
    size = len(frame)
    lacking &= ~np.isin(number * size + element, reader * size + lists.item[shown])
    element, read, number = element[lacking], read[lacking], number[lacking]
    since = np.full(len(rows), _NEVER)
    np.minimum.at(since, number, case.first[element])
    own = frame["lane"][element] == frame["lane"][read]
    own &= case.acked[element] & (frame.outcome[element] == Outcome.OK)
    own &= frame.ret[element] < frame.call[read]
    seen = _seen_by_lane(case, element, read)
    own_write, own_read = (np.bincount(number[mask], minlength=len(rows)) for mask in (own, seen))
    broken = since != _NEVER
    return rows[broken], since[broken], own_write[broken], own_read[broken]


def _seen_by_lane(case: Case, element: Array, read: Array) -> Array:
    """Whether the lane of each read had seen the element in an earlier list."""
    frame, lists = case.frame, case.lists
    wanted = np.zeros(len(frame), dtype=bool)
    wanted[element] = True
    places = np.flatnonzero((lists.item != NONE) & wanted[lists.item])
    places = places[case.valid[lists.row_of[places]]]
    width = int(frame["lane"].max(initial=0)) + 1
    key = lists.item[places] * width + frame["lane"][lists.row_of[places]]
    ends = frame.ret[lists.row_of[places]]
    order = np.lexsort((ends, key))
    key, ends = key[order], np.append(ends[order], _NEVER)
    asked = element * width + frame["lane"][read]
    place = np.searchsorted(key, asked)
    known = np.append(key, -1)[place] == asked
    seen: Array = known & (ends[place] < frame.call[read])
    return seen


def _entries(case: Case) -> Array:
    kind = case.frame["kind"]
    entries: Array = case.effective & ((kind == Kind.ADD) | (kind == Kind.APPEND))
    return entries
