"""An arrival rate is read in one grammar, wherever it is written."""

from __future__ import annotations

import pytest

from statedrill.errors import InputError
from statedrill.inputs.arrival_rate import POISSON, UNIFORM, ArrivalRate, parse_arrival_rate


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("50", ArrivalRate(50)),
        ("50/s", ArrivalRate(50)),
        (" 3000 / m ", ArrivalRate(50)),
        ("7200/h", ArrivalRate(2)),
        (".5/s", ArrivalRate(0.5)),
        ("2.", ArrivalRate(2)),
        ("1e-05/s", ArrivalRate(1e-5)),
        ("50 poisson", ArrivalRate(50, POISSON)),
        ("7200/h  uniform", ArrivalRate(2, UNIFORM)),
    ],
)
def test_a_rate_is_a_number_perhaps_a_unit_and_perhaps_a_spacing(
    text: str, rate: ArrivalRate
) -> None:
    assert parse_arrival_rate(text) == rate


@pytest.mark.parametrize(
    "text",
    ["", "fast", "50/d", "0", "0/s", "-1/s", "nan", "inf/s", "/s", "1e999", "5 5", "50/s often",
     "poisson", "50/spoisson", "\u0665/s", "5\n/s x"],
)  # fmt: skip
def test_what_is_no_rate_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(InputError, match="50/s"):
        parse_arrival_rate(text)


@pytest.mark.parametrize("rate", [1 / 3, 1e-5, 12345.678, 1e6])
def test_a_rate_that_a_plan_hands_to_its_load_processes_arrives_exactly(rate: float) -> None:
    assert parse_arrival_rate(f"{rate!r}/s").per_s == rate
