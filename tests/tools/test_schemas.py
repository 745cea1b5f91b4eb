"""docs/schema: current, and every file of reports/sample is what the schemas say."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from statedrill.check import judge
from statedrill.check.verdict.record import VerdictRecord
from statedrill.history.store import History
from statedrill.records import fields
from tools.sample import ORDER, SAMPLE
from tools.schemas import FOLDER, RECORDS, schema_text


@cache
def validator(name: str) -> Draft202012Validator:
    schema = json.loads((FOLDER / f"{name}.schema.json").read_text())
    Draft202012Validator.check_schema(schema)
    return Draft202012Validator(schema)


def read(path: Path) -> Any:
    return json.loads(path.read_bytes())


@pytest.mark.parametrize("name", RECORDS)
def test_the_schema_is_current(name: str) -> None:
    current = (FOLDER / f"{name}.schema.json").read_text()
    assert current == schema_text(name), "the records changed: run `make schema`"


@pytest.mark.parametrize("run", ORDER)
def test_every_file_of_the_sample_is_as_its_schema_says(run: str) -> None:
    validator("plan").validate(read(SAMPLE / run / "plan.json"))
    validator("verdict").validate(read(SAMPLE / run / "verdict.json"))
    for line in (SAMPLE / run / "history" / "events.jsonl").read_text().splitlines():
        validator("event").validate(json.loads(line))


def test_the_judge_writes_every_key_of_the_record_in_its_order() -> None:
    run = SAMPLE / "decoupled-zone-outage"
    verdict = judge(History.open(run / "history"), read(run / "plan.json"))
    validator("verdict").validate(verdict)
    # nothing was searched in this run, and nothing restored
    absent = {"breakpoint", "backups", "restores"}
    assert list(verdict) == [key for key in fields(VerdictRecord) if key not in absent]


def test_an_empty_history_has_a_verdict_as_the_schema_says() -> None:
    from tests.check.history_builder import HistoryBuilder

    validator("verdict").validate(HistoryBuilder().verdict())


@pytest.mark.parametrize(
    ("key", "wrong"),
    [("outcome", "lost"), ("sessions", {}), ("findings", [{}]), ("seed", "7"), ("why", None)],
)
def test_a_verdict_that_is_not_one_is_refused_by_the_schema(key: str, wrong: Any) -> None:
    verdict = read(SAMPLE / ORDER[0] / "verdict.json")
    assert not validator("verdict").is_valid(verdict | {key: wrong})
