"""What the tests of faults share: a fake target, an injector on it, and the toy fault's row."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from statedrill import faults
from statedrill.faults.injector import FaultInjector
from statedrill.faults.ledger import FaultLedger
from tests.faults.fake_target import FakeTarget
from tests.faults.toy_fault import Toy
from tests.support.events import Events


@pytest.fixture
def target() -> FakeTarget:
    return FakeTarget()


@pytest.fixture
def injector(target: FakeTarget, events: Events, tmp_path: Path) -> Iterator[FaultInjector]:
    made = FaultInjector(target, events, FaultLedger(tmp_path))
    made.start()
    yield made
    made.close()


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> type[Toy]:
    """The toy fault as a row of the table."""
    monkeypatch.setattr(faults, "FAULTS", (*faults.FAULTS, Toy))
    return Toy
