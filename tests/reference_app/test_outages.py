from __future__ import annotations

import pytest

from reference_app.outages import RateLimitedLog


def test_a_kind_is_told_once_a_second_and_nothing_is_left_unsaid(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    limited = RateLimitedLog(clock=lambda: now[0])
    for now[0] in (10.0, 10.1, 10.9, 11.0):
        limited.warn("database", "it is away")
    limited.warn("cache", "so is this one")
    assert [record.getMessage() for record in caplog.records] == [
        "it is away",
        "it is away (and 2 more like it)",
        "so is this one",
    ]
