"""What every check of the table says of itself, and how its results are put together."""

from __future__ import annotations

import re
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, get_args

import numpy as np
import pytest

from statedrill.check import checks
from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import Check, CheckInput, CheckResult, Doubt, Moment, Unit
from statedrill.check.clauses import Clause
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.numeric.arrays import NEVER
from tests.check.drill_builder import plan, users, verdict


def test_a_check_is_a_file_of_its_own() -> None:
    folder = Path(checks.__path__[0])
    files = {path.stem for path in folder.glob("*.py")} - {"__init__", "base"}
    assert files == {check.name.replace("-", "_") for check in CHECKS}
    for check in CHECKS:
        module = import_module(f"{checks.__name__}.{check.name.replace('-', '_')}")
        assert type(check).__module__ == module.__name__


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.name)
def test_a_check_says_what_it_is(check: Check[Any]) -> None:
    assert re.fullmatch("[a-z]+(-[a-z]+)*", check.name)
    assert check.unit in get_args(Unit)
    assert check.term
    assert check.meaning.endswith(".")
    assert set(check.doubts) <= set(get_args(Doubt))


def test_every_clause_is_decided_by_a_check() -> None:
    assert {check.clause for check in CHECKS} >= set(Clause)


@dataclass(kw_only=True, eq=False)
class Dated(CheckResult):
    since: Moment


def test_what_a_result_leaves_out_is_empty() -> None:
    result = Dated.of(3, opportunity=np.array([True, False, True]))
    assert result.opportunity.tolist() == [True, False, True]
    assert not result.violation.any()
    assert result.since.tolist() == [NEVER] * 3
    with pytest.raises(TypeError, match="nonsense"):
        Dated.of(3, nonsense=result.since)


def test_results_on_some_rows_are_put_back_without_touching_shared_arrays() -> None:
    shared = np.array([True, True, True])
    result = Dated.of(3, opportunity=shared)
    found = Dated.of(1, violation=np.array([True]), since=np.array([7]))
    result.put(np.array([1]), found)
    assert result.opportunity.tolist() == [True, False, True]
    assert result.violation.tolist() == [False, True, False]
    assert result.since.tolist() == [NEVER, 7, NEVER]
    assert shared.all()


class Toy(Check[CheckResult]):
    """Reads of session 3, none of which may be."""

    name = "toys"
    class_ = "toy"
    unit = "reads"
    term = "toy"
    meaning = "A read that a test forbids."
    clause = Clause.NOTHING_MADE_UP
    harm = "toys found"

    def find(self, given: CheckInput) -> CheckResult:
        observations = given.observations
        forbidden = observations.read & (observations.table["session"] == 3)
        return CheckResult.of(
            len(observations.table), opportunity=observations.read, violation=forbidden
        )

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        return Explanation([row], f"session {describe.session(row)} read {describe.object(row)}.")


def test_a_new_check_needs_its_row_only() -> None:
    CHECKS.append(Toy())
    try:
        seen = verdict(users(), plan("instance", survives=["instance"]))
    finally:
        CHECKS.pop()
    found = seen["findings"][-1]
    assert (found["check"], found["class"], found["outcome"]) == ("toys", "toy", "broken")
    assert (found["violations"], found["primary"], found["bounded"]) == (15, 15, 15)
    assert found["witness"] == "session 3 read preferences."
    clauses = {each["clause"]: each for each in seen["promise"]}
    assert clauses["nothing is made up or done twice"]["outcome"] == "broken"
    assert clauses["survives instance"]["evidence"] == "15 toys found"
