"""Lets every check look at the rows of a part.

Only suspect objects are looked at object by object; the results are put back to the rows of the
whole part. A check that raises makes its own finding unknown and disturbs no other. Knows the table
of checks, and no definition.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from statedrill.check.aggregate import Crash, Witness
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import (
    Check,
    CheckInput,
    CheckResult,
    CheckResults,
    Scope,
)
from statedrill.check.context import CheckContext
from statedrill.check.index.describe import Describer
from statedrill.check.index.fast_path import CleanObjects, suspect_objects
from statedrill.check.index.list_reads import collect_lists
from statedrill.check.index.observations import observe
from statedrill.check.index.operations import tabulate
from statedrill.check.index.subset import select_objects
from statedrill.check.numeric.arrays import Array
from statedrill.history.columns import Names
from statedrill.history.store import Part

# Above this share of rows of suspect objects, sorting them out costs more than it saves.
_WORTH_IT = 0.6
T = TypeVar("T")


def run_checks(
    part: Part,
    names: Names,
    context: CheckContext,
    bounded: bool,
    order: Array | None = None,
) -> CheckResults:
    """Every check on the rows `order` of `part` (None: all), in the strict or bounded column."""
    table = tabulate(part, names, context.lateness_ns if bounded else None, order)
    obs = observe(table, collect_lists(part, table), context.complete)
    results = CheckResults(CheckInput(obs, context), part, bounded)
    suspects = suspect_objects(obs)
    if suspects[table.object_of].sum() >= _WORTH_IT * len(table):
        for check in CHECKS:
            results.by_name[check.name] = _find(check, results)
        return results
    closer, rows = select_objects(obs, suspects)
    results.suspects = CheckResults(CheckInput(closer, context), part, bounded)
    results.suspect_rows = rows
    clean = CleanObjects(obs, suspects)
    for check in CHECKS:
        result = _clean_opportunities(check, results, clean)
        if result is None:
            result = _find(check, results)
        else:
            found = _find(check, results.suspects)
            results.suspects.by_name[check.name] = found
            result.put(rows, found)
        results.by_name[check.name] = result
    results.crashes.update(results.suspects.crashes)
    return results


def _find(check: Check[Any], results: CheckResults) -> CheckResult:
    size = len(results.given.observations.table)

    def find() -> CheckResult:
        found: CheckResult = check.find(results.given)
        found.require(size)
        return found

    nothing: CheckResult = check.result_type.of(size)
    return _guarded(check, results.crashes, find, nothing)


def _clean_opportunities(
    check: Check[Any], results: CheckResults, clean: CleanObjects
) -> CheckResult | None:
    """What a check finds on clean objects; None where it has to look at every row itself."""
    if check.scope is not Scope.OBJECT:
        return None

    def clean_opportunities() -> CheckResult | None:
        found: CheckResult | None = check.clean_opportunities(clean)
        if found is not None:
            found.require(len(clean.table))
        return found

    return _guarded(check, results.crashes, clean_opportunities, None)


def find_witness(check: Check[Any], results: CheckResults, run: str) -> Witness | None:
    """The operations and the sentence that prove the earliest violation of `check`; None where
    there is none, or where explaining it raised.
    """
    violation = results.by_name[check.name].violation
    if not violation.any():
        return None
    looked_at = results
    if results.suspects and check.name in results.suspects.by_name:
        looked_at, violation = results.suspects, violation[results.suspect_rows]
    given, result = looked_at.given, looked_at.by_name[check.name]
    table = given.observations.table

    def explain() -> Witness:
        rows = np.flatnonzero(violation)
        row = check.shown_by(given, result, int(rows[np.argmin(table.call[rows])]))
        describe = Describer(table, results.part, run, given.context.origin_ns)
        explanation = check.explain(given, result, row, describe)
        proof = sorted(dict.fromkeys(explanation.rows), key=lambda each: int(table.call[each]))
        return Witness(
            at_ns=int(table.clock.ns(table.call[row])),
            sentence=explanation.sentence,
            operations=[describe.operation(each) for each in proof[:4]],
        )

    return _guarded(check, results.crashes, explain, None)


def _guarded(check: Check[Any], crashes: dict[str, Crash], run: Callable[[], T], instead: T) -> T:
    """`run()`; where it raises, the crash goes to `crashes` and the result is `instead`."""
    try:
        return run()
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        crashes.setdefault(check.name, Crash(check.name, text, traceback.format_exc()))
        return instead
