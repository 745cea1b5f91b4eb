"""T6: what must not matter does not: order of rows, numbers, parts; wider intervals accuse less."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from statedrill.check.consequences import exclude_consequences
from statedrill.check.run_checks import run_checks
from statedrill.history.columns import ARROW_SCHEMA, Names
from statedrill.history.operation import LAST_ID
from statedrill.history.store import to_part
from statedrill.vocabulary import Phase
from tests.check.history_builder import CONTEXT, MS, NAMES
from tests.check.simulator import ROUGH, simulate
from tests.check.test_mutations import CASES, Scene

Row = dict[str, Any]


def planted(seed: int) -> list[Row]:
    """A history with every bug in it, and a rough one without."""
    rows: list[Row] = []
    for number, (thing, tamper, _, _) in enumerate(CASES.values()):
        scene = Scene(seed)
        sessions = set(scene.plant(thing, tamper))
        rows += [
            row | {"session": row["session"] + 1000 * number}
            for row in scene.rows
            if row["session"] in sessions
        ]
    return rows + simulate(30, 100, seed, ROUGH, first=90_000).to_pylist()


ROWS = planted(5)


def counts(
    rows: list[Row], names: Names = NAMES, shuffled: int | None = None, attributed: bool = True
) -> Counter[str]:
    """The violations per check; the rows in the order of their call, or shuffled. With
    `attributed` those that follow from a lost state are left out.
    """
    table = pa.Table.from_pylist(rows, ARROW_SCHEMA)
    order = np.argsort(table["call"].to_numpy(), kind="stable")
    if shuffled is not None:
        np.random.default_rng(shuffled).shuffle(order)
    results = run_checks(to_part(table.take(order)), names, CONTEXT, bounded=False)
    if attributed:
        exclude_consequences(results)
    return Counter({name: int(result.violation.sum()) for name, result in results.by_name.items()})


EXPECTED = counts(ROWS)


def test_every_bug_is_in_the_history() -> None:
    assert {name for name, count in EXPECTED.items() if count} >= {
        check for _, _, check, _ in CASES.values()
    }


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_the_rows_does_not_matter(seed: int) -> None:
    assert counts(ROWS, shuffled=seed) == EXPECTED


def test_the_numbers_of_sessions_objects_and_writes_do_not_matter() -> None:
    dice = random.Random(2)
    sessions = {row["session"] for row in ROWS}
    renamed = dict(zip(sessions, dice.sample(range(10**9), len(sessions)), strict=True))
    objects = dict(
        zip(NAMES.objects, dice.sample(range(1, 60_000), len(NAMES.objects)), strict=True)
    )
    names = Names(
        objects={objects[code]: name for code, name in NAMES.objects.items()},
        models={objects[code]: model for code, model in NAMES.models.items()},
        ops=NAMES.ops,
        instances=NAMES.instances,
    )
    spread = {number: number * 1_000_003 % 4_000_037 + 1 for number in range(1, 400)}

    def other(wid: int | None) -> int:
        return spread[wid] if wid is not None and 0 < wid < LAST_ID else wid or 0

    rows = [
        row
        | {name: other(row[name]) for name in ("wid", "read_wid", "element")}
        | {"session": renamed[row["session"]], "object": objects[row["object"]]}
        | {"items": None if row["items"] is None else [other(wid) for wid in row["items"]]}
        for row in ROWS
    ]
    assert counts(rows, names) == EXPECTED


def test_the_parts_into_which_sessions_fall_do_not_matter() -> None:
    for number in (2, 7):
        parts: Counter[str] = Counter()
        for part in range(number):
            parts.update(counts([row for row in ROWS if row["session"] % number == part]))
        assert parts == EXPECTED


def test_moving_everything_in_time_does_not_matter() -> None:
    moved = [row | {"call": row["call"] + 10**15, "ret": row["ret"] + 10**15} for row in ROWS]
    assert counts(moved) == EXPECTED


def test_a_history_so_long_that_ticks_become_ranks_is_judged_the_same() -> None:
    begin = min(row["call"] for row in ROWS)
    slow = [
        row | {name: begin + (row[name] - begin) * 1_000_000 for name in ("call", "ret")}
        for row in ROWS
    ]
    assert counts(slow) == EXPECTED


@pytest.mark.parametrize("seed", range(4))
def test_wider_intervals_never_add_a_violation(seed: int) -> None:
    dice = random.Random(seed)

    def wider(row: Row) -> Row:
        if row["phase"] >= Phase.AUDIT or dice.random() < 0.5:
            return row
        return row | {
            "call": row["call"] - dice.randrange(8) * MS, "ret": row["ret"] + dice.randrange(8) * MS
        }  # fmt: skip

    before = counts(ROWS, attributed=False)
    after = counts([wider(row) for row in ROWS], attributed=False)
    assert {name for name, count in after.items() if count > before[name]} == set()
    assert after.total() < before.total()
