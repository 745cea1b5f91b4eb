"""Lost sessions: an answer shows no session, or another one, although nobody signed out.

After a confirmed sign-in that showed server session k, an answer r is a loss when it shows
SIGNED_OUT or another id than k, unless a sign-in or sign-out that is not the latest confirmed one
may have been applied before r returned and after k (one that timed out may still land), or the
session may have expired since the last confirmed touch. A 503 or a timeout is unavailability, not
loss. A session is *lost* when its last answer before the next sign-in, or at the audit, was a
loss; it had an *outage* when the same id came back; with no answer after the loss, no audit and
no new sign-in it is *undecided*.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from statedrill.check.checks.marks import Marks
from statedrill.check.index.observations import NONE
from statedrill.check.index.operations import Frame
from statedrill.check.numeric.stable_sort import Array
from statedrill.history.operation import FOREVER, NOT_SHOWN, SIGNED_OUT
from statedrill.vocabulary import Kind, Outcome, Phase

LOST, OUTAGE, UNDECIDED = "lost", "outage", "undecided"


@dataclass
class _Signs:
    """The confirmed sign-ins of all sessions in the order of their return."""

    rows: Array
    done: Array


def sessions(frame: Frame, ttl_ns: int) -> Marks:
    """One row per session. Evidence per row: "lost", "outage", "undecided" (masks of sessions'
    first rows), "loss" (mask of the answers that show a loss), "first" (row of a session's first
    loss, NONE elsewhere) and "sign_in" (row of the sign-in that a row depends on).
    """
    expected = _sign_in_before(frame)
    shown = np.flatnonzero(_shows_session(frame) & (expected != NONE))
    mismatch = frame.server_session[shown] != frame.server_session[expected[shown]]
    suspects = shown[mismatch]
    suspects = suspects[~_excused(frame, suspects, expected[suspects], ttl_ns)]
    loss = np.zeros(len(frame), dtype=bool)
    loss[suspects] = True
    opportunity = np.zeros(len(frame), dtype=bool)
    opportunity[frame.sess_starts[frame.sess[shown]]] = True
    tells = np.flatnonzero(~mismatch | loss[shown])
    evidence = _fates(frame, shown[tells], expected, loss)
    evidence |= {"loss": loss, "sign_in": expected}
    return Marks(opportunity, evidence[LOST], evidence)


def _sign_in_before(frame: Frame) -> Array:
    """Per row the confirmed sign-in of its session that had returned last before its call."""
    found = np.full(len(frame), NONE, dtype=np.int64)
    rows = np.flatnonzero(
        (frame["kind"] == Kind.SIGN_IN)
        & (frame.outcome == Outcome.OK)
        & (frame.server_session > SIGNED_OUT)
    )
    if len(rows) == 0:
        return found
    # most sessions sign in once: no search is needed for their rows
    times = np.bincount(frame.sess[rows], minlength=frame.sessions)
    only = np.full(frame.sessions, NONE, dtype=np.int64)
    only[frame.sess[rows]] = rows
    only[times != 1] = NONE
    found = only[frame.sess]
    found[frame.ret[found] >= frame.call] = NONE
    asked = np.flatnonzero((times > 1)[frame.sess])
    done = frame.key(frame.sess[rows], frame.ret[rows])
    order = np.argsort(done, kind="stable")
    rows, done = rows[order], done[order]
    place = np.searchsorted(done, frame.key(frame.sess[asked], frame.call[asked])) - 1
    same = (place >= 0) & (frame.sess[rows[place]] == frame.sess[asked])
    found[asked[same]] = rows[place[same]]
    return found


def _shows_session(frame: Frame) -> Array:
    """Answers that tell the session they belong to; signing in or out changes it instead."""
    kind, outcome = frame["kind"], frame.outcome
    changing = (kind == Kind.SIGN_IN) | ((kind == Kind.SIGN_OUT) & (outcome == Outcome.OK))
    shows: Array = (frame.server_session != NOT_SHOWN) & ~changing
    return shows


def _excused(frame: Frame, rows: Array, sign_in: Array, ttl_ns: int) -> Array:
    """Whether something else may explain what each of `rows` shows."""
    kind = frame["kind"]
    signs = np.flatnonzero(
        ((kind == Kind.SIGN_IN) | (kind == Kind.SIGN_OUT)) & (frame.outcome != Outcome.FAILED)
    )
    calls = np.sort(frame.key(frame.sess[signs], frame.call[signs]))
    ends = np.sort(frame.key(frame.sess[signs], frame.end[signs]))
    sess = frame.sess[rows]
    base = frame.key(sess, 0)
    sent = np.searchsorted(calls, frame.key(sess, frame.ret[rows])) - np.searchsorted(calls, base)
    over = np.searchsorted(ends, frame.key(sess, frame.call[sign_in]))
    over -= np.searchsorted(ends, base)
    excused: Array = sent - over > 1  # one is the confirmed sign-in itself
    return excused | _expired(frame, rows, ttl_ns)


def _expired(frame: Frame, rows: Array, ttl_ns: int) -> Array:
    if ttl_ns >= FOREVER or len(rows) == 0:
        return np.zeros(len(rows), dtype=bool)
    span_ns = frame.clock.ns(frame.ret.max()) - frame.clock.ns(frame.call.min())
    if span_ns < ttl_ns:
        return np.zeros(len(rows), dtype=bool)
    touched = np.flatnonzero((frame.outcome == Outcome.OK) & (frame.server_session > SIGNED_OUT))
    done = frame.key(frame.sess[touched], frame.ret[touched])
    calls = frame.clock.ns(frame.call[touched])
    order = np.argsort(done, kind="stable")
    done, touched, calls = done[order], touched[order], calls[order]
    place = np.searchsorted(done, frame.key(frame.sess[rows], frame.call[rows])) - 1
    # within a session returns rise, and so do calls of a lane: the last return is recent enough
    last = np.where(place >= 0, calls[place], 0)
    expired: Array = frame.clock.ns(frame.ret[rows]) >= last + ttl_ns
    return expired


def _fates(frame: Frame, told: Array, expected: Array, loss: Array) -> dict[str, Array]:
    """What became of every session that showed a loss; `told` are the rows that tell."""
    masks = {name: np.zeros(len(frame), dtype=bool) for name in (LOST, OUTAGE, UNDECIDED)}
    first = np.full(len(frame), NONE, dtype=np.int64)
    if not loss.any():
        return {**masks, "first": first}
    hit = np.zeros(frame.sessions, dtype=bool)
    hit[frame.sess[loss]] = True
    told = told[hit[frame.sess[told]]]
    told = told[np.lexsort((frame.call[told], frame.sess[told]))]
    bad = told[loss[told]]
    epoch_end = np.append(expected[told][1:] != expected[told][:-1], True)
    ends_bad = told[epoch_end & loss[told]]  # the last answer under this sign-in was a loss
    again = _signed_in_after(frame, ends_bad)
    audited = frame["phase"][ends_bad] >= Phase.AUDIT
    start = frame.sess_starts
    masks[LOST][start[frame.sess[ends_bad[again | audited]]]] = True
    masks[UNDECIDED][start[frame.sess[ends_bad]]] = True
    masks[UNDECIDED] &= ~masks[LOST]
    masks[OUTAGE][start[frame.sess[bad]]] = True
    masks[OUTAGE] &= ~(masks[LOST] | masks[UNDECIDED])
    first[start[frame.sess[bad[::-1]]]] = bad[::-1]
    return {**masks, "first": first}


def _signed_in_after(frame: Frame, rows: Array) -> Array:
    """Whether a sign-in was sent in the session of each row after the row's return."""
    signs = np.flatnonzero(frame["kind"] == Kind.SIGN_IN)
    calls = np.sort(frame.key(frame.sess[signs], frame.call[signs]))
    place = np.searchsorted(calls, frame.key(frame.sess[rows], frame.ret[rows]), side="left")
    found = np.append(calls, np.iinfo("i8").max)[place]
    again: Array = frame.group_of(found) == frame.sess[rows]
    return again
