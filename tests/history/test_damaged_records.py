"""No damaged record ends in a traceback: it is refused in one sentence, or judged."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.damaged_records import KINDS, call_with_damaged


@pytest.mark.parametrize("kind", KINDS)
def test_a_damaged_record_is_refused_in_words_or_judged(kind: str, tmp_path: Path) -> None:
    count = 25 if "reported" in kind else 100  # a report takes half a second
    assert call_with_damaged(kind, tmp_path, count) > count // 5
