"""What lists show more than once. Only lists in reads that may be believed count."""

from __future__ import annotations

from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NONE, Array


def listed_twice(obs: Observations) -> Array:
    """Mask of the writes that a list holds more than once."""
    return obs.table.mask(obs.lists.write_row[believed_items(obs, obs.lists.repeated_ids)])


def believed_items(obs: Observations, items: Array) -> Array:
    """Of these places of list items, those of a known write in a read that may be believed."""
    lists = obs.lists
    known = lists.write_row[items] != NONE
    believed: Array = items[known & obs.valid[lists.read_row[items]]]
    return believed
