"""Reading a run's folder: complete, lacking something, or damaged."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from statedrill.errors import HistoryError, InputError
from statedrill.report.formatting import crossed
from statedrill.report.run.outputs import write_report
from statedrill.report.run_data import load_readable, load_run
from tests.report.runs import sample_verdict, write_json, write_plain_run, write_run


def test_a_folder_that_is_no_run_is_refused_with_a_cure(tmp_path: Path) -> None:
    for load in (write_report, load_readable):
        with pytest.raises(InputError, match="not the folder of a run") as caught:
            load(tmp_path)
        assert "statedrill run" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "text",
    [
        *('{"schema": 1,', "[]", '{"schema": 99}', '{"sessions": 5}', '{"promise": [3]}', "\0"),
        *('{"faults": [{}]}', '{"outcome": "lost"}', '{"series": {"t_s": ["x"]}}', "[" * 100_000),
        '{"phases": [{"phase": "audit", "begin_s": NaN, "end_s": 1}]}',
    ],
)
def test_a_damaged_or_newer_verdict_is_refused_with_a_cure(tmp_path: Path, text: str) -> None:
    folder = write_plain_run(tmp_path / "run")
    (folder / "verdict.json").write_text(text)
    with pytest.raises(InputError, match=r"verdict\.json") as caught:
        write_report(folder)
    assert "statedrill check" in caught.value.hint


def test_a_damaged_plan_is_refused(tmp_path: Path) -> None:
    folder = write_plain_run(tmp_path / "run")
    (folder / "plan.json").write_text('{"schema": 1}')
    with pytest.raises(InputError, match=r"plan\.json"):
        write_report(folder)


def test_damaged_events_are_refused(tmp_path: Path) -> None:
    folder = write_plain_run(tmp_path / "run")
    (folder / "history" / "events.jsonl").write_text("nonsense\n{}\n")
    with pytest.raises(HistoryError):
        write_report(folder)


@pytest.mark.parametrize("damaged", ["plan.json", "verdict.json", "history/events.jsonl"])
def test_what_is_readable_of_a_damaged_run_keeps_its_names(tmp_path: Path, damaged: str) -> None:
    folder = write_run(tmp_path / "run")
    (folder / damaged).write_text("nonsense\n{}\n")
    run = load_readable(folder)
    assert run.name == crossed("sticky", "instance-kill")
    assert damaged in run.missing[0]
    assert run.outcome == ("unknown" if damaged == "verdict.json" else "held")


def test_a_whole_run_lacks_nothing(tmp_path: Path) -> None:
    run = load_run(write_run(tmp_path / "run"))
    assert run.missing == ()
    assert run.judged
    assert json.loads(json.dumps(run.verdict)) == sample_verdict()


def test_a_verdict_without_a_plan_still_has_its_names_and_its_seed(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    (folder / "plan.json").unlink()
    run = load_run(folder)
    assert (run.pattern, run.experiment, run.seed) == (
        "sticky", "instance-kill", sample_verdict()["seed"])  # fmt: skip
    write_json(folder / "verdict.json", {})
    assert load_run(folder).name == crossed("unknown", "unknown")
