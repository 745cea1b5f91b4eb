"""Fixtures for the tests of several rooms, and what a test run says at its end."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from statedrill.processes.registry import ProcessRegistry
from tests.support.events import Events
from tests.support.marks import has_no_test_for
from tests.support.skips import not_checked

# A busy machine may take any time for an example: that is no finding.
settings.register_profile("statedrill", deadline=None)
settings.load_profile("statedrill")

# A shell has its background jobs ignore Ctrl-C, and children inherit that; the tests send it.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def events() -> Events:
    return Events()


@pytest.fixture
def registry(tmp_path: Path, events: Events) -> Iterator[ProcessRegistry]:
    made = ProcessRegistry(f"test-{tmp_path.name}", tmp_path / "data", tmp_path / "logs", events)
    yield made
    made.close(0.0)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    if collection_path.name.startswith("test_") and collection_path.suffix == ".py":
        text = collection_path.read_text(encoding="utf-8")
        return has_no_test_for(config.option.markexpr, text) or None
    return None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if line := not_checked(str(report.longrepr) for report in skipped):
        terminalreporter.write_line(line, yellow=True, bold=True)
