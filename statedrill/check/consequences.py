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
from statedrill.check.relations.session_expiry import first_expiry, in_session
from statedrill.check.run_checks import run_checks
from statedrill.history.store import Part
from statedrill.vocabulary import Phase

_Half = Callable[[Part, Array, int], tuple[Part, Array]]


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
    if not affected.any() and not expired.any():
        return following
    explained = _explained(results, objects)
    caused = objects.lost | (objects.doubtful & results.given.context.restored)
    lost = caused[table.object_of]
    for check in CHECKS:
        if not check.consequence_of_loss:
            continue
        result = results.by_name[check.name]
        rows = expired if check.unit == "reads" else _whole_objects(results, expired)
        moved = result.violation & (explained.strictly[check.name] | rows)
        result.violation = result.violation & ~moved
        result.consequences, result.undecided = moved & (lost | rows), moved & ~(lost | rows)
        following |= moved
        if isinstance(result, ResultWithAccepted):
            moved = result.only_accepted & (explained.as_accepted[check.name] | rows)
            result.only_accepted = result.only_accepted & ~moved
            result.undecided |= moved & ~(lost | rows)
    return following


def _after_expiry(results: CheckResults) -> Array:
    """The rows on state of a session that may have expired before they returned."""
    table, ttl_ns = results.given.observations.table, results.given.context.state_ttl_ns
    since = first_expiry(table, ttl_ns)[table.session_of]
    if not (since < table.clock.top).any():
        return np.zeros(len(table), dtype=bool)
    rows: Array = in_session(table) & (table.ret > since)
    return rows


def _whole_objects(results: CheckResults, rows: Array) -> Array:
    table = results.given.observations.table
    whole: Array = table.objects_with(rows)[table.object_of]
    return whole


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
    return _RowsOfChecks(
        {name: mine & ~rows & ~late.strictly[name] for name, rows in early.strictly.items()},
        {name: mine & ~rows & ~late.as_accepted[name] for name, rows in early.as_accepted.items()},
    )


def _violated_in(
    results: CheckResults, objects: Array, half: _Half, moment_ns: int
) -> _RowsOfChecks:
    """The rows of `objects` that break a definition in one half of the history."""
    table, part = results.given.observations.table, results.part
    nothing = np.zeros(len(table), dtype=bool)
    strictly = {check.name: nothing for check in CHECKS}
    found = _RowsOfChecks(strictly, dict(strictly))
    cut, kept = half(part, table.source_row[objects[table.object_of]], moment_ns)
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
