from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from statedrill.load.recording.counters import Counters


def test_a_line_counts_what_came_since_the_last_one() -> None:
    counters = Counters()
    counters.latencies_ns += [n * 1_000_000 for n in range(1, 101)]
    counters.errors, counters.sessions = 3, 7
    counters.add_lag(5_000_000)
    counters.add_lag(2_000_000)
    counters.add_lost_session(1)
    counters.add_lost_session(1)
    line = counters.line()
    assert (line["requests"], line["errors"], line["sessions"]) == (100, 3, 7)
    assert (line["p50_ms"], line["p99_ms"]) == (50.0, 99.0)
    assert (line["lag_ms_max"], line["sessions_lost"]) == (5.0, 1)
    again = counters.line()
    assert (again["requests"], again["errors"], again["lag_ms_max"]) == (0, 0, 0)
    assert (again["p50_ms"], again["sessions_lost"]) == (None, 1)


@given(st.lists(st.integers(0, 10**10), min_size=1))
def test_a_percentile_is_one_of_the_values_and_at_least_its_share_lies_below(
    values: list[int],
) -> None:
    counters = Counters()
    counters.latencies_ns += values
    p99_ms = counters.line()["p99_ms"]
    assert p99_ms in [round(each / 1e6, 3) for each in values]
    assert sum(round(each / 1e6, 3) <= p99_ms for each in values) >= 0.99 * len(values)
