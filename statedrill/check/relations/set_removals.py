"""Sets with unique element ids: when an element may have been removed, and when it surely was.

A removal counts as sure only where the element surely was there before it was sent: an add that
timed out may land after its removal. Logs and orders are sets from which nothing is ever removed.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import Array, suffix_min
from statedrill.vocabulary import Kind


def earliest_possible_removal(obs: Observations) -> Array:
    """Per row of an add: the earliest call of anything that may remove its element (the top tick:
    none).
    """
    table = obs.table
    removal = np.full(len(table), table.clock.top, dtype=np.int64)
    removes = np.flatnonzero(obs.may_apply & (obs.removed_add >= 0))
    np.minimum.at(removal, obs.removed_add[removes], table.call[removes])
    clears = _clears(obs)
    if len(clears) == 0:
        return removal
    adds = _adds(obs)
    # clears that may take effect after the add was sent: at the latest by F(c), or by their end
    latest = np.minimum(obs.visible_by[clears], table.effect_end[clears])
    order = np.argsort(table.key(table.object_of[clears], latest), kind="stable")
    clears, latest = clears[order], latest[order]
    done = table.key(table.object_of[clears], latest)
    earliest_call = suffix_min(table.key(table.object_of[clears], table.call[clears]))
    sent = table.key(table.object_of[adds], table.call[adds])
    _take_over(obs, removal, adds, earliest_call[np.searchsorted(done, sent, "left")])
    return removal


def certain_removal(obs: Observations) -> Array:
    """Per row of an add: when its element surely had been removed, at the earliest (the top tick:
    never).
    """
    table = obs.table
    removal = np.full(len(table), table.clock.top, dtype=np.int64)
    removes = np.flatnonzero(obs.may_apply & (obs.removed_add >= 0))
    removes = removes[obs.visible_by[obs.removed_add[removes]] < table.call[removes]]
    np.minimum.at(removal, obs.removed_add[removes], obs.visible_by[removes])
    clears = _clears(obs)
    if len(clears) == 0:
        return removal
    adds = _adds(obs)
    sent = table.key(table.object_of[clears], table.call[clears])
    earliest_done = suffix_min(table.key(table.object_of[clears], obs.visible_by[clears]))
    there = table.key(table.object_of[adds], obs.visible_by[adds])
    _take_over(obs, removal, adds, earliest_done[np.searchsorted(sent, there, side="right")])
    return removal


def _take_over(obs: Observations, removal: Array, adds: Array, clear_keys: Array) -> None:
    """Lowers `removal` of the adds to the moments in `clear_keys` that are of the same object."""
    table = obs.table
    same = table.group_of(clear_keys) == table.object_of[adds]
    removal[adds[same]] = np.minimum(removal[adds[same]], table.tick_of(clear_keys[same]))


def _adds(obs: Observations) -> Array:
    return np.flatnonzero(obs.may_apply & (obs.table["kind"] == Kind.ADD))


def _clears(obs: Observations) -> Array:
    return np.flatnonzero(obs.may_apply & (obs.table["kind"] == Kind.CLEAR))
