"""The plan of a profile is a function of time: invented loads that follow it, or do not."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest

from statedrill.history.events import Event
from statedrill.history.load_line import LoadLine
from statedrill.load import shapes
from statedrill.vocabulary import Kind, Outcome
from tests.check.drill_builder import (
    AUDIT,
    FAULT,
    SETTLE,
    events,
    fail,
    phase_at,
    plan,
    verdict,
)
from tests.check.history_builder import MS, PREFERENCES, SESSION, START, HistoryBuilder

USERS, PACE_S, LOAD_S = 40, 1.0, SETTLE // 1000
Share = Callable[[float, float], float]
SHAPES: list[Share] = [
    shapes.steady,
    shapes.ramp,
    shapes.spike,
    shapes.diurnal,
    shapes.soak,
    shapes.staircase,
]


def flat(at_s: float, run_time_s: float) -> float:
    return 0.55


def lines(planned: Share, there: Share, late_s: float = 0.0, **more: Any) -> list[LoadLine]:
    """One load process of the closed model, whose users follow `there` this late."""
    found = []
    for second in range(1, LOAD_S + 1):
        mean = sum(planned(second - part / 10, LOAD_S) for part in range(10)) / 10
        users = round(USERS * there(max(0.0, second - late_s), LOAD_S))
        line: dict[str, Any] = {
            "t": START + second * 1000 * MS, "worker": 0, "users": users,
            "planned_users": USERS * mean, "planned_rate": USERS * mean / PACE_S,
            "lag_ms_max": 2.0, "cpu_pct": 20.0, "dropped": 0,
        }  # fmt: skip
        found.append(LoadLine(**{**line, **more}))
    return found


def arrivals(planned: Share, there: Share, kind: str = "uniform", **more: Any) -> list[LoadLine]:
    """One load process of the open model; USERS are the sessions per second of the full load."""
    dice, rest, found = random.Random(3), 0.0, []
    for second in range(1, LOAD_S + 1):
        rest += USERS * there(second - 0.5, LOAD_S)
        count = int(rest)
        rest -= count
        if kind == "poisson":
            count = sum(dice.random() < 0.25 for _ in range(4 * count))
        line: dict[str, Any] = {
            "t": START + second * 1000 * MS, "worker": 0, "users": 500,
            "planned_arrivals": USERS * planned(second - 0.5, LOAD_S), "arrived": count,
            "planned_rate": 10.0, "waited": 0, "ended": count, "session_s": 5.0,
            "lag_ms_max": 2.0, "cpu_pct": 20.0, "dropped": 0,
        }  # fmt: skip
        found.append(LoadLine(**{**line, **more}))
    return found


def build_history(share: Share, late_s: float = 0.0) -> HistoryBuilder:
    """Users who write or read once a pace while the profile wants them, and are audited."""
    builder = HistoryBuilder()
    for session in range(1, USERS + 1):
        offset_ms = 1000 * session // USERS
        version, signed_in = 0, False
        for number, at in enumerate(range(offset_ms, SETTLE, round(PACE_S * 1000))):
            if round(USERS * share(max(0.0, at / 1000 - late_s), LOAD_S)) < session:
                continue
            builder.phase = phase_at(at)
            shown = {"session": session, "server_session": 2}
            if not signed_in:
                signed_in = True
                builder.write(at, SESSION, 1, ver=1, **shown)
            elif number % 2 or not version:
                version += 1
                builder.write(at, PREFERENCES, version + 1, ver=version, **shown)
            else:
                builder.read(at, PREFERENCES, version + 1, ver=version, **shown)
        if version:
            builder.phase = phase_at(AUDIT)
            builder.read(AUDIT + offset_ms // 4, PREFERENCES, version + 1, ver=version, **shown)
    return builder


def judged(
    builder: HistoryBuilder,
    load: list[LoadLine],
    experiment: str | None = None,
    arrivals: str = "closed",
    **more: Any,
) -> dict[str, Any]:
    """The verdict; the planned rate in the drill's plan is the full load's."""
    full = {"planned_rate": USERS / PACE_S, "pace_s": PACE_S, "arrivals": arrivals}
    return verdict(builder, plan(experiment) | {"load": full}, load=load, **more)


@pytest.mark.parametrize("share", SHAPES, ids=lambda share: str(share.__name__))
@pytest.mark.parametrize("late_s", [0.0, 1.0])
def test_a_load_that_follows_its_profile_has_footing(share: Share, late_s: float) -> None:
    seen = judged(build_history(share, late_s), lines(share, share, late_s))
    assert seen["footing"]["why"] == []
    assert seen["outcome"] == "held"


@pytest.mark.parametrize("share", SHAPES[1:4] + SHAPES[5:], ids=lambda share: str(share.__name__))
@pytest.mark.parametrize("there", [flat, shapes.steady])
def test_users_that_do_not_follow_the_profile_leave_no_footing(share: Share, there: Share) -> None:
    seen = judged(build_history(there), lines(share, there))
    assert seen["outcome"] == "unknown"
    assert "did not follow its profile" in " ".join(seen["footing"]["why"])


@pytest.mark.parametrize("share", SHAPES[1:4] + SHAPES[5:], ids=lambda share: str(share.__name__))
def test_a_profile_that_is_followed_too_late_leaves_no_footing(share: Share) -> None:
    seen = judged(build_history(share, 6.0), lines(share, share, 6.0))
    assert seen["footing"]["outcome"] == "unknown"


def test_operations_that_do_not_follow_their_users_leave_no_footing() -> None:
    """The users are there, says the generator, but the record has another course."""
    seen = judged(build_history(flat), lines(shapes.spike, shapes.spike))
    assert "operations per second" in " ".join(seen["footing"]["why"])
    late = judged(build_history(shapes.diurnal), lines(shapes.steady, shapes.steady))
    assert "planned operations per second" in late["footing"]["why"][0]


@pytest.mark.parametrize("share", SHAPES, ids=lambda share: str(share.__name__))
@pytest.mark.parametrize("kind", ["uniform", "poisson"])
def test_arrivals_that_follow_their_profile_have_footing(share: Share, kind: str) -> None:
    load = arrivals(share, share, kind)
    seen = judged(build_history(shapes.steady), load, arrivals=kind)
    assert seen["footing"]["why"] == []


@pytest.mark.parametrize("share", [shapes.ramp, shapes.spike, shapes.diurnal, shapes.staircase])
@pytest.mark.parametrize("there", [flat, shapes.steady])
def test_arrivals_that_do_not_follow_the_profile_leave_no_footing(
    share: Share, there: Share
) -> None:
    seen = judged(build_history(shapes.steady), arrivals(share, there), arrivals="uniform")
    assert "sessions per second on average where" in " ".join(seen["footing"]["why"])


def test_the_shares_of_several_load_processes_add_up() -> None:
    def half(share: Share) -> Share:
        return lambda at_s, run_time_s: share(at_s, run_time_s) / 2

    both = [
        *lines(half(shapes.ramp), half(shapes.ramp)),
        *lines(half(shapes.ramp), half(shapes.ramp), worker=1),
    ]
    seen = judged(build_history(shapes.ramp), both)["footing"]
    alone = judged(build_history(shapes.ramp), lines(shapes.ramp, shapes.ramp))["footing"]
    assert seen["why"] == []
    assert seen["planned_rate"] == pytest.approx(alone["planned_rate"])


def test_the_planned_rate_is_that_of_the_baseline_and_not_the_full_load() -> None:
    seen = judged(build_history(shapes.ramp), lines(shapes.ramp, shapes.ramp))["footing"]
    # from a tenth to all of it in 15 s: in the first 10 s 40 % on average
    assert seen["planned_rate"] == pytest.approx(0.4 * USERS, rel=0.02)


def test_a_generator_that_cannot_carry_the_peak_leaves_no_footing() -> None:
    load = lines(shapes.ramp, shapes.ramp)
    for line in load:
        if line["users"] > 0.7 * USERS:
            line["cpu_pct"], line["lag_ms_max"] = 99.0, 900.0
    seen = judged(build_history(shapes.ramp), load)["footing"]
    assert len(seen["why"]) == 2
    assert all("at the peak of the profile" in each for each in seen["why"])


def slow(builder: HistoryBuilder, begin: float, end: float) -> None:
    for row in builder.rows:
        if begin <= (row["call"] - START) / MS < end:
            row["ret"] = row["call"] + 400 * MS


def test_slow_answers_above_the_level_of_the_baseline_are_held_against_nobody() -> None:
    builder = build_history(shapes.spike)
    slow(builder, 12_000, 18_000)  # the spike; the fault is before it
    seen = judged(builder, lines(shapes.spike, shapes.spike), experiment="instance")
    assert seen["recovery"]["rto_availability_s"] == 0.0
    assert seen["availability"]["latency_not_comparable_s"] == pytest.approx(6.0, abs=1.0)


def test_slow_answers_at_the_level_of_the_baseline_are() -> None:
    builder = build_history(shapes.spike)
    slow(builder, FAULT, FAULT + 1_500)
    slow(builder, 20_000, 22_000)
    seen = judged(builder, lines(shapes.spike, shapes.spike), experiment="instance")
    assert seen["recovery"]["rto_availability_s"] == pytest.approx(12.0, abs=0.5)


def test_what_fails_is_not_available_at_any_level() -> None:
    builder = build_history(shapes.spike)
    fail(builder, 14_000, 15_000)
    seen = judged(builder, lines(shapes.spike, shapes.spike), experiment="instance")
    assert seen["recovery"]["rto_availability_s"] == 5.0
    assert seen["availability"]["outage_s"] == 1.0


def ended(at: int) -> list[Event]:
    return [{"t": START + at * MS, "wall": 0.0, "event": "load-ended", "phase": "fault"}]


def until(share: Share, end_s: float) -> Share:
    return lambda at_s, run_time_s: share(at_s, run_time_s) if at_s <= end_s else 0.0


def test_a_profile_that_ends_by_itself_ends_the_load() -> None:
    share = until(shapes.staircase, 15.0)
    builder = build_history(share)
    fail(builder, 14_000, 15_000)
    load = lines(share, share)
    over = judged(builder, load, events=events(None, also=ended(15_800)))
    assert over["footing"]["why"] == []
    assert over["availability"]["outage_s"] == 1.0
    went_on = judged(builder, load)
    assert went_on["availability"]["outage_s"] > 10.0


def test_an_operation_that_was_called_when_the_load_was_over_changes_nothing() -> None:
    builder = build_history(until(shapes.staircase, 15.0))
    builder.phase = phase_at(16_000)
    builder.add(16_000, 1, PREFERENCES, Kind.READ, outcome=Outcome.UNKNOWN, status=502)
    load = lines(until(shapes.staircase, 15.0), until(shapes.staircase, 15.0))
    seen = judged(builder, load, events=events(None, also=ended(15_800)))
    assert seen["availability"]["outage_s"] == 0.0
