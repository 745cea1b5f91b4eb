"""What lists show more than once. Only lists in reads that may be believed count."""

from __future__ import annotations

from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array


def listed_twice(obs: Observations) -> Array:
    """Mask of the writes that a list holds more than once."""
    return obs.table.mask(obs.lists.write_row[repeated_items(obs, obs.lists.ids)])


def repeated_items(obs: Observations, ids: Array) -> Array:
    """Places of list items, of a known write, whose value in `ids` stands earlier in the same
    list too.
    """
    lists = obs.lists
    items = lists.repeated(ids)
    known = lists.write_row[items] != NONE
    believed: Array = items[known & obs.valid[lists.read_row[items]]]
    return believed
