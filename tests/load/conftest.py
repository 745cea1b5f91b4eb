"""A load generator of each test's own, of which nothing is left afterwards."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.load import Load


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    made = Load(tmp_path)
    try:
        yield made
    finally:
        made.end()
