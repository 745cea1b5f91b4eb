from __future__ import annotations

import pytest

from statedrill.vocabulary import Outcome
from tests.check.drill_builder import FAULT, fail, users, verdict
from tests.check.history_builder import MS, START


def test_operations_are_counted_by_name_over_the_load() -> None:
    builder = users()
    fail(builder, 10_000, 11_000)
    operations = verdict(builder)["operations"]
    assert {name: row["n"] for name, row in operations.items()} == {"look": 140, "change": 160}
    reads = operations["look"]["errors"]
    assert operations["look"]["errors"] + operations["change"]["errors"] == 10
    assert operations["look"]["unknown"] + operations["change"]["unknown"] == 10 - reads
    assert operations["look"]["p50"] == pytest.approx(2.0, rel=1e-3)


def test_latency_is_of_what_succeeded_with_errors_beside_it() -> None:
    builder = users()
    for row in builder.rows:
        if row["outcome"] == Outcome.OK and FAULT <= (row["call"] - START) / MS < FAULT + 1000:
            row["ret"] = row["call"] + 100 * MS
    fail(builder, 11_000, 12_000)
    latency = verdict(builder)["latency_ms"]
    assert (latency["fault"]["n"], latency["fault"]["errors"]) == (90, 10)
    assert latency["fault"]["max"] == 100.0
    assert latency["baseline"]["max"] == 2.0
