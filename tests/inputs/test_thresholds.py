"""The grammar of thresholds: what is understood, and how what is wrong is named."""

from __future__ import annotations

import pytest

from statedrill.errors import InputError
from statedrill.inputs.thresholds import measure, parse_threshold


def test_a_threshold_says_what_is_measured_where_and_how_far_it_may_go() -> None:
    parsed = parse_threshold("p(99.9){phase:recovery, op:add-to-cart} <= 500.5 for 10s")
    assert (parsed.aggregate, parsed.quantile) == ("p", pytest.approx(0.999))
    assert parsed.tags == {"phase": "recovery", "op": "add-to-cart"}
    assert (parsed.comparison, parsed.bound, parsed.window_s) == ("<=", 500.5, 10.0)
    assert parsed.holds(500.5)
    assert not parsed.holds(500.6)


@pytest.mark.parametrize("text", ["avg<5", "min>0", "med<=2", "max<9", "count>=1", "rate<0.01",
                                  "lost==0", "stale!=1", "p(50)<1"])  # fmt: skip
def test_every_aggregate_is_understood(text: str) -> None:
    assert parse_threshold(text).text == text


@pytest.mark.parametrize(
    ("text", "column", "word"),
    [
        ("", 1, "aggregate"),
        ("p99<5", 1, "'p'"),
        ("p(101)<5", 1, "at most 100"),
        ("mean<5", 1, "'mean'"),
        ("avg{phas:recovery}<5", 5, "'phas'"),
        ("avg{phase:recover}<5", 5, "no phase 'recover'"),
        ("avg{kind:PUT}<5", 5, "no kind"),
        ("avg{phase=recovery}<5", 5, "tag"),
        ("avg{}<5", 5, "tag"),
        ("avg", 4, "comparison"),
        ("avg=5", 4, "comparison"),
        ("avg<", 5, "number"),
        ("avg<fast", 5, "number"),
        ("avg<5 ms", 7, "window"),
        ("avg<5 for 0s", 7, "longer than nothing"),
        ("lost{phase:fault}==0", 5, "no tags"),
        ("stale<3 for 10s", 9, "no window"),
    ],
)
def test_what_is_wrong_is_named_with_its_column_and_a_cure(
    text: str, column: int, word: str
) -> None:
    with pytest.raises(InputError) as error:
        parse_threshold(text)
    assert f"column {column}:" in error.value.message
    assert word in error.value.message
    assert error.value.hint


class Taken:
    """Latencies in ms of what succeeded, sorted, and how many operations failed."""

    def __init__(self, *latencies: float, failed: int = 0) -> None:
        self.latencies, self.failed = latencies, failed
        self.n = len(latencies) + failed

    def mean_ms(self) -> float | None:
        return sum(self.latencies) / len(self.latencies) if self.latencies else None

    def quantile_ms(self, share: float) -> float | None:
        return self.latencies[round(share * (len(self.latencies) - 1))] if self.latencies else None


@pytest.mark.parametrize(
    ("text", "value"),
    [("count>0", 5), ("rate<1", 0.4), ("avg<9", 3), ("min<9", 1), ("med<9", 2), ("max<9", 6),
     ("p(50)<9", 2), ("p(100)<9", 6)],
)  # fmt: skip
def test_a_threshold_is_about_one_value_of_its_samples(text: str, value: float) -> None:
    assert measure(parse_threshold(text), Taken(1, 2, 6, failed=2)) == value


@pytest.mark.parametrize("text", ["rate<1", "avg<9", "min<9", "max<9", "p(99)<9"])
def test_without_samples_there_is_no_value(text: str) -> None:
    assert measure(parse_threshold(text), Taken()) is None
    if not text.startswith("rate"):
        assert measure(parse_threshold(text), Taken(failed=3)) is None
