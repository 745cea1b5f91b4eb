"""T1: the zones of values, and the order of versions, against trying every order."""

from __future__ import annotations

import random

import numpy as np
import pyarrow as pa
import pytest

from statedrill.check.relations.register_zones import conflicting_values
from statedrill.check.relations.version_order import outdated_rows
from statedrill.check.run_checks import run_checks
from statedrill.history.store import to_part
from tests.check.history_builder import CONTEXT, NAMES, PREFERENCES
from tests.check.oracle import linearizable, versions_fit
from tests.check.random_histories import small_history
from tests.check.reference_checker import ReferenceChecker


def compare(seed: int, sessions: int) -> tuple[int, int]:
    """(histories, illegal ones) that were compared; fails at the first that differs."""
    dice = random.Random(seed)
    tables = [small_history(dice, session, PREFERENCES).table() for session in range(sessions)]
    table = pa.concat_tables(tables).sort_by("call")
    results = run_checks(to_part(table), NAMES, CONTEXT, False)
    observations, operations = results.given.observations, results.given.observations.table
    by_id = np.zeros(operations.objects, dtype=bool)
    by_id[observations.value_object[conflicting_values(observations)[0]]] = True
    by_version = np.zeros(operations.objects, dtype=bool)
    by_version[operations.object_of[outdated_rows(observations)[0]]] = True
    rows = table.select([name for name in table.column_names if name != "note"]).to_pylist()
    ends = [*operations.object_starts[1:], len(operations)]
    for number, (begin, end) in enumerate(zip(operations.object_starts, ends, strict=True)):
        reference = ReferenceChecker([rows[row] for row in operations.source_row[begin:end]])
        assert bool(by_id[number]) is not linearizable(reference), reference.rows
        assert bool(by_version[number]) is not versions_fit(reference), reference.rows
    return operations.objects, int((by_id | by_version).sum())


@pytest.mark.parametrize("seed", range(4))
def test_no_history_is_judged_otherwise_than_by_trying_every_order(seed: int) -> None:
    histories, illegal = compare(1000 + seed, 500)
    assert histories == 500
    assert 100 < illegal < 490
