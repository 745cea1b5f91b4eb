"""The rows of a part, grouped by object, and cut between sessions."""

from __future__ import annotations

import pytest

from statedrill.check.index.operations import session_slices
from statedrill.history.store import to_part
from tests.check.history_builder import PREFERENCES, HistoryBuilder


@pytest.mark.parametrize("most", [1, 6, 7, 8, 12, 13, 100])
def test_slices_hold_whole_sessions(most: int) -> None:
    builder = HistoryBuilder()
    for session, rows in ((5, 3), (2, 3), (9, 7), (4, 1)):
        for number in range(rows):
            builder.read(session + 10 * number, PREFERENCES, 0, session=session)
    part = to_part(builder.table())
    cut = [part["session"][rows].tolist() for rows in session_slices(part, most)]
    assert [session for each in cut for session in each] == [2] * 3 + [4] + [5] * 3 + [9] * 7
    assert sum(len(set(each)) for each in cut) == 4
    assert all(len(each) <= most or len(set(each)) == 1 for each in cut)
