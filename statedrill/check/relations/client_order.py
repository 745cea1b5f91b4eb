"""What each client had seen and written of an object before each of its calls, and what is older.

older(u, v): ver(u) < ver(v) where both versions are known, else F(u) < S(v). The four session
guarantees (Terry et al. 1994) are defined by it.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.index.observations import Observations
from statedrill.check.index.precedence import Predecessors, clients
from statedrill.check.numeric.arrays import NEVER, NONE, Array


def by_client(obs: Observations) -> Predecessors:
    """The rows by object and client."""
    return Predecessors(obs.table, clients(obs.table))


def comparable_reads(obs: Observations) -> Array:
    """Mask of the reads that may be believed and show a known value or version."""
    known = (obs.observed_write != NONE) | (obs.observed_version != NONE)
    comparable: Array = obs.valid & known
    return comparable


def any_before(obs: Observations, chosen: Array, rows: Array) -> Array:
    """Whether the client of each of `rows` had one of the `chosen` rows before it."""
    nothing = np.zeros(len(obs.table), dtype=np.int64)
    found: Array = obs.cached(by_client).greatest_before(chosen, nothing, rows) != NONE
    return found


def older_than_before(
    obs: Observations, reads: Array, chosen: Array, sent_at: Array, version: Array
) -> Array:
    """Whether each of `reads` is older than one of the `chosen` rows (a mask) that its client had
    before it. `sent_at` and `version` are, per row, S and the version of what that row shows.
    """
    greatest_before = obs.cached(by_client).greatest_before
    shown, value = obs.observed_version[reads], obs.observed_write[reads]
    versioned = chosen & (version != NONE)
    newest = greatest_before(versioned, np.maximum(version, 0), reads)
    older: Array = (shown != NONE) & (shown < newest)
    visible_by = np.where(value != NONE, obs.visible_by[value], NEVER)
    if not versioned[chosen].all():
        older |= visible_by < greatest_before(chosen & ~versioned, sent_at, reads)
    silent = np.flatnonzero(shown == NONE)
    if len(silent):
        latest = greatest_before(chosen, sent_at, reads[silent])
        older[silent] |= visible_by[silent] < latest
    return older


def older_than_own_writes(obs: Observations, reads: Array, writes: Array) -> Array:
    """Whether each of `reads` is older than one of the `writes` (a mask) that the response to
    this very attempt had acknowledged to its client before.
    """
    version = obs.write_version[: len(obs.table)]
    chosen = writes & obs.acknowledged_directly
    return older_than_before(obs, reads, chosen, obs.table.call, version)


def rows_before(obs: Observations, row: int, chosen: Array) -> Array:
    """The `chosen` rows of the same client and object that had returned before `row` was called."""
    table = obs.table
    same = np.flatnonzero(
        chosen & (table.object_of == table.object_of[row]) & (table["lane"] == table["lane"][row])
    )
    before: Array = same[table.ret[same] < table.call[row]]
    return before


def newest_before(obs: Observations, row: int, chosen: Array) -> int:
    """Of `rows_before`, the one that shows the newest state."""
    same = rows_before(obs, row, chosen)
    value = np.where(obs.observed_write[same] != NONE, obs.observed_write[same], same)
    return int(same[np.lexsort((obs.sent_at[value], obs.observed_version[same]))[-1]])
