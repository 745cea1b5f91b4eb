"""The verdict on another tool's history: its rules, its objects, its budget."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from statedrill.check.search.judge import judge_foreign
from statedrill.history.formats import ForeignHistory, ForeignOperation
from statedrill.history.formats.etcd import Event, Watch, WatchResponse
from statedrill.vocabulary import Outcome
from tests.check.search.foreign_histories import history, judged, operation


def outcome_of(model: str, *operations: ForeignOperation) -> str:
    return str(judged(history(model, *operations))["outcome"])


def test_a_stale_read_is_broken_and_its_witness_is_three_operations() -> None:
    answer = judged(
        history(
            "register",
            operation("write", 1, 1, 2),
            operation("write", 2, 3, 4),
            operation("write", 3, 5, 6),
            operation("read", None, 7, 8, 3),
            operation("read", None, 9, 10, 2),
        )
    )
    assert answer["outcome"] == "broken"
    assert [each["result"] for each in answer["witness_operations"]] == [None, 3, 2]
    assert "write 2" in answer["witness"]
    assert "gave 2" in answer["witness"]


def test_an_unknown_write_may_land_late_once_or_never() -> None:
    late = operation("write", 1, 1, 2, outcome=Outcome.UNKNOWN)
    other = operation("write", 2, 3, 4)
    two, one = operation("read", None, 5, 6, 2), operation("read", None, 7, 8, 1)
    again = operation("read", None, 9, 10, 2)
    assert outcome_of("register", late, other, two) == "held"
    assert outcome_of("register", late, other, two, one) == "held"
    assert outcome_of("register", late, other, two, one, again) == "broken"


def test_equal_stamps_are_concurrent_and_a_stamp_later_is_not() -> None:
    write = operation("write", 1, 1, 5)
    assert outcome_of("register", write, operation("read", None, 5, 6, None)) == "held"
    assert outcome_of("register", write, operation("read", None, 6, 7, None)) == "broken"


def test_a_failed_write_that_is_read_is_broken() -> None:
    rejected = operation("write", 1, 1, 2, outcome=Outcome.FAILED)
    assert outcome_of("register", rejected, operation("read", None, 3, 4, 1)) == "broken"


def test_objects_are_judged_one_by_one_and_the_broken_one_is_named() -> None:
    fine = operation("write", 1, 1, 2, key="a"), operation("read", None, 3, 4, 1, key="a")
    odd = operation("write", 1, 5, 6, key="b"), operation("read", None, 7, 8, 9, key="b")
    answer = judged(history("register", *fine, *odd))
    assert (answer["outcome"], answer["keys"]) == ("broken", 2)
    assert "object 'b'" in answer["why"][0]


def test_nothing_read_is_unknown_and_so_is_nothing_at_all() -> None:
    assert outcome_of("register") == "unknown"
    assert outcome_of("register", operation("write", 1, 1, 2)) == "unknown"


def hard_history(writes: int = 18) -> ForeignHistory:
    """Many concurrent writes and one impossible read: every subset has to be looked at."""
    puts = [operation("write", number, 1, 1000) for number in range(writes)]
    reads = [operation("read", None, 2 + number, 900, number) for number in range(writes)]
    return history("cas-register", *puts, *reads, operation("read", None, 3, 901, 99))


def still() -> float:
    """A clock that stands still."""
    return 0.0


def ticking() -> Callable[[], float]:
    """A clock that is a second later each time it is looked at."""
    ticks = itertools.count()
    return lambda: float(next(ticks))


def test_the_budget_is_time_and_nothing_else() -> None:
    answer = judge_foreign(hard_history(writes=11), budget_s=0.001, clock=still)
    assert answer["outcome"] == "broken"
    assert answer["states"] > 2_000


def test_twice_the_seconds_buy_twice_the_search() -> None:
    short, long = (
        judge_foreign(hard_history(), budget_s=budget_s, clock=ticking()) for budget_s in (10, 20)
    )
    assert (short["outcome"], long["outcome"]) == ("unknown", "unknown")
    assert short["why"] == ["the budget of 10 s was out for 1 of 1 objects"]
    assert long["states"] - 1 == pytest.approx(2 * (short["states"] - 1), rel=0.15)


def test_the_time_before_the_search_counts() -> None:
    answer = judge_foreign(hard_history(writes=11), budget_s=10, clock=lambda: 11.0, begun_s=0.5)
    assert (answer["outcome"], answer["states"]) == ("unknown", 1)


def test_the_budget_is_for_all_objects_together() -> None:
    one = hard_history(writes=16).operations
    both = [replace(each, key=key) for key in "ab" for each in one]
    answer = judge_foreign(history("cas-register", *both), budget_s=10, clock=ticking())
    assert answer["why"] == ["the budget of 10 s was out for 2 of 2 objects, the first of them 'a'"]
    assert answer["states"] < 11 * 256


def test_memory_is_bounded_by_itself_and_named_when_it_ran_out() -> None:
    answer = judge_foreign(hard_history(), budget_s=10, clock=ticking(), most_remembered=100)
    assert answer["outcome"] == "unknown"
    assert answer["states"] > 2_000
    assert answer["why"] == [
        "the budget of 10 s was out for 1 of 1 objects; before that the search had used up its "
        "memory of 100 configurations and visited some more than once"
    ]


def test_a_search_that_may_remember_little_finds_the_same_answer() -> None:
    answer = judge_foreign(hard_history(writes=5), budget_s=1, clock=still, most_remembered=3)
    assert answer["outcome"] == "broken"


def watch(*revisions: int, key: str = "a") -> Watch:
    events = tuple(Event(key, "x", revision) for revision in revisions)
    response = WatchResponse(events, revisions[-1], progress=False, time=5)
    return Watch(key, False, 1, (response,), "watch.json line 1")


def test_a_gap_in_the_revisions_of_a_watch_takes_no_time() -> None:
    watched = ForeignHistory("etcd", (), "here", "test", (watch(1, 2, 10**15),), whole=False)
    assert judged(watched)["outcome"] == "unknown"
    other = (watch(1, 2, 3, 10**15), watch(1, 2, 10**15))
    answer = judged(replace(watched, watches=other))
    assert answer["outcome"] == "broken"
    assert "passed over revision 3 of a" in answer["why"][0]


def test_a_witness_can_be_written_as_json() -> None:
    answer = judged(history("register", operation("read", None, 1, 2, float("inf"))))
    assert answer["outcome"] == "broken"
    assert "Infinity" not in json.dumps(answer)
