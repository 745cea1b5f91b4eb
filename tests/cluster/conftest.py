"""What the tests of the cluster share: a roster in a temporary folder and a record of events."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statedrill.cluster.roster import Roster


class Events:
    """An event sink that remembers."""

    def __init__(self) -> None:
        self.seen: list[dict[str, Any]] = []
        self._lock = threading.Lock()

    def __call__(self, event: str, **fields: Any) -> None:
        with self._lock:
            self.seen.append({"event": event, "t": time.monotonic_ns(), **fields})

    def of(self, event: str, **fields: Any) -> list[dict[str, Any]]:
        with self._lock:
            return [
                e
                for e in self.seen
                if e["event"] == event and all(e.get(k) == v for k, v in fields.items())
            ]


def eventually(condition: Callable[[], Any], timeout_s: float = 15.0) -> Any:
    """The first true value of `condition`, or a failure after `timeout_s`."""
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if value := condition():
            return value
        time.sleep(0.02)
    raise AssertionError(f"still not true after {timeout_s:g} s")


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def roster(tmp_path: Path, events: Events) -> Iterator[Roster]:
    made = Roster(f"test-{tmp_path.name}", tmp_path / "data", tmp_path / "logs", events)
    yield made
    made.close(0.0)
