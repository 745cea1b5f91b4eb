"""What the verbs print that need no cluster."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from statedrill import check
from statedrill.check import Judgement
from statedrill.check.checks import CHECKS
from statedrill.cli.main import main
from statedrill.cluster.services import SERVICES
from statedrill.errors import BAD_INPUT, HELD
from statedrill.faults import FAULTS
from statedrill.history.store import History
from statedrill.plan.record import PlanRecord
from tests.report.runs import sample_verdict
from tests.support.commands import assert_one_clear_sentence, call
from tests.support.runs import small_run, with_verdict


def test_everything_in_the_box_is_listed_with_a_description(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["list", "--json"]) == HELD
    rows = json.loads(capsys.readouterr().out)
    found = {(row["kind"], row["name"]) for row in rows}
    assert found >= {
        *(("pattern", name) for name in ("sticky", "distributed", "decoupled")),
        *(("experiment", name) for name in ("none", "instance-kill", "cache-flush", "zone-outage")),
        *(("scenario", name) for name in ("shopper", "reader")),
        ("profile", "steady"),
    }
    assert all(row["description"] for row in rows)
    assert all(Path(row["path"]).is_file() for row in rows)


@pytest.mark.parametrize(
    ("kind", "names"),
    [
        ("service", [service.key for service in SERVICES]),
        ("fault", [fault.name for fault in FAULTS]),
        ("check", [check.name for check in CHECKS]),
    ],
)
def test_each_row_of_a_table_is_listed(
    kind: str, names: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["list"]) == HELD
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[1] for line in lines if line.startswith(f"{kind} ")] == names


def damage(run: Path, name: str, text: str) -> Path:
    (run / name).write_text(text)
    return run


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("verdict.json", '{"schema": 1, "sessions": []}'),
        ("verdict.json", '{"schema": 1'),
        ("plan.json", '{"schema": 1}'),
        ("plan.json", "[]"),
    ],
)
def test_the_report_of_a_damaged_run_is_one_sentence_with_a_cure(
    tmp_path: Path, name: str, text: str
) -> None:
    run = damage(with_verdict(small_run(tmp_path / "run"), sample_verdict()), name, text)
    called = call("report", str(run))
    assert_one_clear_sentence(called)
    assert called.code == BAD_INPUT
    assert name in called.err
    assert len(called.err.splitlines()) == 2


@pytest.mark.parametrize("name", ["verdict.json", "plan.json", "history/events.jsonl"])
def test_the_comparison_of_a_damaged_run_goes_on_and_says_so(tmp_path: Path, name: str) -> None:
    good = with_verdict(small_run(tmp_path / "good"), sample_verdict("decoupled", "instance-kill"))
    bad = damage(with_verdict(small_run(tmp_path / "bad"), sample_verdict()), name, "{}\n{}\n")
    called = call("report", str(good), str(bad), "--reports", str(tmp_path / "reports"))
    assert called.code == BAD_INPUT
    assert name in called.err
    page = Path(called.out.strip())
    value = json.loads((page.parent / "comparison.json").read_text())
    outcomes = [run["outcome"] for run in value["runs"]]
    assert outcomes == ["held", "unknown" if name == "verdict.json" else "held"]
    assert f"{name}:" in page.read_text()


def test_a_run_whose_judgement_crashes_is_unknown_in_the_comparison(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    good, bad = small_run(tmp_path / "good"), small_run(tmp_path / "bad")
    assemble = check.assemble

    def crash(history: History, plan: PlanRecord) -> Judgement:
        if history.folder.parent.name == "bad":
            raise ZeroDivisionError("a bug of statedrill")
        return assemble(history, plan)

    monkeypatch.setattr(check, "assemble", crash)
    called = call("report", str(good), str(bad), "--reports", str(tmp_path / "reports"))
    assert called.code == BAD_INPUT
    assert "Traceback" not in called.err
    assert "a bug of statedrill" in (bad / "logs" / "crash.txt").read_text()
    page = Path(called.out.strip())
    value = json.loads((page.parent / "comparison.json").read_text())
    assert value["runs"][1]["outcome"] == "unknown"
    assert "the judgement crashed (ZeroDivisionError: a bug" in value["runs"][1]["why"][0]
    assert (good / "verdict.json").exists()
