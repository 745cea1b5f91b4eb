"""The order of events, without any process: what a drill asks of a target, and when."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statedrill.drill import drill as drill_module
from statedrill.drill import live
from statedrill.drill.drill import drill
from statedrill.drill.live import LiveFigures
from statedrill.errors import ClusterError, InputError, Interrupted
from statedrill.history.events import Event
from statedrill.inputs.options import Options
from statedrill.plan.plan import make_plan
from tests.drill.fake_target import Clock, FakeTarget, phases, whole_record

WHOLE = ["start", "locust", "chaos", "restore", "settle", "audit-1", "stop"]


def without_chaos(asked: list[str]) -> list[str]:
    """The same without the experiment."""
    return [each for each in asked if each != "chaos"]


class Seen:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.phases: list[str] = []
        self.notes: list[str] = []
        self.events: list[str] = []
        self.looks = 0

    def phase(self, name: str, seconds: float | None) -> None:
        self.phases.append(name)

    def figures(self, figures: LiveFigures) -> None:
        self.looks += 1

    def event(self, event: Event) -> None:
        self.events.append(event["event"])

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(drill_module, "time", made)
    monkeypatch.setattr(live, "time", made)
    monkeypatch.setattr(live, "_SILENT_S", float("inf"))
    return made


class Play:
    """Plays one drill on a fake target; `target` is what it was played on."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock, self.seen = folder, clock, Seen()
        self.target: FakeTarget

    def __call__(
        self, experiment: str = "none", observers: int = 1, pattern: str = "sticky", **how: Any
    ) -> list[str]:
        def make(emit: Any) -> FakeTarget:
            self.target = FakeTarget(self.clock, self.folder, emit, **how)
            return self.target

        words = Options(pattern=pattern, experiment=experiment, scenario="shopper", users=10)
        drill(make_plan(words, "r1", "now"), self.folder, make, [self.seen] * observers)  # type: ignore[arg-type]
        return self.target.asked

    def events(self, kind: str) -> list[dict[str, Any]]:
        text = (self.folder / "history" / "events.jsonl").read_text()
        return [e for e in map(json.loads, text.splitlines()) if e["event"] == kind]


@pytest.fixture
def play(tmp_path: Path, clock: Clock) -> Play:
    (tmp_path / "history").mkdir()
    return Play(tmp_path, clock)


def test_a_drill_has_seven_steps_in_this_order(play: Play) -> None:
    assert play() == WHOLE
    assert list(phases(play.folder)) == [
        *("warmup", "baseline", "fault", "recovery", "settle", "audit", "end")
    ]
    assert (play.folder / "plan.json").exists()


def test_the_fault_phase_begins_with_the_fault_itself(play: Play) -> None:
    def hurt() -> None:
        play.target.emit("fault-begin", fault="f1", name="terminate_instances")

    play("instance-kill", children={"chaos": {"on_start": hurt}})
    assert list(phases(play.folder)).count("fault") == 1


def test_a_pattern_that_survives_instances_is_restarted_and_read_twice(play: Play) -> None:
    asked = play(pattern="distributed")
    assert asked == [*WHOLE[:-1], "restart", "audit-2", "stop"]


def test_a_target_that_is_gone_is_not_read_a_second_time(play: Play) -> None:
    asked = play(pattern="distributed", children={"audit": {"code": 3}})
    assert asked == WHOLE
    assert "audit 1 failed: its last words" in play.events("crash")[0]["why"]


def test_a_target_that_is_not_healthy_is_not_broken_further(play: Play) -> None:
    asked = play("instance-kill", unhealthy=["instances: 2 of 3 in service"])
    assert asked == without_chaos(WHOLE)
    (experiment,) = play.events("experiment")
    assert "2 of 3 in service" in experiment["failed"][0]


def test_a_profile_that_ends_in_the_baseline_ends_the_load_and_nothing_else(play: Play) -> None:
    ending = {"lives_s": 2.0, "on_start": lambda: whole_record(play.folder)}
    asked = play(children={"locust": ending})
    assert asked == without_chaos(WHOLE)
    (ended,) = play.events("load-ended")
    assert ended["phase"] in ("warmup", "baseline")
    assert not play.events("crash")


def test_a_profile_that_ends_during_the_experiment_lets_it_finish(play: Play) -> None:
    def end_soon() -> None:
        whole_record(play.folder)
        play.target.processes["locust"].ends_at = play.clock.now + 1.0

    assert play(children={"chaos": {"on_start": end_soon}}) == WHOLE
    assert [each["phase"] for each in play.events("load-ended")] == ["fault"]
    assert play.events("experiment")


def test_what_a_search_for_the_breaking_point_found_is_an_event(play: Play) -> None:
    found = {"held": 210.0, "broke": 245.0, "unit": "users", "why": "p99 was 612 ms"}

    def end_soon() -> None:
        whole_record(play.folder)
        (play.folder / "history" / "breakpoint.json").write_text(json.dumps(found))

    play(children={"locust": {"lives_s": 2.0, "on_start": end_soon}})
    (event,) = play.events("breakpoint")
    assert event.items() >= found.items()
    assert "breaking point: 210 users held, 245 broke: p99 was 612 ms" in play.seen.notes


@pytest.mark.parametrize("text", ["", "{", "[]", '{"held": 1}'])
def test_a_result_of_the_profile_that_is_damaged_is_no_end_of_the_drill(
    play: Play, text: str
) -> None:
    path = play.folder / "history" / "breakpoint.json"
    assert play(children={"chaos": {"on_start": lambda: path.write_text(text)}}) == WHOLE
    assert not play.events("breakpoint")


@pytest.mark.parametrize(("planned", "waited_s"), [(2.0, 2.0), (4.0, 7.0)])
def test_users_are_awaited_as_the_profile_plans_them(
    play: Play, planned: float, waited_s: float
) -> None:
    """Ten users could be there within two seconds; those who do not come get five more."""
    began: dict[str, float] = {}

    def two_users() -> None:
        line = {"users": 2, "planned_users": planned, "requests": 5}
        (play.folder / "history" / "load-0.jsonl").write_text(json.dumps(line) + "\n")

    play.seen.phase = lambda name, seconds: began.setdefault(name, play.clock.now)  # type: ignore[method-assign,assignment,return-value]
    play(children={"locust": {"on_start": two_users}})
    warmup_s = Options().warmup_s
    assert began["baseline"] == pytest.approx(waited_s + warmup_s, abs=1.0)


@pytest.mark.parametrize(("code", "whole"), [(1, True), (0, False)])
def test_a_load_generator_that_fails_is_a_crash_and_the_rest_is_still_done(
    play: Play, code: int, whole: bool
) -> None:
    def begin() -> None:
        if whole:
            whole_record(play.folder)

    with pytest.raises(ClusterError, match="the load generator ended in"):
        play(children={"locust": {"lives_s": 2.0, "code": code, "on_start": begin}})
    assert play.target.asked == without_chaos(WHOLE)
    assert play.events("crash")


def test_a_load_generator_that_never_sent_anything_is_a_bad_input(
    play: Play, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeTarget, "_loading", lambda self, then: then)
    with pytest.raises(InputError, match="did not start: its last words"):
        play(children={"locust": {"lives_s": 0.5, "code": 1}})


def interrupt() -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize("at_s", [0.2, 1.0, 5.0, 9.0, 11.0])
def test_an_interrupt_before_the_recovery_still_restores_settles_audits_and_stops(
    play: Play, at_s: float
) -> None:
    play.clock.at(at_s, interrupt)
    with pytest.raises(Interrupted):
        play()
    assert without_chaos(play.target.asked) == without_chaos(WHOLE)
    assert play.events("interrupted")


def test_a_second_interrupt_skips_the_audit_but_never_the_end(play: Play) -> None:
    play.clock.at(1.0, interrupt)
    with pytest.raises(Interrupted):
        play(children={"audit": {"on_start": interrupt}})
    assert play.target.asked[-1] == "stop"


def test_several_observers_see_the_same_drill(play: Play) -> None:
    play(observers=2)
    assert play.seen.phases[::2] == play.seen.phases[1::2]
    assert play.seen.phases[::2] == ["start", *phases(play.folder)]
    assert play.seen.looks > 0
