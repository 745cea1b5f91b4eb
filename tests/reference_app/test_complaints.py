from __future__ import annotations

import pytest

from reference_app.rate_limited_log import Complaints


def test_a_kind_is_told_once_a_second_and_nothing_is_left_unsaid(
    caplog: pytest.LogCaptureFixture,
) -> None:
    now = [0.0]
    complaints = Complaints(clock=lambda: now[0])
    for now[0] in (10.0, 10.1, 10.9, 11.0):
        complaints.warn("database", "it is away")
    complaints.warn("cache", "so is this one")
    assert [record.getMessage() for record in caplog.records] == [
        "it is away",
        "it is away (and 2 more like it)",
        "so is this one",
    ]
