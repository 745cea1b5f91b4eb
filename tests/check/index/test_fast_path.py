"""Leaving clean objects out changes nothing: not a violation, not an opportunity, not a tick."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from statedrill.check import run_checks as module
from statedrill.check.checks import CHECKS
from statedrill.check.consequences import exclude_consequences
from statedrill.check.index.fast_path import suspect_objects
from statedrill.check.run_checks import run_checks
from statedrill.history.columns import ARROW_SCHEMA
from statedrill.history.operation import ABSENT, ALIEN, FOREIGN, INITIAL, NO_VERSION, NOTHING
from statedrill.history.store import to_part
from tests.check.history_builder import CONTEXT, MS, NAMES
from tests.check.random_histories import small_history
from tests.check.simulator import FAIR, QUEUED, ROUGH, Weather, simulate

MILD = Weather(timeout=0.01, lost_answer=0.01, rejected=0.01, repeated=0.01, sign_out=0.01)


def same_with_and_without(table: pa.Table, bounded: bool) -> int:
    """Compare all results; returns the number of clean objects."""
    part = to_part(table)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(module, "_WORTH_IT", 2.0)
        short = run_checks(part, NAMES, CONTEXT, bounded)
        patch.setattr(module, "_WORTH_IT", -1.0)
        full = run_checks(part, NAMES, CONTEXT, bounded)
    assert short.suspects is not None
    assert full.suspects is None
    for results in (short, full):
        exclude_consequences(results)
    for check in CHECKS:
        one, other = vars(short.by_name[check.name]), vars(full.by_name[check.name])
        assert one.keys() == other.keys()
        for name, values in one.items():
            assert np.array_equal(values, other[name]), (check.name, name)
    return int((~suspect_objects(short.given.observations)).sum())


@pytest.mark.parametrize("bounded", [False, True], ids=["strict", "bounded"])
@pytest.mark.parametrize("seed", range(3))
def test_on_small_random_histories(seed: int, bounded: bool) -> None:
    dice = random.Random(seed)
    tables = [small_history(dice, session).table() for session in range(1, 600)]
    same_with_and_without(pa.concat_tables(tables).sort_by("call"), bounded)


@pytest.mark.parametrize("seed", range(6))
def test_on_correct_histories_with_one_thing_changed_here_and_there(seed: int) -> None:
    dice = random.Random(seed)
    rows = simulate(200, 25, seed, FAIR).to_pylist()
    for row in rows:
        if dice.random() < 0.02:
            change(row, dice)
    clean = same_with_and_without(pa.Table.from_pylist(rows, ARROW_SCHEMA).sort_by("call"), False)
    assert 200 < clean < 1400


def change(row: dict[str, Any], dice: random.Random) -> None:
    """Alter one thing about an operation."""
    items = row["items"]
    what = dice.choice(("ver", "read_wid", "outcome", "ret", "call", "lane", "items", "element"))
    if what == "items" and items:
        drop = dice.randrange(len(items))
        row["items"] = dice.choice(
            (items[:drop] + items[drop + 1 :], [*items, items[drop]], items[::-1], [*items, 3])
        )
    elif what == "ver":
        row["ver"] = dice.choice((NO_VERSION, 0, max(0, row["ver"] - 1) % NO_VERSION, 7))
    elif what == "read_wid":
        row["read_wid"] = dice.choice((NOTHING, INITIAL, ABSENT, FOREIGN, ALIEN, 2, 5, 9))
    elif what == "outcome":
        row["outcome"] = dice.choice((0, 1, 2, 3))
    elif what == "ret":
        row["ret"] += dice.choice((0, 1, 3)) * MS
    elif what == "call":
        row["call"] -= dice.choice((1, 3)) * MS
    else:
        row[what] = dice.choice((0, 1, 2)) if what in ("lane", "element") else row[what]


@pytest.mark.parametrize("weather", [FAIR, MILD, ROUGH, QUEUED])
def test_on_a_simulated_store(weather: Weather) -> None:
    clean = same_with_and_without(simulate(20, 150, 3, weather), bounded=False)
    assert clean > (40 if weather in (FAIR, MILD) else 19)
