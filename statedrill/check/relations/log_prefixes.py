"""Logs and orders: every list that was read is a prefix of the longest of its object.

Lists that are not, and the longest ones, show in which order a log holds its entries.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array, run_numbers, run_starts, suffix_min
from statedrill.vocabulary import Model


def log_lists(obs: Observations) -> Array:
    """The numbers of the lists of logs and orders, in reads that may be believed."""
    rows = obs.lists.rows
    return np.flatnonzero(obs.valid[rows] & (obs.table.model[rows] >= Model.LOG))


def longest_of_object(obs: Observations, lists: Array) -> Array:
    """For each of `lists` the longest one of them of its object."""
    object_of = obs.table.object_of[obs.lists.rows[lists]]
    order = np.lexsort((obs.lists.lengths[lists], object_of))
    starts = run_starts(object_of[order])
    last = np.append(np.flatnonzero(starts)[1:], len(order)) - 1
    place = np.empty(len(order), dtype=np.int64)
    place[order] = order[last][np.cumsum(starts) - 1]
    longest: Array = lists[place]
    return longest


def not_prefix(obs: Observations, lists: Array, longest: Array) -> Array:
    """Whether each of `lists` differs from the beginning of the list beside it."""
    every = obs.lists
    items, number = every.items_of(lists)
    counterpart = items + (every.starts[longest] - every.starts[lists])[number]
    differs = np.zeros(len(lists), dtype=bool)
    differs[number[every.ids[items] != every.ids[counterpart]]] = True
    return differs


def reversed_writes(obs: Observations, client: Array) -> Array:
    """Mask of the writes that a log shows before one that the same client had confirmed earlier.

    `client` numbers the (object, client) of every row. Looks at the longest list of each object
    and at those that are no prefix of it: every other list says the same.
    """
    table, lists = obs.table, obs.lists
    chosen = log_lists(obs)
    if len(chosen) == 0:
        return np.zeros(len(table), dtype=bool)
    longest = longest_of_object(obs, chosen)
    differing = chosen[not_prefix(obs, chosen, longest)]
    candidates = _falling(obs, np.unique(np.concatenate([longest, differing])))
    items, number = lists.items_of(candidates)
    entry = lists.write_row[items]
    keep = (entry != NONE) & obs.acknowledged_directly[entry]
    entry, number, place = entry[keep], number[keep], np.arange(len(items))[keep]
    order = np.lexsort((place, client[entry], number))
    entry, number = entry[order], number[order]
    group = run_numbers(number, client[entry])
    following = suffix_min(table.key(group, table.ret[entry]))[1:]
    return table.mask(entry[following < table.key(group, table.call[entry])])


def _falling(obs: Observations, chosen: Array) -> Array:
    """Of these lists, those with an entry sent before the one that stands before it; rows are in
    the order of their call, and only there two writes can be reversed.
    """
    items, number = obs.lists.items_of(chosen)
    entry = obs.lists.write_row[items]
    falls = (entry[1:] < entry[:-1]) & (number[1:] == number[:-1])
    falling: Array = chosen[np.unique(number[1:][falls])]
    return falling
