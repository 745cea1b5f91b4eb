"""What a list read lacks: elements that must be there.

An element e must be in a list read r iff it surely was there before (F(e) < call(r)) and nothing
that may have removed it was sent before r returned. Most reads are cleared by counting how many
elements must be there; only where the count is short, or only a bound, are elements looked at.
Logs and orders are sets from which nothing is ever removed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NEVER, NONE, Array, places_of, stretch_numbers
from statedrill.check.relations.set_removals import earliest_possible_removal
from statedrill.vocabulary import Kind, Outcome

_PAIRS_AT_ONCE = 4_000_000


@dataclass
class MissingElements:
    """List reads (`rows`) that lack something. `since`: the tick by which the first of what is
    missing surely was there; `own_write`: an element whose add the same client had confirmed
    before is missing; `own_read`: one that the same client had read before.
    """

    rows: Array
    since: Array
    own_write: Array
    own_read: Array


def missing_elements(obs: Observations) -> MissingElements:
    """List reads that lack an element that must be there."""
    lists = obs.lists
    chosen = np.flatnonzero(obs.valid[lists.rows])
    if len(chosen) == 0:
        return MissingElements(chosen, chosen, chosen > 0, chosen > 0)
    removal = obs.cached(earliest_possible_removal)
    expected, unsure = _expected(obs, lists.rows[chosen], removal)
    unsure |= lists.with_repeats[chosen]
    suspects = chosen[unsure | (_present(obs, chosen, removal) < expected)]
    return _look_closely(obs, suspects, removal)


def elements_missing_from(obs: Observations, row: int) -> Array:
    """The rows of the elements that the list read `row` lacks."""
    lists = obs.lists
    (number,) = np.flatnonzero(lists.rows == row)
    members = np.flatnonzero(_entries(obs) & (obs.table.object_of == obs.table.object_of[row]))
    removal = obs.cached(earliest_possible_removal)
    must = _must_show(obs, members, np.full(len(members), row), removal)
    begin = lists.starts[number]
    shown = lists.write_row[begin : begin + lists.lengths[number]]
    missing: Array = members[must & ~np.isin(members, shown)]
    return missing


def explain_missing(obs: Observations, element: int, row: int, describe: Describer) -> Explanation:
    """The add of an element and the list read `row` that lacks it."""
    sure = "confirmed" if obs.confirmed[element] else "seen in it"
    return Explanation(
        [element, row],
        f"session {describe.session(row)} had {describe.op(element)} {describe.wid(element)} "
        f"{sure}; its {describe.object(row)} at {describe.called(row)} lacked it, and nothing had "
        "been sent that removes it.",
    )


def _expected(obs: Observations, rows: Array, removal: Array) -> tuple[Array, Array]:
    """How many elements must be in each read at least, and where that is only a lower bound."""
    table = obs.table
    visible_by = obs.visible_by[: len(table)]
    grown = np.flatnonzero(_entries(obs) & (visible_by < table.clock.top))
    there = np.sort(table.key(table.object_of[grown], visible_by[grown]))
    taken = grown[removal[grown] < table.clock.top]
    removed_at = np.maximum(removal[taken], visible_by[taken])
    removed = np.sort(table.key(table.object_of[taken], removed_at))
    base = table.key(table.object_of[rows], 0)
    call, ret = base + table.call[rows], base + table.ret[rows]
    came = np.searchsorted(there, call)
    went = np.searchsorted(removed, ret) - np.searchsorted(removed, base)
    # elements that came and may have gone while the read was under way are taken off twice
    unsure = (np.searchsorted(there, ret) > came) & (went > 0)
    return came - np.searchsorted(there, base) - went, unsure


def _present(obs: Observations, chosen: Array, removal: Array) -> Array:
    """How many of the elements that must be there each read shows."""
    items, number = obs.lists.items_of(chosen)
    must = _must_show(obs, obs.lists.write_row[items], obs.lists.read_row[items], removal)
    return np.bincount(number[must], minlength=len(chosen))


def _must_show(obs: Observations, element: Array, read: Array, removal: Array) -> Array:
    """Whether each read must show the element beside it."""
    table = obs.table
    there = (element != NONE) & obs.may_apply[element]
    there &= obs.visible_by[element] < table.call[read]
    must: Array = there & (removal[element] >= table.ret[read])
    return must


def _look_closely(obs: Observations, suspects: Array, removal: Array) -> MissingElements:
    """Looks at every element of the object of each suspect, some suspects at a time."""
    table = obs.table
    entries = np.flatnonzero(_entries(obs))
    starts = np.searchsorted(table.object_of[entries], np.arange(table.objects + 1))
    object_of = table.object_of[obs.lists.rows[suspects]]
    counts = starts[object_of + 1] - starts[object_of]
    batch = np.cumsum(counts) // _PAIRS_AT_ONCE
    found = [
        _look_at_batch(obs, suspects[batch == number], entries, starts, removal)
        for number in range(int(batch[-1]) + 1 if len(batch) else 0)
    ]
    nothing = np.zeros(0, dtype=np.int64)
    columns = list(zip(*found, strict=True)) or [(nothing,)] * 4
    rows, since, own_write, own_read = (np.concatenate(column) for column in columns)
    return MissingElements(rows, since, own_write > 0, own_read > 0)


def _look_at_batch(
    obs: Observations, suspects: Array, entries: Array, starts: Array, removal: Array
) -> tuple[Array, Array, Array, Array]:
    table, lists = obs.table, obs.lists
    rows = lists.rows[suspects]
    object_of = table.object_of[rows]
    lengths = starts[object_of + 1] - starts[object_of]
    number = stretch_numbers(lengths)
    element, read = entries[places_of(starts[object_of], lengths)], rows[number]
    missing = _must_show(obs, element, read, removal)
    items, reader = lists.items_of(suspects)
    size = len(table)
    missing &= ~np.isin(number * size + element, reader * size + lists.write_row[items])
    element, read, number = element[missing], read[missing], number[missing]
    since = np.full(len(rows), NEVER)
    np.minimum.at(since, number, obs.visible_by[element])
    own = table["lane"][element] == table["lane"][read]
    own &= obs.confirmed[element] & (table.outcome[element] == Outcome.OK)
    own &= table.ret[element] < table.call[read]
    seen = _seen_by_client(obs, element, read)
    own_write, own_read = (np.bincount(number[mask], minlength=len(rows)) for mask in (own, seen))
    broken = since != NEVER
    return rows[broken], since[broken], own_write[broken], own_read[broken]


def _seen_by_client(obs: Observations, element: Array, read: Array) -> Array:
    """Whether the client of each read had seen the element in an earlier list."""
    table, lists = obs.table, obs.lists
    wanted = table.mask(element)
    items = np.flatnonzero((lists.write_row != NONE) & wanted[lists.write_row])
    items = items[obs.valid[lists.read_row[items]]]
    width = int(table["lane"].max(initial=0)) + 1
    key = lists.write_row[items] * width + table["lane"][lists.read_row[items]]
    ends = table.ret[lists.read_row[items]]
    order = np.lexsort((ends, key))
    key, ends = key[order], np.append(ends[order], NEVER)
    asked = element * width + table["lane"][read]
    place = np.searchsorted(key, asked)
    known = np.append(key, NONE)[place] == asked
    seen: Array = known & (ends[place] < table.call[read])
    return seen


def _entries(obs: Observations) -> Array:
    kind = obs.table["kind"]
    entries: Array = obs.may_apply & ((kind == Kind.ADD) | (kind == Kind.APPEND))
    return entries
