"""Stale reads: a read of v is stale iff a definitely newer u was surely there before its call.

Evidence: by versions, a higher one had returned before; by ids, where a version is not known,
S(u) > F(v) and F(u) < call(r); by content, an element that must be in a set or log is missing.
Staleness is at least call(r) - min F(u) over the newer u. "As if accepted meant visible" adds the
reads that are older than a write that was accepted before their call; they are counted apart and
break nothing alone.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.checks.missing_elements import absent
from statedrill.check.checks.register_zones import newer_done_by
from statedrill.check.checks.versions import newer_shown_by
from statedrill.check.index.observations import NONE, Case
from statedrill.check.numeric.stable_sort import Array

_NEVER = np.iinfo("i8").max


def stale_reads(case: Case) -> Marks:
    """Reads that are definitely stale. Evidence: "since", a tick per row by which something newer
    surely was there (greatest int: none), and "accepted", the rows that are stale only
    against accepted writes.
    """
    frame = case.frame
    since = np.full(len(frame), _NEVER)
    _by_id(case, since)
    rows, newer = case.once(newer_shown_by)
    reads = case.valid[rows]
    since[rows[reads]] = np.minimum(since[rows[reads]], newer[reads])
    lacking = case.once(absent)
    since[lacking.rows] = np.minimum(since[lacking.rows], lacking.since)
    strict = since != _NEVER
    promised = _promised_since(case)
    accepted = (promised != _NEVER) & ~strict
    since[accepted] = promised[accepted]
    usable = (case.value != NONE) | (case.shown != NONE)
    usable[case.lists.rows] = True
    usable &= case.valid
    return Marks(usable, strict, {"since": since, "accepted": accepted})


def _by_id(case: Case, since: Array) -> None:
    """Where both versions are known, they decide; ids decide the rest."""
    frame = case.frame
    silent = case.version[: len(frame)] == NONE
    told = case.shown != NONE
    for writes, reads in ((silent, told), (case.effective, ~told)):
        chosen = np.flatnonzero((case.value != NONE) & reads)
        if len(chosen) == 0 or not (writes & case.effective).any():
            continue
        found = _newer(case, writes, case.value[chosen])
        late = found < frame.key(frame.obj[chosen], frame.call[chosen])
        since[chosen[late]] = frame.tick_of(found[late])


def _newer(case: Case, writes: Array, shown: Array) -> Array:
    """When something newer than each of the values `shown` was surely there, as a key."""
    wanted = np.zeros(len(case.first), dtype=bool)
    wanted[shown] = True
    values = np.flatnonzero(wanted)
    newer = np.full(len(case.first), _NEVER)
    newer[values] = newer_done_by(case, values, writes)
    return newer[shown]


def _promised_since(case: Case) -> Array:
    """For reads older than a write accepted before their call: the tick of its acceptance."""
    frame = case.frame
    since = np.full(len(frame), _NEVER)
    usable = case.valid & ((case.value != NONE) | (case.shown != NONE))
    told, silent = usable & (case.shown != NONE), usable & (case.shown == NONE)
    versioned = case.promised & (case.version[: len(frame)] != NONE)
    for compare, writes, reads in (
        (_promised_by_version, versioned, told),
        (_promised_by_id, case.promised & ~versioned, told),
        (_promised_by_id, case.promised, silent),
    ):
        chosen, hit = np.flatnonzero(writes), np.flatnonzero(reads)
        if len(chosen) == 0 or len(hit) == 0:
            continue
        newer = compare(case, chosen, frame.key(frame.obj[chosen], case.ack[chosen]), hit)
        late = newer < frame.key(frame.obj[hit], frame.call[hit])
        hit = hit[late]
        since[hit] = np.minimum(since[hit], frame.tick_of(newer[late]))
    return since


def _promised_by_id(case: Case, writes: Array, promised: Array, reads: Array) -> Array:
    frame = case.frame
    begun = frame.key(frame.obj[writes], frame.call[writes])
    least = np.append(np.minimum.accumulate(promised[::-1])[::-1], _NEVER)
    value = case.value[reads]
    first = np.where(value != NONE, case.first[value], frame.clock.top)
    found = least[np.searchsorted(begun, frame.key(frame.obj[reads], first), side="right")]
    return np.where(frame.group_of(found) == frame.obj[reads], found, _NEVER)


def _promised_by_version(case: Case, writes: Array, promised: Array, reads: Array) -> Array:
    frame = case.frame
    width = int(max(case.version.max(initial=0), case.shown.max(initial=0))).bit_length()
    packed = (frame.obj[writes] << width) | case.version[writes]
    order = np.argsort(packed, kind="stable")
    packed, promised = packed[order], promised[order]
    least = np.append(np.minimum.accumulate(promised[::-1])[::-1], _NEVER)
    wanted = (frame.obj[reads] << width) | case.shown[reads]
    found = least[np.searchsorted(packed, wanted, side="right")]
    return np.where(frame.group_of(found) == frame.obj[reads], found, _NEVER)
