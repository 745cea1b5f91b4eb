"""The vectorised findings against the definitions written out in loops (reference.py)."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from statedrill.check.checks.base import CheckResults
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.check.numeric.arrays import NONE
from statedrill.check.run_checks import run_checks
from statedrill.history.store import to_part
from tests.check.history_builder import CONTEXT, NAMES, START, HistoryBuilder
from tests.check.random_histories import small_history
from tests.check.reference_checker import ReferenceChecker

LATENESS_NS = 3_000


def compare(seed: int, sessions: int, bounded: bool) -> None:
    """Judge many small histories at once, and each alone by brute force."""
    dice = random.Random(seed)
    compare_histories([small_history(dice, number) for number in range(1, sessions + 1)], bounded)


def compare_histories(builders: list[HistoryBuilder], bounded: bool) -> None:
    """Fails at the first builder whose findings are not those of its definitions."""
    table = pa.concat_tables([builder.table() for builder in builders]).sort_by("call")
    chosen = type(CONTEXT)(**{**vars(CONTEXT), "lateness_ns": LATENESS_NS, "drained": False})
    results = run_checks(to_part(table), NAMES, chosen, bounded)
    operations = results.given.observations.table
    rows = table.select([name for name in table.column_names if name != "note"]).to_pylist()
    for begin, end in zip(
        operations.object_starts, [*operations.object_starts[1:], len(operations)], strict=True
    ):
        of_object = [rows[number] for number in operations.source_row[begin:end]]
        reference = ReferenceChecker(of_object, LATENESS_NS if bounded else float("inf"))
        expected = expectations(reference)
        found = findings(results, int(begin), int(end))
        differing = {name for name in found if found[name] != expected[name]}
        assert not differing, describe_difference(of_object, found, expected, differing)


def describe_difference(
    rows: list[dict[str, Any]], found: dict[str, Any], expected: dict[str, Any], names: set[str]
) -> str:
    lines = [f"{name}: found {found[name]}, by definition {expected[name]}" for name in names]
    short = ("session", "lane", "object", "kind", "outcome", "wid", "read_wid", "element", "ver",
             "logical", "phase", "items", "item_logicals")  # fmt: skip
    for number, row in enumerate(rows):
        times = f"{(row['call'] - START) // 1000}-{(row['ret'] - START) // 1000}"
        lines.append(f"{number}: {times} " + " ".join(f"{key}={row[key]}" for key in short))
    return "\n".join(lines)


def expectations(reference: ReferenceChecker) -> dict[str, Any]:
    lost, unsettled = reference.lost()
    return {
        "leaks": reference.leaks,
        "phantoms": reference.phantoms,
        "rejected-visible": reference.rejected,
        "valid": reference.valid,
        "stale": {i: int(since) for i, since in reference.stale().items()},
        "monotonic-reads": reference.monotonic_reads(),
        "read-your-writes": reference.read_your_writes(),
        "writes-follow-reads": reference.writes_follow_reads(),
        "monotonic-writes": reference.monotonic_writes(),
        "resurrected": reference.resurrected(),
        "duplicates": reference.twice(),
        "two-versions": reference.two_versions(),
        "linearizability": reference.conflicts() or reference.versions_conflict(),
        "lost-writes": lost,
        "unsettled": unsettled,
        "unaudited": reference.unaudited(),
    }


def findings(results: CheckResults, begin: int, end: int) -> dict[str, Any]:
    def rows(mask: Any) -> list[int]:
        return [int(row) for row in np.flatnonzero(mask[begin:end])]

    operations, found = results.given.observations.table, results.by_name
    stale, lost = results.of(StaleReads), results.of(LostWrites)
    since = operations.clock.ns(stale.since)
    named = (
        "leaks", "phantoms", "rejected-visible", "monotonic-reads", "read-your-writes",
        "writes-follow-reads", "monotonic-writes", "resurrected", "duplicates", "lost-writes",
        "two-versions",
    )  # fmt: skip
    return {
        **{name: rows(found[name].violation) for name in named},
        "valid": rows(results.given.observations.valid),
        "stale": {row: int(since[begin + row]) for row in rows(stale.violation)},
        "linearizability": bool(found["linearizability"].violation[begin:end].any()),
        "unsettled": rows(lost.unsettled),
        "unaudited": rows(lost.unaudited),
    }


@pytest.mark.parametrize("bounded", [False, True], ids=["strict", "bounded"])
@pytest.mark.parametrize("seed", range(4))
def test_the_findings_are_the_definitions(seed: int, bounded: bool) -> None:
    compare(seed, 250, bounded)


@given(dice=st.randoms(use_true_random=False), bounded=st.booleans())
@settings(max_examples=150, deadline=None)
def test_the_findings_on_any_one_history_are_the_definitions(
    dice: random.Random, bounded: bool
) -> None:
    compare_histories([small_history(dice, 1)], bounded)


def test_every_finding_appears_in_the_random_histories() -> None:
    dice = random.Random(1)
    seen: set[str] = set()
    for session in range(1, 1200):
        rows = small_history(dice, session).table().to_pylist()
        seen |= {name for name, found in expectations(ReferenceChecker(rows)).items() if found}
    assert seen == {
        "leaks", "phantoms", "rejected-visible", "valid", "stale", "monotonic-reads",
        "read-your-writes", "writes-follow-reads", "monotonic-writes", "resurrected",
        "duplicates", "two-versions", "linearizability", "lost-writes", "unsettled",
        "unaudited",
    }  # fmt: skip
    assert NONE == -1
