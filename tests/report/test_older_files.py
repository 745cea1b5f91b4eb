"""Files of older versions: what they lack is completed, what they have stays as it is."""

from __future__ import annotations

import json

import pytest

from statedrill.check.verdict.record import SCHEMA, VerdictRecord
from statedrill.records import problem
from statedrill.report.older_files import completed_verdict
from tests.report.runs import sample_verdict
from tools.sample import ORDER


@pytest.mark.parametrize("name", ORDER)
def test_a_whole_verdict_stays_as_it_is_to_the_last_letter(name: str) -> None:
    verdict = sample_verdict(*name.split("-", 1))
    assert json.dumps(completed_verdict(verdict)) == json.dumps(verdict)


def test_an_empty_verdict_is_completed_to_one_that_knows_nothing() -> None:
    verdict = completed_verdict({})
    assert problem(verdict, VerdictRecord) is None
    assert (verdict["schema"], verdict["outcome"]) == (SCHEMA, "unknown")
    assert verdict["sessions"]["lost"] is verdict["recovery"]["rpo_s"] is None
    assert verdict["findings"] == verdict["promise"] == []
    assert "series" not in verdict


def test_null_stands_for_missing_and_stays_where_the_record_allows_it() -> None:
    verdict = completed_verdict({
        "sessions": None,
        "series": None,
        "latency_ms": {"baseline": None, "fault": {"p50": None, "n": 3}},
        "recovery": {"rpo_s": None, "rpo_writes": 3},
    })  # fmt: skip
    assert verdict["sessions"]["total"] is None
    assert "series" not in verdict
    assert verdict["latency_ms"] == {"baseline": {}, "fault": {"n": 3}}
    assert list(verdict["recovery"])[:2] == ["rpo_s", "rpo_writes"]


def test_damage_stays_and_is_named() -> None:
    verdict = completed_verdict({"sessions": [], "faults": [{"name": "flush"}]})
    assert problem(verdict, VerdictRecord) == "sessions: not an object"
    verdict = completed_verdict({"faults": [{"name": "flush"}]})
    assert problem(verdict, VerdictRecord) == "faults.0.begin_s: missing"
