"""An experiment's call, the control address and the injector together, without any process."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from statedrill.control.client import ControlFailure
from statedrill.control.server import ControlServer
from statedrill.faults import ec2, elasticache, rds
from statedrill.faults.injector import FaultInjector
from tests.control.test_server import FACTS
from tests.faults.fake_target import FakeTarget
from tests.support.events import Events
from tests.support.waiting import wait_until


@pytest.fixture(autouse=True)
def control(
    injector: FaultInjector, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[None]:
    server = ControlServer(injector.actions())
    server.start(tmp_path / "control.json", FACTS)
    monkeypatch.setenv("STATEDRILL_CONTROL", str(tmp_path / "control.json"))
    yield
    server.close()


def test_an_experiment_breaks_something_and_gets_the_proof(target: FakeTarget) -> None:
    answer = ec2.terminate_instances(instance_ids=["i-1"])
    assert (answer["fault"], answer["targets"]) == ("f1", ["i-1"])
    assert "i-1 (pid 11) is gone" in answer["proof"]
    assert not target.instances[1].process.alive


def test_a_zone_is_stopped_and_started_again(target: FakeTarget, events: Events) -> None:
    ec2.stop_zone("b")
    assert target.zones_down == {"b"}
    assert ec2.start_zone("b") == {"zone": "b", "ended": ["f1"], "was_down": True}
    target.restore()
    wait_until(lambda: events.of("fault-end", how="rollback"))
    assert ec2.start_zone("b")["was_down"] is False


def test_a_wrong_argument_fails_with_what_it_must_be(events: Events) -> None:
    with pytest.raises(ControlFailure, match=r"Count must be a whole number from 1 up, not \"2\""):
        ec2.terminate_instances(count="2")  # type: ignore[arg-type]
    with pytest.raises(ControlFailure, match=r"there is no zone 'd' \(zones: a, b, c\)"):
        ec2.stop_zone("d")
    with pytest.raises(ControlFailure, match="there is no zone 'd'"):
        ec2.start_zone("d")
    assert events.seen == []


def test_what_the_pattern_does_not_have_fails_with_the_reason() -> None:
    with pytest.raises(ControlFailure, match="nothing to break: pattern tiny has no database"):
        rds.failover_db_cluster()


def test_a_fault_that_did_not_happen_is_a_failure(target: FakeTarget) -> None:
    target.cache.answers = False
    with pytest.raises(ControlFailure, match="not proved: not injected: cache-1 does not answer"):
        elasticache.flush()
