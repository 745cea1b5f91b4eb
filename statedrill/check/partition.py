"""Judges one part of a history: every check, in both columns, and what its findings amount to.

Every violation has exactly one primary class, that of the first row of the table that sees it.
An object whose state was lost is counted as lost writes; what breaks on it afterwards follows
from the loss and is listed apart.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from functools import reduce
from operator import add

import numpy as np

from statedrill.check import CHECKS
from statedrill.check.aggregate import Partial, Tally
from statedrill.check.checks.base import Check, Look
from statedrill.check.checks.lost_sessions import LOST, OUTAGE, UNDECIDED
from statedrill.check.checks.witness import find_witness
from statedrill.check.context import Settings
from statedrill.check.index.operations import Frame, slices
from statedrill.check.metrics.recovery import recoveries
from statedrill.check.metrics.traffic import Traffic, measure
from statedrill.check.metrics.visibility import visibility
from statedrill.check.numeric.histogram import Histogram
from statedrill.check.numeric.stable_sort import Array
from statedrill.check.run_checks import after_loss, examine_rows
from statedrill.history.columns import Names
from statedrill.history.store import History, Part
from statedrill.vocabulary import Kind, Model, Outcome, Phase

_SLICE = 350_000
_STRETCH = 400_000


def judge_part(history: History, number: int, settings: Settings) -> tuple[Partial, Traffic]:
    """The findings and the traffic of part `number`."""
    part = history.part(number)
    return judge_rows(part, history.names, history.run, settings)


def judge_rows(part: Part, names: Names, run: str, settings: Settings) -> tuple[Partial, Traffic]:
    """The findings and the traffic of the rows of `part`."""
    found = [_judge_slice(part, names, run, settings, order) for order in slices(part, _SLICE)]
    traffic = [measure(rows, names, settings) for rows in _stretches(part)]
    return reduce(add, found), reduce(add, traffic)


def _stretches(part: Part) -> Iterator[Part]:
    """The columns of `part` in stretches: what is measured of traffic needs no lists."""
    for begin in range(0, max(len(part), 1), _STRETCH):
        rows = slice(begin, begin + _STRETCH)
        yield replace(part, columns={name: each[rows] for name, each in part.columns.items()})


def _judge_slice(part: Part, names: Names, run: str, settings: Settings, order: Array) -> Partial:
    look = examine_rows(part, names, settings, bounded=False, order=order)
    following = after_loss(look)
    tallies = _tallies(look, following)
    _bounded(part, names, settings, look, tallies)
    for check in CHECKS:
        violations = look.found[check.name].violation
        if tallies[check.name].violations:
            tallies[check.name].witness = find_witness(check, look, violations, part, run)
    bad = _bad_reads(look)
    recovered, censored = recoveries(look.case.frame, bad | _loss(look), settings.fault_ns)
    return Partial(
        tallies=tallies,
        counts=_counts(look, following),
        bins=_bins(look, settings) | {"visibility": visibility(look, following)},
        spreads={"staleness": _staleness(look)},
        least=_least(look),
        greatest=_greatest(look, bad, settings),
        recovered_ns=recovered,
        censored_ns=censored,
    )


def _tallies(look: Look, following: Array) -> dict[str, Tally]:
    frame = look.case.frame
    claimed = np.zeros(len(frame), dtype=bool)
    tallies = {}
    for check in CHECKS:
        marks = look.found[check.name]
        # a loss is no consequence of itself, though later checks see the same rows, too
        taken = claimed | following if check.follows_loss else claimed
        own = marks.violation & ~_claimed(check, frame, taken)
        if check.unit not in ("sessions", "objects"):
            claimed |= marks.violation
        tallies[check.name] = Tally(
            opportunities=int(marks.opportunity.sum()),
            violations=int(marks.violation.sum()),
            primary=int(own.sum()),
            after_loss=int(marks.evidence.get("after_loss", np.zeros(1)).sum()),
            by_session=_by_session(frame, marks.opportunity, marks.violation),
        )
    return tallies


def _claimed(check: Check, frame: Frame, claimed: Array) -> Array:
    """Rows that an earlier class has; for objects: those with any such row."""
    if check.unit != "objects":
        return claimed if check.unit != "sessions" else np.zeros(len(frame), dtype=bool)
    objects = np.zeros(frame.objects, dtype=bool)
    objects[frame.obj[claimed]] = True
    return objects[frame.obj]


def _by_session(frame: Frame, opportunity: Array, violation: Array) -> Counter[tuple[int, int]]:
    if frame.sessions == 0:
        return Counter()
    chances = np.add.reduceat(opportunity, frame.sess_starts, dtype=np.int64)
    broken = np.bincount(frame.sess[violation], minlength=frame.sessions)
    width = int(broken.max()) + 1
    pairs, sessions = np.unique(chances * width + broken, return_counts=True)
    return Counter(
        {
            (int(pair) // width, int(pair) % width): int(count)
            for pair, count in zip(pairs, sessions, strict=True)
            if pair
        }
    )


def _bounded(
    part: Part, names: Names, settings: Settings, strict: Look, tallies: dict[str, Tally]
) -> None:
    """The second column: only objects with an unknown write, and sessions with an unknown sign-in
    or sign-out, can differ, so only they are looked at again.

    A correct system that is late by more than the bound would be accused here, so this column
    never decides an outcome.
    """
    case, frame = strict.case, strict.case.frame
    late = frame.outcome == Outcome.UNKNOWN
    signing = (frame["kind"] == Kind.SIGN_IN) | (frame["kind"] == Kind.SIGN_OUT)
    doubtful = np.zeros(frame.sessions, dtype=bool)
    doubtful[frame.sess[late & signing]] = True
    objects = np.zeros(frame.objects, dtype=bool)
    objects[frame.obj[late & case.effective]] = True
    again = objects[frame.obj] | doubtful[frame.sess]
    for check in CHECKS:
        redone = again if check.by_object else doubtful[frame.sess] & (check.unit == "sessions")
        tallies[check.name].bounded = int((strict.found[check.name].violation & ~redone).sum())
    if not again.any():
        return
    look = examine_rows(part, names, settings, bounded=True, order=frame.order[again])
    after_loss(look)
    numbers = frame["session"][frame.sess_starts[doubtful]]
    mine = np.isin(look.case.frame["session"], numbers)
    for check in CHECKS:
        if check.by_object or check.unit == "sessions":
            found = look.found[check.name].violation
            redone = found if check.by_object else found & mine
            tallies[check.name].bounded += int(redone.sum())


def _bad_reads(look: Look) -> Array:
    """Reads that showed what they must not: not those late only against accepted writes, and not
    those of a lost state, which is bad for good and counted as lost.
    """
    bad = np.zeros(len(look.case.frame), dtype=bool)
    for check in CHECKS:
        if check.unit == "reads":
            bad = bad | look.found[check.name].violation
    return bad


def _loss(look: Look) -> Array:
    return look.found["lost-sessions"].evidence["loss"]


def _counts(look: Look, following: Array) -> Counter[str]:
    case, frame = look.case, look.case.frame
    found = {name: marks.violation for name, marks in look.found.items()}
    lost, signed = look.found["lost-writes"], look.found["lost-sessions"]
    stale = look.found["stale-reads"]
    confirmed = case.acked | case.accepted
    state = (frame.model <= Model.ORDERS) & (frame["kind"] != Kind.READ)
    owners = np.zeros(frame.sessions, dtype=bool)
    owners[frame.sess[found["lost-writes"]]] = True
    masks = {
        "reads": case.read,
        "leaked": case.leak,
        "stale": stale.violation | stale.evidence["accepted"],
        "stale_accepted": stale.evidence["accepted"],
        "ryw_accepted": look.found["read-your-writes"].evidence["accepted"],
        "after_loss": following & (frame["kind"] == Kind.READ),
        "acknowledged": confirmed,
        "accepted": case.accepted,
        "unknown_writes": state & (frame.outcome == Outcome.UNKNOWN) & ~confirmed,
        "failed_writes": state & (frame.outcome == Outcome.FAILED),
        "lost": lost.violation,
        "unaudited": lost.evidence["unaudited"],
        "hidden": lost.evidence["hidden"],
        "unsettled": lost.evidence["unsettled"],
        "suspected": lost.evidence["suspected"],
        "audit_reads": case.valid & (frame["phase"] >= Phase.AUDIT),
        "unrecorded": case.unrecorded,
        "sessions_lost": signed.evidence[LOST],
        "sessions_outage": signed.evidence[OUTAGE],
        "sessions_undecided": signed.evidence[UNDECIDED],
        "sessions_with_lost_writes": owners,
    }
    counts = Counter({name: int(mask.sum()) for name, mask in masks.items()})
    counts["sessions"] = frame.sessions
    counts.update(_causes(look))
    fault = look.settings.fault_ns
    if fault is not None:
        before = confirmed & (
            frame.clock.ns(np.minimum(case.ack, frame.ret.max(initial=1))) < fault
        )
        counts["exposed"] = int(before.sum())
        counts["lost_after_fault"] = int((lost.violation & ~before).sum())
    return counts


def _causes(look: Look) -> dict[str, int]:
    """What the first evidence of each lost session showed."""
    frame = look.case.frame
    signed = look.found["lost-sessions"]
    first = signed.evidence["first"][signed.evidence[LOST]]
    signed_out = frame.server_session[first] == 1
    audit = frame["phase"][first] >= Phase.AUDIT
    return {
        "cause_signed_out": int((signed_out & ~audit).sum()),
        "cause_another_session": int((~signed_out & ~audit).sum()),
        "cause_audit": int(audit.sum()),
    }


def _bins(look: Look, settings: Settings) -> dict[str, Array]:
    frame = look.case.frame
    lost = look.found["lost-writes"].violation
    signed = look.found["lost-sessions"]
    stale = look.found["stale-reads"]

    def binned(ticks: Array) -> Array:
        place = (frame.clock.ns(ticks) - settings.origin_ns) // settings.bin_ns
        return np.bincount(np.clip(place, 0, settings.bins - 1), minlength=settings.bins)

    first = signed.evidence["first"][signed.evidence[LOST]]
    return {
        "lost_writes": binned(look.case.ack[lost]),
        "lost_sessions": binned(frame.ret[first]),
        "stale": binned(frame.call[stale.violation | stale.evidence["accepted"]]),
    }


def _staleness(look: Look) -> Histogram:
    """Least ages of the stale reads, in nanoseconds."""
    frame, stale = look.case.frame, look.found["stale-reads"]
    rows = np.flatnonzero(stale.violation | stale.evidence["accepted"])
    since = frame.clock.ns(stale.evidence["since"][rows])
    return Histogram.of(np.maximum(frame.clock.ns(frame.call[rows]) - since, 0))


def _least(look: Look) -> dict[str, int]:
    frame = look.case.frame
    lost = look.found["lost-writes"].violation
    if not lost.any():
        return {}
    return {"lost_ack_ns": int(frame.clock.ns(look.case.ack[lost].min()))}


def _greatest(look: Look, bad: Array, settings: Settings) -> dict[str, int]:
    """The last bad read that was called after the fault and before the audit."""
    frame = look.case.frame
    calls = frame.clock.ns(frame.call[bad & (frame["phase"] < Phase.AUDIT)])
    if settings.fault_ns is None or not (calls >= settings.fault_ns).any():
        return {}
    return {"bad_read_ns": int(calls.max())}
