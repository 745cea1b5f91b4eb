from __future__ import annotations

from collections.abc import Mapping

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.delay_replicas import Arguments, DelayReplicas
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


class FakeReplicas:
    """Two read replicas; a commit is seen on the second after `seen_s` more than its delay."""

    def __init__(self) -> None:
        self.delays = {"database-replica-1": 0.0, "database-replica-2": 0.0}
        self.seen_s = 0.0

    def delays_s(self) -> Mapping[str, float]:
        return dict(self.delays)

    def delay(self, seconds: float) -> None:
        self.delays = dict.fromkeys(self.delays, seconds)

    def lags_s(self, timeout_s: float) -> Mapping[str, float]:
        return {
            **self.delays,
            "database-replica-2": self.delays["database-replica-2"] + self.seen_s,
        }


class FakeDatabase:
    def __init__(self) -> None:
        self.replicas = FakeReplicas()

    def read_replicas(self) -> FakeReplicas:
        return self.replicas


@pytest.fixture
def replicas(target: FakeTarget) -> FakeReplicas:
    made = FakeDatabase()
    target.services["database"] = made
    return made.replicas


def test_nothing_of_it_is_left_when_it_was_undone(
    target: FakeTarget, replicas: FakeReplicas
) -> None:
    assert_nothing_is_left(target, DelayReplicas(target, Arguments(2.0)))
    assert set(replicas.delays.values()) == {0.0}


def test_a_commit_that_is_seen_late_on_every_replica_is_the_proof(
    target: FakeTarget, replicas: FakeReplicas
) -> None:
    fault = DelayReplicas(target, Arguments(2.0))
    assert fault.targets == ["database-replica-1", "database-replica-2"]
    assert fault.is_over()
    fault.inject()
    seen = "database-replica-1 after 2.000 s, database-replica-2 after 2.000 s"
    assert fault.prove() == Proof(True, f"a commit was seen on {seen}")
    assert not fault.is_over()


def test_a_commit_that_is_seen_early_on_one_replica_is_none(
    target: FakeTarget, replicas: FakeReplicas
) -> None:
    fault = DelayReplicas(target, Arguments(2.0))
    fault.inject()
    replicas.seen_s = -1.0
    assert not fault.prove().proved
    replicas.delays = {}
    assert fault.is_over()


def test_replicas_that_are_gone_prove_nothing(
    target: FakeTarget, replicas: FakeReplicas, monkeypatch: pytest.MonkeyPatch
) -> None:
    fault = DelayReplicas(target, Arguments(2.0))
    monkeypatch.setattr(replicas, "lags_s", lambda _: {})
    assert fault.prove() == Proof(False, "a commit was seen on no read replica")


def test_it_is_over_when_every_replica_was_replaced(
    target: FakeTarget, replicas: FakeReplicas
) -> None:
    fault = DelayReplicas(target, Arguments(2.0))
    fault.inject()
    replicas.delays = {"database-replica-3": 0.0}
    assert fault.is_over()


@pytest.mark.parametrize("delay_s", [0.0, -1.0, 61.0])
def test_a_delay_that_is_none_or_too_long_is_refused(
    delay_s: float, target: FakeTarget, replicas: FakeReplicas
) -> None:
    with pytest.raises(ControlError, match="DelaySeconds is"):
        DelayReplicas(target, Arguments(delay_s))


def test_replicas_that_lag_already_or_are_not_there_are_refused(
    target: FakeTarget, replicas: FakeReplicas
) -> None:
    replicas.delay(1.0)
    with pytest.raises(ControlError, match="lag already"):
        DelayReplicas(target, Arguments())
    replicas.delays = {}
    with pytest.raises(ControlError, match="no read replica is alive"):
        DelayReplicas(target, Arguments())


def test_a_database_without_replicas_has_nothing_to_break() -> None:
    def refused(count: int) -> str:
        database = {"database": FakeDatabase}
        return DelayReplicas.why_unavailable(
            Capabilities("tiny", ("a",), database, read_replicas=count)
        )

    assert refused(2) == ""
    assert refused(0) == "nothing to break: the database of pattern tiny has no read replicas"
    nothing = Capabilities("tiny", ("a",), {})
    assert "has no database" in DelayReplicas.why_unavailable(nothing)
