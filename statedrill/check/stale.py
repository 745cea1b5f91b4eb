"""Stale reads: a read of v is stale iff a definitely newer u was surely there before its call.

Evidence: by ids, S(u) > F(v) and F(u) < call(r); by versions, a higher one had returned before;
by content, an element that must be in a set or log is missing. Staleness is at least
call(r) - min F(u) over the newer u. "As if accepted meant visible" adds the reads that are older
than a write that was accepted before their call; they are counted apart and break nothing alone.
"""

from __future__ import annotations

import numpy as np

from statedrill.check.absent import absent
from statedrill.check.case import NONE, Case
from statedrill.check.marks import Marks
from statedrill.check.register import newer_done_by
from statedrill.check.sorting import Array
from statedrill.check.versions import newer_shown_by

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
    frame = case.frame
    reads = np.flatnonzero(case.value != NONE)
    read_values = np.zeros(len(case.first), dtype=bool)
    read_values[case.value[reads]] = True
    values = np.flatnonzero(read_values)
    newer = np.full(len(case.first), _NEVER)
    newer[values] = newer_done_by(case, values)
    found = newer[case.value[reads]]
    late = found < frame.key(frame.obj[reads], frame.call[reads])
    since[reads[late]] = frame.tick_of(found[late])


def _promised_since(case: Case) -> Array:
    """For reads older than a write accepted before their call: the tick of its acceptance."""
    frame = case.frame
    since = np.full(len(frame), _NEVER)
    writes = np.flatnonzero(case.promised)
    reads = np.flatnonzero(case.valid & ((case.value != NONE) | (case.shown != NONE)))
    if len(writes) == 0 or len(reads) == 0:
        return since
    promised = frame.key(frame.obj[writes], case.ack[writes])
    for newer in (
        _promised_by_id(case, writes, promised, reads),
        _promised_by_version(case, writes, promised, reads),
    ):
        late = newer < frame.key(frame.obj[reads], frame.call[reads])
        hit = reads[late]
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
    known = case.version[writes] != NONE
    writes, promised = writes[known], promised[known]
    width = int(max(case.version.max(initial=0), case.shown.max(initial=0))).bit_length()
    packed = (frame.obj[writes] << width) | case.version[writes]
    order = np.argsort(packed, kind="stable")
    packed, promised = packed[order], promised[order]
    least = np.append(np.minimum.accumulate(promised[::-1])[::-1], _NEVER)
    wanted = (frame.obj[reads] << width) | np.maximum(case.shown[reads], 0)
    found = least[np.searchsorted(packed, wanted, side="right")]
    fits = (frame.group_of(found) == frame.obj[reads]) & (case.shown[reads] != NONE)
    return np.where(fits, found, _NEVER)
