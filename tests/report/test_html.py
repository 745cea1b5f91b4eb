"""The templates' filters."""

from __future__ import annotations

from statedrill.report.html import keep_units_together


def test_a_number_and_its_unit_stay_on_one_line() -> None:
    text = keep_units_together("lost 33.8 % in 2 s, 3 sessions")
    assert text == "lost 33.8\u00a0% in 2\u00a0s, 3 sessions"
