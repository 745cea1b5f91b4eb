"""The glossary: in order, and with a word for whatever a check can find."""

from __future__ import annotations

import pytest

from statedrill.check.checks import CHECKS
from statedrill.check.checks.base import Check, CheckInput, CheckResult
from statedrill.check.index.describe import Describer, Explanation
from statedrill.report.glossary import glossary
from statedrill.report.state_figures import kept_table
from statedrill.vocabulary import FAILURE_DOMAINS
from tests.report.runs import sample_verdict, stored


class Toy(Check[CheckResult]):
    """A check that nobody has heard of."""

    name = "toy"
    class_ = "toy"
    unit = "reads"
    term = "broken toy"
    meaning = "A read that shows a toy that is broken."

    def find(self, given: CheckInput) -> CheckResult:
        return CheckResult.of(len(given.observations.table))

    def explain(
        self, given: CheckInput, result: CheckResult, row: int, describe: Describer
    ) -> Explanation:
        raise NotImplementedError


def test_every_check_has_its_word_in_alphabetical_order() -> None:
    words = glossary()
    assert {check.term for check in CHECKS} < words.keys()
    assert list(words) == sorted(words, key=str.lower)


def test_no_check_takes_the_word_of_another() -> None:
    terms = [check.term for check in CHECKS]
    assert len(set(terms)) == len(terms)


def test_every_failure_domain_is_named() -> None:
    assert all(domain in glossary()["failure domain"] for domain in FAILURE_DOMAINS)


def test_a_new_check_is_in_the_glossary_and_its_violations_are_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("statedrill.report.glossary.CHECKS", [*CHECKS, Toy()])
    monkeypatch.setattr("statedrill.report.state_figures.CHECKS", [*CHECKS, Toy()])
    assert glossary()["broken toy"] == Toy.meaning
    known = sample_verdict()["findings"]
    toy = {**known[0], "check": "toy", "opportunities": 500, "violations": 5, "operations": [],
           "interval": [0.004, 0.02]}  # fmt: skip
    rows = kept_table(stored(findings=[*known, toy])).rows
    [row] = [row for row in rows if row[0].text == "broken toy: violations"]
    assert [cell.text for cell in row[1:]] == ["5", "500", "1.0 %", "0.4 % to 2.0 %"]


@pytest.mark.parametrize("check", ["rejected-visible", "log-order", "versions", "linearizability"])
def test_a_check_whose_violations_stand_in_no_count_gets_a_row_of_its_own(check: str) -> None:
    findings = sample_verdict("sticky", "none")["findings"]
    before = kept_table(stored(findings=findings)).rows
    next(each for each in findings if each["check"] == check)["violations"] = 7
    assert len(kept_table(stored(findings=findings)).rows) == len(before) + 1


def test_a_violation_that_stands_in_a_count_gets_no_second_row() -> None:
    findings = sample_verdict("sticky", "none")["findings"]
    before = kept_table(stored(findings=findings)).rows
    for each in findings:
        if each["check"] in ("leaks", "orders-once", "read-your-writes", "resurrected"):
            each["violations"] = 7
    assert len(kept_table(stored(findings=findings)).rows) == len(before)
