from __future__ import annotations

from typing import Any

import pytest

from statedrill.check import judge
from statedrill.check.verdict.record import Verdict
from statedrill.vocabulary import Kind, Phase
from tests.check.drill_builder import FAULT, RECOVERY, SETTLE, events, phase_at, plan
from tests.check.history_builder import (
    MS,
    NAMES,
    PREFERENCES,
    SESSION,
    START,
    HistoryBuilder,
    in_memory_history,
)

ONE, TWO, NEW = "i-00000001", "i-00000002", "i-00000003"


def instance(at: float, name: str, state: str, role: str = "instance") -> Any:
    return {"t": START + round(at * MS), "event": "instance", "id": name, "role": role,
            "zone": "a", "address": "x:1", "state": state}  # fmt: skip


def spread(*homes: int, moved: dict[int, int] | None = None) -> HistoryBuilder:
    """A session per number in `homes`, which is the instance that answers it once a second; from
    the fault on that of `moved`, where the session is named there.
    """
    builder = HistoryBuilder()
    for session, home in enumerate(homes, start=1):
        for at in range(session, SETTLE, 1000):
            builder.phase = phase_at(at)
            now = (moved or {}).get(session, home) if at >= FAULT else home
            builder.read(at, PREFERENCES, 0, session=session, instance=now)
    return builder


def judged(builder: HistoryBuilder, *states: Any, **more: Any) -> Verdict:
    both = [instance(-100, ONE, "registered"), instance(-100, TWO, "registered")]
    return judge(builder.history(events(None, also=[*both, *states]), **more), plan(None))


def test_shares_that_are_the_same_have_no_imbalance() -> None:
    baseline = judged(spread(1, 2, 1, 2))["measures"]["baseline"]
    assert baseline == {"instances": 2, "requests_cv_max": 0.0, "requests_cv_end": 0.0,
                        "sessions_cv_max": 0.0, "sessions_cv_end": 0.0}  # fmt: skip


def test_the_imbalance_is_the_standard_deviation_over_the_mean() -> None:
    """Three to one: the mean is 2, the standard deviation 1."""
    recovery = judged(spread(1, 1, 1, 2))["measures"]["recovery"]
    assert recovery["requests_cv_end"] == recovery["sessions_cv_max"] == 0.5


def test_an_instance_that_gets_nothing_counts_from_the_moment_it_is_in_service() -> None:
    """Two sessions each, then a third instance without any: mean 4/3, deviation sqrt(8/9)."""
    verdict = judged(spread(1, 2, 1, 2), instance(FAULT, NEW, "registered"))
    before, after = (verdict["measures"][phase] for phase in ("baseline", "fault"))
    assert (before["instances"], after["instances"]) == (2, 3)
    assert before["sessions_cv_max"] == 0.0
    assert after["sessions_cv_end"] == after["requests_cv_end"] == pytest.approx(2**-0.5, abs=1e-4)


@pytest.mark.parametrize("state", ["dead", "terminating", "terminated", "ready"])
def test_an_instance_that_is_not_in_service_has_no_share(state: str) -> None:
    verdict = judged(spread(1, 1, 1, 2), instance(FAULT, NEW, "registered"),
                     instance(RECOVERY, NEW, state))  # fmt: skip
    assert verdict["measures"]["recovery"]["sessions_cv_end"] == 0.5


def test_a_worker_is_no_instance() -> None:
    verdict = judged(spread(1, 2), instance(FAULT, NEW, "registered", role="worker"))
    assert verdict["measures"]["fault"]["instances"] == 2


def test_a_session_is_with_the_instance_that_answered_it_last() -> None:
    verdict = judged(spread(1, 2, 1, 2, moved={2: 1, 4: 1}))
    assert verdict["measures"]["baseline"]["sessions_cv_max"] == 0.0
    assert verdict["measures"]["fault"]["sessions_cv_end"] == 1.0


def test_a_session_that_is_signed_out_is_with_no_instance() -> None:
    builder = spread(1, 1, 2)
    for row in builder.rows:
        if row["session"] == 2 and row["call"] >= START + RECOVERY * MS:
            row["call"] = row["ret"] = START + SETTLE * MS  # not in the load
            row["phase"] = Phase.AUDIT
    builder.phase = Phase.FAULT
    builder.add(RECOVERY - 2, 2, SESSION, Kind.SIGN_OUT, wid=9, instance=1)
    verdict = judged(builder)
    assert verdict["measures"]["baseline"]["sessions_cv_end"] == pytest.approx(1 / 3, abs=1e-4)
    assert verdict["measures"]["recovery"]["sessions_cv_end"] == 0.0


def test_the_course_stands_in_the_series_until_the_load_ends() -> None:
    series = judged(spread(1, 1, 1, 2))["series"]
    assert len(series["sessions_cv"]) == len(series["requests_cv"]) == len(series["t_s"])
    assert set(series["instances"]) == {2}
    ended = series["t_s"].index(SETTLE / 1000)
    assert series["sessions_cv"][ended - 1] == 0.5
    assert set(series["sessions_cv"][ended:]) == {None}


def test_one_instance_alone_has_no_imbalance() -> None:
    gone = instance(-50, TWO, "dead")
    assert judged(spread(1, 1), gone)["measures"]["baseline"] == {"instances": 1}


def test_a_record_that_names_no_instance_in_service_has_no_such_figure() -> None:
    verdict = judge(spread(1, 2).history(events(None)), plan(None))
    assert "measures" not in verdict
    assert "sessions_cv" not in verdict["series"]


def test_parts_add_up_to_the_whole() -> None:
    whole = judged(spread(1, 1, 1, 2, 2))
    builder = spread(1, 1, 1, 2, 2)
    few, many = HistoryBuilder(), HistoryBuilder()
    for row in builder.rows:
        (few if row["session"] < 3 else many).rows.append(row)
    both = [instance(-100, ONE, "registered"), instance(-100, TWO, "registered")]
    parted = in_memory_history((few.table(), many.table()), events(None, also=both))
    assert judge(parted, plan(None))["measures"] == whole["measures"]


def test_an_answer_of_an_instance_without_a_name_is_nobody_s() -> None:
    builder = spread(1, 2, 3)
    assert 3 not in NAMES.instances
    assert judged(builder)["measures"]["baseline"]["sessions_cv_max"] == 0.0
