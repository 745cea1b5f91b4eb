"""The plan as tables: every input, also those that this version does not know."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from statedrill.plan.record import PlanRecord
from statedrill.report.run.plan_tables import figures_table, files_of, plan_tables
from statedrill.report.run_data import load_run
from tests.report.reading import row_of
from tests.report.runs import sample_plan, stored, write_run


def test_every_group_has_its_table_and_every_input_its_full_name() -> None:
    plan: Any = sample_plan() | {"weather": {"wind": {"ms": 3}}, "thresholds": []}
    tables = {each.caption: each for each in plan_tables(cast(PlanRecord, plan))}
    assert list(tables)[:3] == ["Drill", "Pattern", "Experiment"]
    assert list(tables)[-1] == "weather"
    assert row_of(tables["weather"], "wind.ms") == ["3"]
    assert row_of(tables["Drill"], "thresholds") == ["none"]
    assert row_of(tables["Pattern"], "load_balancer.stickiness") == ["yes"]


def test_a_seed_is_a_name_and_has_no_thousands() -> None:
    plan: Any = sample_plan() | {"seed": 1234567}
    assert row_of(plan_tables(plan)[0], "seed") == ["1234567"]
    assert row_of(figures_table(stored(seed=7654321)), "seed") == ["7654321"]


def test_only_files_that_are_there_are_linked(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path / "run"))
    assert [name for name, _ in files_of(run)] == [
        "plan.json", "verdict.json", "summary.md", "junit.xml", "history/"]  # fmt: skip
