"""Fixtures for the tests of several rooms: a record of events, and a registry of processes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from statedrill.processes.registry import ProcessRegistry
from tests.support.events import Events


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def registry(tmp_path: Path, events: Events) -> Iterator[ProcessRegistry]:
    made = ProcessRegistry(f"test-{tmp_path.name}", tmp_path / "data", tmp_path / "logs", events)
    yield made
    made.close(0.0)
