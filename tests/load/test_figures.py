from __future__ import annotations

import itertools
import json
import math
from pathlib import Path
from typing import Any

import gevent
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statedrill.errors import InputError
from statedrill.load.arrivals.arrival_queue import Desk
from statedrill.load.arrivals.pace import Pace
from statedrill.load.load_process import STRIDE, Generator
from statedrill.load.profiles.breakpoint_search import Climb
from statedrill.load.recording.counters import Tally
from statedrill.load.recording.latency_histogram import Latencies
from statedrill.load.session.upload_content import picture
from statedrill.load.settings import Settings, random_run

S = 1_000_000_000


def test_a_user_starts_one_operation_per_pace_from_start_to_start() -> None:
    pace = Pace(1.0, session=5)
    first = pace.next(100 * S)
    assert 100 * S < first <= 101 * S
    assert [pace.next(first + S // 3 + n * S) for n in range(3)] == [
        first + S, first + 2 * S, first + 3 * S,
    ]  # fmt: skip


def test_being_late_by_less_than_a_pace_keeps_the_grid() -> None:
    pace = Pace(1.0, session=5)
    first = pace.next(100 * S)
    assert pace.next(first + S + S // 2) == first + S  # in the past: start at once
    assert pace.next(first + S + S * 3 // 4) == first + 2 * S


def test_starts_that_were_missed_are_not_caught_up_on() -> None:
    pace = Pace(1.0, session=5)
    first = pace.next(100 * S)
    late = first + 5 * S + S // 2
    assert pace.next(late) == first + 5 * S
    assert pace.next(late) == first + 6 * S


def test_users_lie_evenly_on_the_clock_and_keep_their_phase() -> None:
    phases = sorted((Pace(1.0, session).next(50 * S) - 50 * S) for session in range(1, 101))
    gaps = [later - earlier for earlier, later in itertools.pairwise(phases)]
    assert max(gaps) < 3 * S / 100
    assert Pace(1.0, 7).next(50 * S) % S == Pace(1.0, 7).next(93 * S) % S


@pytest.mark.parametrize("processes", [1, 2, 3, 4, 8])
@pytest.mark.parametrize("users", [3, 8, 22, 60, 240])
def test_users_of_several_load_processes_lie_evenly_on_the_clock(
    processes: int, users: int
) -> None:
    numbers = [1 + each + STRIDE * user for each in range(processes) for user in range(users)]
    phases = sorted(Pace(1.0, number).next(50 * S) - 50 * S for number in numbers)
    gaps = [later - earlier for earlier, later in itertools.pairwise([*phases, phases[0] + S])]
    assert max(gaps) < 3 * S / len(numbers)


def test_without_a_pace_every_start_is_now() -> None:
    assert Pace(0.0, 1).next(42) == 42


def test_a_session_that_is_due_starts_its_pace_there() -> None:
    pace = Pace.starting(1.0, 100 * S)
    assert pace.next(100 * S + 7) == 100 * S
    assert pace.next(100 * S + S // 2) == 101 * S


@given(st.lists(st.integers(0, 20 * S), min_size=1, max_size=50))
def test_intended_starts_never_go_back(steps: list[int]) -> None:
    pace, now, before = Pace(0.5, 3), 10 * S, 0
    for step in steps:
        slot = pace.next(now)
        assert slot > before
        before, now = slot, max(now, slot) + step


def test_a_free_user_takes_what_is_due_and_the_queue_is_counted() -> None:
    desk = Desk(bound=2)
    free = desk.ask()
    for due in (1, 2, 3, 4):
        desk.arrive(due)
    assert free.get(block=False) == 1
    desk.done(2.0)
    desk.done(3.0)
    assert desk.take_figures() == {
        "queued": 2, "dropped": 1, "arrived": 4, "waited": 3, "started": 1, "ended": 2,
        "session_s": 2.5,
    }  # fmt: skip
    assert [desk.ask().get(block=False) for _ in range(2)] == [2, 3]
    assert desk.take_figures() == {
        "queued": 2, "dropped": 0, "arrived": 0, "waited": 0, "started": 2, "ended": 0,
        "session_s": None,
    }  # fmt: skip
    assert desk.take_figures()["queued"] == 0


def test_a_user_that_leaves_gets_no_session() -> None:
    desk = Desk()
    leaving, staying = desk.ask(), desk.ask()
    user = gevent.spawn(leaving.get)
    gevent.sleep(0)
    desk.leave(leaving)
    desk.arrive(9)
    assert user.get(timeout=5) is None
    assert staying.get(block=False) == 9
    assert desk.take_figures()["started"] == 1


def test_users_are_served_in_the_order_in_which_they_became_free() -> None:
    desk = Desk()
    tickets = [desk.ask() for _ in range(3)]
    for due in (1, 2, 3):
        desk.arrive(due)
    assert [ticket.get(block=False) for ticket in tickets] == [1, 2, 3]


def figures(line: int, **changes: Any) -> dict[str, Any]:
    usual = {"line": line, "requests": 100, "errors": 0, "p99_ms": 20.0, "queued": 0, "dropped": 0}
    return {**usual, **changes}


def test_a_load_that_always_holds_breaks_nothing() -> None:
    climb = Climb(p99_ms=500, errors=0.01)
    for line in range(1, 11):
        climb.feed(line, figures(line))
    assert (climb.held, climb.broken) == (10, "")


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ({"errors": 2}, "2.0 % of the requests failed"),
        ({"p99_ms": 501.0}, "p99 was 501 ms"),
        ({"queued": 1}, "no user was free"),
        ({"dropped": 1}, "no user was free"),
    ],
)
def test_two_bad_seconds_in_a_row_break_the_step_of_the_first(
    bad: dict[str, Any], why: str
) -> None:
    climb = Climb(p99_ms=500, errors=0.01)
    climb.feed(3, figures(1))
    climb.feed(4, figures(2, **bad))
    assert not climb.broken
    climb.feed(5, figures(3, **bad))
    assert why in climb.broken
    assert (climb.step, climb.held) == (4, 3)
    climb.feed(6, figures(4))
    assert climb.held == 3


def test_one_bad_second_may_be_chance_and_one_line_is_not_two() -> None:
    climb = Climb(p99_ms=500, errors=0.01)
    for line, bad in ((1, 1), (1, 1), (2, 0), (3, 1), (4, 0)):
        climb.feed(2, figures(line, errors=50 * bad))
    assert not climb.broken


def test_the_first_step_may_break() -> None:
    climb = Climb(p99_ms=500, errors=0.0)
    for line in (1, 2):
        climb.feed(1, figures(line, errors=1))
    assert climb.held == 0
    assert climb.broken


def test_a_line_counts_what_came_since_the_last_one() -> None:
    tally = Tally()
    tally.latencies += [n * 1_000_000 for n in range(1, 101)]
    tally.errors, tally.sessions = 3, 7
    tally.lag(5_000_000)
    tally.lag(2_000_000)
    tally.lost(1)
    tally.lost(1)
    line = tally.line()
    assert (line["requests"], line["errors"], line["sessions"]) == (100, 3, 7)
    assert (line["p50_ms"], line["p99_ms"]) == (50.0, 99.0)
    assert (line["lag_ms_max"], line["sessions_lost"]) == (5.0, 1)
    again = tally.line()
    assert (again["requests"], again["errors"], again["lag_ms_max"]) == (0, 0, 0)
    assert (again["p50_ms"], again["sessions_lost"]) == (None, 1)


@given(st.lists(st.integers(0, 10**10), min_size=1))
def test_a_percentile_is_one_of_the_values_and_at_least_its_share_lies_below(
    values: list[int],
) -> None:
    tally = Tally()
    tally.latencies += values
    p99_ms = tally.line()["p99_ms"]
    assert p99_ms in [round(each / 1e6, 3) for each in values]
    assert sum(round(each / 1e6, 3) <= p99_ms for each in values) >= 0.99 * len(values)


def test_no_two_load_processes_make_the_same_session() -> None:
    made = [Generator(Settings(run="r"), worker, alone=False) for worker in (0, 1, STRIDE - 1)]
    numbers = [each.session("http://127.0.0.1:1").number for each in made for _ in range(3)]
    assert len(set(numbers)) == 9
    assert min(numbers) == 1
    alone = Generator(Settings(run="r"))
    assert [alone.session("http://127.0.0.1:1").number for _ in range(3)] == [1, 2, 3]


def test_the_record_is_handed_over_twice_a_second_and_a_line_written_each_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statedrill.load.load_process._FLUSH_S", 0.01)
    generator = Generator(Settings(history=tmp_path, run="r"))
    generator.extra = lambda: {"users": 3, "planned_rate": 3.0}
    generator.report()
    generator.journal.keep(tuple(range(21)))
    path = tmp_path / "operations-0.jsonl"
    with gevent.Timeout(5):
        while not (tmp_path / "load-0.jsonl").read_text() or "20]" not in path.read_text():
            gevent.sleep(0.005)
    generator.close()
    generator.close()
    line = json.loads((tmp_path / "load-0.jsonl").read_text().splitlines()[0])
    wanted = {"t", "wall", "worker", "users", "planned_rate", "requests", "errors", "p50_ms",
              "p99_ms", "sessions", "sessions_lost", "lag_ms_max", "cpu_pct"}  # fmt: skip
    assert wanted <= set(line)
    assert json.loads(path.read_text().splitlines()[-1]) == {"end": True, "rows": 1}


def test_a_picture_is_a_png_that_only_its_id_makes() -> None:
    assert picture("r.1.1") == picture("r.1.1")
    assert picture("r.1.1") != picture("r.1.2")
    assert picture("r.1.1").startswith(b"\x89PNG\r\n\x1a\n")
    assert 1000 < len(picture("r.1.1")) < 1300


def test_a_picture_can_be_looked_at(tmp_path: Path) -> None:
    from PIL import Image

    (tmp_path / "me.png").write_bytes(picture("r.1.1"))
    with Image.open(tmp_path / "me.png") as image:
        image.load()
        assert (image.size, image.mode) == ((32, 32), "L")


def test_settings_have_defaults_and_come_from_the_environment(tmp_path: Path) -> None:
    usual = Settings.from_environment({})
    assert (usual.pace_s, usual.connections, usual.timeout_s) == (1.0, "session", 10.0)
    assert usual.history is None
    assert usual.run.startswith("r")
    told = Settings.from_environment(
        {"STATEDRILL_HISTORY": str(tmp_path), "STATEDRILL_RUN": "r1", "STATEDRILL_SEED": "7",
         "STATEDRILL_PACE_S": "0", "STATEDRILL_CONNECTIONS": "request"}
    )  # fmt: skip
    assert (told.history, told.run, told.seed, told.pace_s) == (tmp_path, "r1", 7, 0.0)
    assert told.connections == "request"


def test_every_wrong_setting_is_named_at_once() -> None:
    wrong = {"STATEDRILL_PACE_S": "-1", "STATEDRILL_TIMEOUT_S": "soon", "STATEDRILL_SEED": "?"}
    wrong["STATEDRILL_CONNECTIONS"] = "x"
    with pytest.raises(InputError) as caught:
        Settings.from_environment(wrong)
    assert len(caught.value.problems) == 4
    for name in wrong:
        assert name in str(caught.value)


def test_a_run_id_is_new_each_time() -> None:
    assert len({random_run() for _ in range(50)}) == 50
    assert len(random_run()) == 7


def test_a_distribution_keeps_three_digits_and_its_greatest_value_exactly() -> None:
    made = Latencies()
    values = [n * 1_000_000 for n in range(1, 1001)]
    made.add([*values, 123_456_789_123])
    assert made.percentile_ms(50) == pytest.approx(501, rel=0.001)
    assert made.percentile_ms(99) == pytest.approx(991, rel=0.001)
    assert made.percentile_ms(100) == made.max_ns / 1e6 == 123_456.789123
    assert made.count == 1001


def test_a_duration_beyond_an_hour_is_counted_and_not_dropped() -> None:
    made = Latencies()
    made.add([1_000_000, 10_000 * S])
    assert (made.count, made.beyond) == (2, 1)
    assert made.percentile_ms(100) == 10_000_000.0
    assert made.percentile_ms(99) == 10_000_000.0


@given(st.lists(st.lists(st.integers(0, 10**10), max_size=60), min_size=1, max_size=4))
def test_merged_distributions_are_the_distribution_of_all(parts: list[list[int]]) -> None:
    whole, merged = Latencies(), Latencies()
    for part in parts:
        whole.add(part)
        one = Latencies()
        one.add(part)
        merged.merge(Latencies.decode(one.encode()))
    everything = [each for part in parts for each in part]
    assert merged.count == whole.count == len(everything)
    assert merged.max_ns == max(everything, default=0)
    for percent in (1, 50, 99, 100):
        assert merged.percentile_ms(percent) == whole.percentile_ms(percent)


@given(st.lists(st.integers(2_000_000, 10**11), min_size=1), st.sampled_from([50, 90, 99, 99.9]))
def test_a_percentile_of_a_distribution_is_right_to_three_digits(
    values: list[int], percent: float
) -> None:
    made = Latencies()
    made.add(values)
    rank = max(1, math.ceil(percent / 100 * len(values) - 1e-9))
    exact_ms = sorted(values)[rank - 1] / 1e6
    assert made.percentile_ms(percent) == pytest.approx(exact_ms, rel=0.0021)


def test_an_empty_distribution_says_so() -> None:
    assert Latencies().percentile_ms(50) is None
    assert Latencies().sentence() == "nothing was measured"


def test_the_operations_that_were_to_start_are_counted_with_those_left_out() -> None:
    pace = Pace.starting(1.0, 100 * S)
    pace.next(100 * S)
    assert pace.passed == 1
    pace.next(104 * S + S // 2)
    assert pace.passed == 4
