"""Logs: every list that was read is a prefix of the longest of its object, and as long as `ver`.

Orders are logs too. Evidence of two confirmed writes in reversed order is made here for the
session guarantee that it breaks.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array, run_starts
from statedrill.vocabulary import Model


def log_order(case: Case) -> Marks:
    """List reads of logs and orders that are no prefix of the longest, or not as long as `ver`.

    Lists that show an entry twice are judged as duplicates.
    """
    frame, lists = case.frame, case.lists
    marks = Marks(np.zeros(len(frame), dtype=bool), np.zeros(len(frame), dtype=bool))
    chosen = np.flatnonzero(_log_reads(case) & ~_with_repeats(case))
    if len(chosen) == 0:
        return marks
    rows, lengths = lists.rows[chosen], lists.lengths[chosen]
    marks.opportunity[rows] = True
    longest = chosen[_longest(frame.obj[rows], lengths)]
    differs = _not_prefix(case, chosen, longest)
    told = case.shown[rows]
    marks.violation[rows] = differs | ((told != NONE) & (told != lengths))
    return marks


def reversed_pairs(case: Case, lane: Array) -> Array:
    """Rows of writes that a log shows before one that the same lane had confirmed earlier.

    `lane` numbers the (object, lane) of every row. Looks at the longest list of each object and
    at those that are no prefix of it: every other list says the same.
    """
    frame, lists = case.frame, case.lists
    found = np.zeros(len(frame), dtype=bool)
    chosen = np.flatnonzero(_log_reads(case))
    if len(chosen) == 0:
        return found
    rows = lists.rows[chosen]
    longest = chosen[_longest(frame.obj[rows], lists.lengths[chosen])]
    odd = _not_prefix(case, chosen, longest)
    telling = _falling(case, np.unique(np.concatenate([longest, chosen[odd]])))
    flat, number = flat_of(lists.starts[telling], lists.lengths[telling])
    item = lists.item[flat]
    keep = (item != NONE) & case.answered[item]
    item, number, place = item[keep], number[keep], np.arange(len(flat))[keep]
    order = np.lexsort((place, lane[item], number))
    item, number = item[order], number[order]
    group = np.cumsum(run_starts(number, lane[item])) - 1
    ends = frame.key(group, frame.ret[item])
    later_least = np.minimum.accumulate(ends[::-1])[::-1]
    following = np.append(later_least[1:], np.iinfo("i8").max)
    found[item[following < frame.key(group, frame.call[item])]] = True
    return found


def _falling(case: Case, chosen: Array) -> Array:
    """Of these lists, those with an entry sent before the one that stands before it; rows are in
    the order of their call, and only there two writes can be reversed.
    """
    lists = case.lists
    flat, number = flat_of(lists.starts[chosen], lists.lengths[chosen])
    item = lists.item[flat]
    falls = (item[1:] < item[:-1]) & (number[1:] == number[:-1])
    falling: Array = chosen[np.unique(number[1:][falls])]
    return falling


def flat_of(starts: Array, lengths: Array) -> tuple[Array, Array]:
    """The places of several stretches of a flat array, and the number of each one's stretch."""
    offsets = np.cumsum(lengths) - lengths
    number = np.repeat(np.arange(len(starts)), lengths)
    return np.arange(int(lengths.sum())) + (starts - offsets)[number], number


def _log_reads(case: Case) -> Array:
    rows = case.lists.rows
    reads: Array = case.valid[rows] & (case.frame.model[rows] >= Model.LOG)
    return reads


def _with_repeats(case: Case) -> Array:
    lists = case.lists
    twice = np.zeros(len(lists), dtype=bool)
    twice[lists.index()[lists.repeated(lists.ids)]] = True
    return twice


def _longest(obj: Array, lengths: Array) -> Array:
    """For each read, the place of the longest list of its object."""
    order = np.lexsort((lengths, obj))
    starts = run_starts(obj[order])
    last = np.append(np.flatnonzero(starts)[1:], len(order)) - 1
    place = np.empty(len(order), dtype=np.int64)
    place[order] = order[last][np.cumsum(starts) - 1]
    return place


def _not_prefix(case: Case, chosen: Array, longest: Array) -> Array:
    """Whether each list differs from the beginning of the longest one of its object."""
    lists = case.lists
    flat, number = flat_of(lists.starts[chosen], lists.lengths[chosen])
    model = flat + (lists.starts[longest] - lists.starts[chosen])[number]
    differs = np.zeros(len(chosen), dtype=bool)
    differs[number[lists.ids[flat] != lists.ids[model]]] = True
    return differs
