"""Takes what follows from a lost state out of the other checks (docs/definitions.md#consequences).

A failure that the pattern does not promise to survive must break no other clause. Any state may be
lost while it lasts, and what came of that is no fault of the guarantees, whether an audit shows the
loss, or no audit came to it. What follows from a session that may have expired is no fault of
theirs either. Knows the lost writes and halves of histories; knows no definition.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from statedrill.check.aggregate import Crash
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import CheckResults, ResultWithAccepted
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.index.time_cut import after, before
from statedrill.check.numeric.arrays import NEVER, NONE, Array
from statedrill.check.relations.session_expiry import expired_objects
from statedrill.check.run_checks import run_checks
from statedrill.history.operation import ABSENT
from statedrill.history.store import Part
from statedrill.vocabulary import Phase

_Half = Callable[[Part, Array, Array], tuple[Part, Array]]


@dataclass(frozen=True)
class _Objects:
    """Masks of objects. `lost`: the audit shows a lost write; `unaudited`: no audit decides;
    `doubtful`: it was audited, but a loss may have been overtaken by later writes, or restored.
    """

    lost: Array
    unaudited: Array
    doubtful: Array


@dataclass(frozen=True)
class _RowsOfChecks:
    """Per check a mask of rows; `as_accepted`: also those that count only as if accepted meant
    visible.
    """

    strictly: dict[str, Array]
    as_accepted: dict[str, Array]


def exclude_consequences(results: CheckResults) -> Array:
    """Moves violations that follow from a lost state to `consequences`, and those that may follow
    from one to `undecided`; returns the rows of both.
    """
    table = results.given.observations.table
    following = np.zeros(len(table), dtype=bool)
    if LostWrites.name in results.crashes:
        _leave_undecided(results)
    objects = _objects(results)
    affected = objects.lost | objects.unaudited | objects.doubtful
    expired = _after_expiry(results)
    if not affected.any() and not any(rows.any() for rows in expired.strictly.values()):
        return following
    explained = _explained(results, objects)
    caused = objects.lost | (objects.doubtful & _away(results))
    lost = caused[table.object_of]
    for check in CHECKS:
        if not check.consequence_of_loss:
            continue
        result = results.by_name[check.name]
        rows = expired.strictly[check.name]
        moved = result.violation & (explained.strictly[check.name] | rows)
        result.violation = result.violation & ~moved
        result.consequences, result.undecided = moved & (lost | rows), moved & ~(lost | rows)
        following |= moved
        if isinstance(result, ResultWithAccepted):
            rows = expired.as_accepted[check.name]
            moved = result.only_accepted & (explained.as_accepted[check.name] | rows)
            result.only_accepted = result.only_accepted & ~moved
            result.undecided |= moved & ~(lost | rows)
    return following


def _after_expiry(results: CheckResults) -> _RowsOfChecks:
    """The rows whose violations a session that may have expired explains."""
    obs, table = results.given.observations, results.given.observations.table
    since, until = expired_objects(obs, results.given.context.state_ttl_ns)
    expired = since < table.clock.top
    mine = expired[table.object_of]
    later = mine & (table.ret > since[table.object_of])
    rows = {check.name: later if check.unit == "reads" else mine for check in CHECKS}
    if not expired.any():
        return _RowsOfChecks(rows, rows)
    early = _violated_in(results, expired, before, table.clock.ns(since))
    late = _violated_in(results, expired, after, table.clock.ns(until))
    return _without(rows, early, late)


def _without(rows: dict[str, Array], early: _RowsOfChecks, late: _RowsOfChecks) -> _RowsOfChecks:
    """`rows` without those that are wrong in one half of the history."""
    return _RowsOfChecks(
        {name: of & ~early.strictly[name] & ~late.strictly[name] for name, of in rows.items()},
        {
            name: of & ~early.as_accepted[name] & ~late.as_accepted[name]
            for name, of in rows.items()
        },
    )


def _objects(results: CheckResults) -> _Objects:
    obs, table = results.given.observations, results.given.observations.table
    found = results.of(LostWrites)
    lost = table.objects_with(found.violation)
    if results.given.context.loss_window_ns is None:
        nothing = np.zeros_like(lost)
        return _Objects(lost, nothing, nothing)
    audited = table.objects_with(obs.valid & (table["phase"] >= Phase.AUDIT))
    unaudited = (~audited | table.objects_with(found.unaudited)) & ~lost
    # versions count what was applied: where all of it is known, a loss cannot hide from the audit
    certain = obs.confirmed & (obs.write_version[: len(table)] != NONE)
    doubtful = table.objects_with(obs.may_apply & ~certain) & ~lost & ~unaudited
    if results.given.context.restored:  # what was gone is there again: no audit can tell
        doubtful = ~lost & ~unaudited
    return _Objects(lost, unaudited, doubtful)


def _away(results: CheckResults) -> Array:
    """Mask of the objects that a restore may have brought back: while state may have been lost they
    were written, so that versions began anew, or shown without anything.
    """
    obs, table = results.given.observations, results.given.observations.table
    window = results.given.context.loss_window_ns
    if window is None or not results.given.context.restored:
        return np.zeros(table.objects, dtype=bool)
    shown = obs.observed_write >= len(table)
    shown |= (obs.observed_version == 0) | (table["read_wid"] == ABSENT)
    within = (table.clock.ns(table.ret) >= window[0]) & (table.clock.ns(table.call) <= window[1])
    return table.objects_with(within & (obs.may_apply | (obs.valid & shown)))


def _explained(results: CheckResults, objects: _Objects) -> _RowsOfChecks:
    """The rows whose violations a loss explains."""
    obs, table = results.given.observations, results.given.observations.table
    window = results.given.context.loss_window_ns
    if window is None:
        since = np.full(table.objects, NEVER)
        gone = np.flatnonzero(results.of(LostWrites).violation)
        np.minimum.at(since, table.object_of[gone], obs.acknowledged_at[gone])
        later, lost = table.ret > since[table.object_of], objects.lost[table.object_of]
        rows = {check.name: later if check.unit == "reads" else lost for check in CHECKS}
        return _RowsOfChecks(rows, rows)
    affected = objects.lost | objects.unaudited | objects.doubtful
    early = _violated_in(results, affected, before, window[0])
    late = _violated_in(results, objects.doubtful, after, window[1])
    mine = affected[table.object_of]
    return _without({check.name: mine for check in CHECKS}, early, late)


def _violated_in(
    results: CheckResults, objects: Array, half: _Half, moment_ns: int | Array
) -> _RowsOfChecks:
    """The rows of `objects` that break a definition in one half of the history; `moment_ns` is one
    for all of them or one for each.
    """
    table, part = results.given.observations.table, results.part
    nothing = np.zeros(len(table), dtype=bool)
    strictly = {check.name: nothing for check in CHECKS}
    found = _RowsOfChecks(strictly, dict(strictly))
    chosen = objects[table.object_of]
    moments = np.broadcast_to(np.asarray(moment_ns), table.objects)[table.object_of[chosen]]
    cut, kept = half(part, table.source_row[chosen], moments)
    if len(kept) == 0:
        return found
    inner = run_checks(cut, table.names, results.given.context, results.bounded, kept)
    results.crashes.update({**inner.crashes, **results.crashes})
    row_of = np.zeros(len(part), dtype=np.int64)
    row_of[table.source_row] = np.arange(len(table))
    rows = row_of[inner.given.observations.table.source_row]
    for check in CHECKS:
        here = table.object_starts[table.object_of[rows]] if check.unit == "objects" else rows
        result = inner.by_name[check.name]
        late = result.violation
        found.strictly[check.name] = table.mask(here[late])
        if isinstance(result, ResultWithAccepted):
            late = late | result.only_accepted
        found.as_accepted[check.name] = table.mask(here[late])
    return found


def _leave_undecided(results: CheckResults) -> None:
    """Without the lost writes it is not known which violations follow from them."""
    cause = results.crashes[LostWrites.name]
    for check in CHECKS:
        if check.consequence_of_loss and results.by_name[check.name].violation.any():
            error = f"{cause.check} crashed, so what follows from a loss is not known"
            results.crashes.setdefault(check.name, Crash(check.name, error, cause.traceback))
