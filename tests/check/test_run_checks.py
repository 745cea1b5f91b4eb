"""A check that crashes makes its own finding unknown, and nothing else."""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from statedrill.check import Judgement, assemble, exit_code
from statedrill.check.checks.base import Check
from statedrill.check.checks.leaks import Leaks
from statedrill.check.checks.lost_sessions import LostSessions
from statedrill.check.checks.lost_writes import LostWrites
from statedrill.check.checks.monotonic_reads import MonotonicReads
from statedrill.check.checks.read_your_writes import ReadYourWrites
from statedrill.check.checks.stale_reads import StaleReads
from statedrill.cli.main import main
from statedrill.history.store import Part
from statedrill.vocabulary import GUARANTEES, Kind
from tests.check.drill_builder import events, forget, load, plan, users, verdict
from tests.check.history_builder import HistoryBuilder, InMemoryHistory, in_memory_history

SAMPLE = Path(__file__).parents[2] / "reports" / "sample" / "sticky-none"
ERROR = "KeyError: 'no such thing'"
PROMISE = {"guarantees": tuple(GUARANTEES), "survives": ["instance"]}


def fail(*_: Any) -> Any:
    raise KeyError("no such thing")


def finding(seen: dict[str, Any], check: type[Check[Any]]) -> dict[str, Any]:
    (found,) = [each for each in seen["findings"] if each["check"] == check.name]
    return dict(found)


def clause(seen: dict[str, Any], text: str) -> dict[str, Any]:
    (found,) = [each for each in seen["promise"] if each["clause"] == text]
    return dict(found)


def stale() -> HistoryBuilder:
    """Users of whom one reads an old state."""
    builder = users()
    row = next(row for row in builder.rows if row["kind"] == Kind.READ and row["read_wid"] == 3)
    row["read_wid"], row["ver"] = 2, 1
    return builder


@pytest.mark.parametrize("method", ["find", "clean_opportunities"])
def test_a_check_that_crashes_is_unknown_and_the_others_go_on(
    monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    healthy = verdict(stale(), plan("instance", **PROMISE))
    monkeypatch.setattr(MonotonicReads, method, fail)
    seen = verdict(stale(), plan("instance", **PROMISE))
    crashed = finding(seen, MonotonicReads)
    assert (crashed["outcome"], crashed["crash"]) == ("unknown", ERROR)
    assert "the check monotonic-reads crashed (KeyError: 'no such thing')" in crashed["witness"]
    assert "logs/check-monotonic-reads.txt" in crashed["witness"]
    assert clause(seen, "monotonic reads")["outcome"] == "unknown"
    assert ERROR in clause(seen, "monotonic reads")["evidence"]
    assert any(ERROR in why for why in seen["why"])
    for one, other in zip(healthy["findings"], seen["findings"], strict=True):
        if one["check"] != "monotonic-reads":
            assert one | {"primary": 0} == other | {"primary": 0}
    assert finding(seen, StaleReads)["outcome"] == "broken"


def test_a_check_that_cannot_explain_its_violation_is_unknown(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert finding(verdict(stale(), plan()), StaleReads)["outcome"] == "broken"
    monkeypatch.setattr(StaleReads, "explain", fail)
    crashed = finding(verdict(stale(), plan()), StaleReads)
    assert (crashed["outcome"], crashed["crash"], crashed["operations"]) == ("unknown", ERROR, [])


def test_a_result_of_another_length_is_a_crash(monkeypatch: pytest.MonkeyPatch) -> None:
    find = Leaks.find

    def too_short(self: Leaks, given: Any) -> Any:
        result = find(self, given)
        result.violation = result.violation[:-1]
        return result

    monkeypatch.setattr(Leaks, "find", too_short)
    seen = verdict(users(), plan())
    assert finding(seen, Leaks)["outcome"] == "unknown"
    assert "`violation` has" in finding(seen, Leaks)["crash"]
    assert clause(seen, "no session sees another's state")["outcome"] == "unknown"


@pytest.mark.parametrize("check", [LostWrites, LostSessions])
def test_what_is_lost_is_not_known_without_the_check_that_counts_it(
    monkeypatch: pytest.MonkeyPatch, check: type[Check[Any]]
) -> None:
    assert verdict(users(), plan("instance", **PROMISE))["outcome"] == "held"
    monkeypatch.setattr(check, "find", fail)
    monkeypatch.setattr(check, "clean_opportunities", fail)
    seen = verdict(users(), plan("instance", **PROMISE) | {"thresholds": ["lost<1"]})
    assert (seen["outcome"], exit_code(seen["outcome"])) == ("unknown", 3)
    assert clause(seen, "survives instance")["outcome"] == "unknown"
    (threshold,) = seen["thresholds"]
    assert threshold["outcome"] == ("unknown" if check is LostWrites else "held")


def test_without_the_lost_writes_nothing_that_may_follow_from_a_loss_is_held_against_a_guarantee(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    builder = users()
    forget(builder, 3)
    assert finding(verdict(builder, plan("instance", **PROMISE)), ReadYourWrites)["after_loss"]
    monkeypatch.setattr(LostWrites, "find", fail)
    seen = verdict(builder, plan("instance", **PROMISE))
    consequence = finding(seen, ReadYourWrites)
    assert consequence["violations"]
    assert consequence["outcome"] == "unknown"
    assert "lost-writes crashed" in consequence["crash"]
    assert clause(seen, "read your writes")["outcome"] == "unknown"
    assert clause(seen, "survives instance")["outcome"] == "unknown"


def test_the_traceback_comes_back_with_the_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Leaks, "find", fail)
    judgement = assemble(users().history(events(), load()), plan())
    (crash,) = judgement.crashes
    assert (crash.check, crash.error, crash.log_name) == ("leaks", ERROR, "check-leaks.txt")
    assert "in fail" in crash.traceback
    assert isinstance(judgement, Judgement)


@dataclass(frozen=True)
class CrashingInOnePart(InMemoryHistory):
    """A history whose part 1 makes a check crash in the process that reads it."""

    def part(self, number: int) -> Part:
        if number == 1:
            StaleReads.find = fail  # type: ignore[method-assign]
        return super().part(number)


@pytest.mark.cluster
def test_a_crash_in_another_process_comes_back_too() -> None:
    table = users().table()
    odd = table["session"].to_numpy() % 2
    halves = [table.filter(pa.array(odd == number)) for number in (1, 0)]
    history = CrashingInOnePart(**vars(in_memory_history(halves, events(), load())))
    verdict, (crash,) = assemble(history, plan("instance", **PROMISE))
    assert (crash.check, crash.error) == ("stale-reads", ERROR)
    assert finding(verdict, StaleReads)["outcome"] == "unknown"
    assert finding(verdict, MonotonicReads)["outcome"] == "held"


def test_the_command_writes_the_traceback_into_the_logs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Leaks, "find", fail)
    run = shutil.copytree(SAMPLE, tmp_path / "run")
    assert main(["check", str(run), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["outcome"] == "unknown"
    text = (run / "logs" / "check-leaks.txt").read_text()
    assert text.startswith("Traceback")
    assert ERROR in text
