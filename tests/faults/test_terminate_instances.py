from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.chosen_instances import Choice
from statedrill.faults.terminate_instances import TerminateInstances, TerminateWorkers, Workers
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def terminate(target: FakeTarget, *ids: str, zone: str = "", count: int = 1) -> TerminateInstances:
    return TerminateInstances(target, Choice(ids, zone, count))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, terminate(target, count=2))


def test_instances_are_taken_by_id_by_zone_or_by_number(target: FakeTarget) -> None:
    assert terminate(target, "i-2", "i-0", "i-2").targets == ["i-2", "i-0"]
    assert terminate(target, zone="us-east-1b").targets == ["i-1"]
    assert terminate(target, count=2).phrase == "two instances were killed"
    assert terminate(target, count=9).phrase == "three instances were killed"


def test_what_does_not_exist_is_refused_with_what_does(target: FakeTarget) -> None:
    with pytest.raises(ControlError, match="not in service: i-7") as refused:
        terminate(target, "i-7")
    assert refused.value.hint == "in service are: i-0, i-1, i-2"
    with pytest.raises(ControlError, match="no zone 'd'"):
        terminate(target, zone="d")
    with pytest.raises(ControlError, match="Count is 0"):
        terminate(target, count=0)
    target.kill_instances(["i-0"])
    with pytest.raises(ControlError, match="no instance is in service in zone a"):
        terminate(target, zone="a")


def test_an_instance_whose_port_still_accepts_is_not_proved_dead(target: FakeTarget) -> None:
    fault = terminate(target)
    fault.inject()
    sentence = "i-0 (pid 10) is gone and 127.0.0.2:8080 refuses connections"
    assert fault.prove() == Proof(True, sentence)
    target.instances[0].accepts_when_dead = True
    assert not fault.prove().proved


def workers(target: FakeTarget, count: int = 0) -> TerminateWorkers:
    return TerminateWorkers(target, Workers(count))


def test_all_workers_die_at_once_or_as_many_as_are_asked_for() -> None:
    target = FakeTarget(has_workers=True)
    assert_nothing_is_left(target, workers(target))
    fault = workers(target)
    assert (fault.targets, fault.phrase) == (["i-w0", "i-w1"], "two workers were killed")
    assert workers(target, 1).targets == ["i-w0"]
    fault.inject()
    assert fault.prove().proved
    assert [each.id for each in target.in_service()] == ["i-0", "i-1", "i-2"]
    with pytest.raises(ControlError, match="no worker is in service"):
        workers(target)


def test_a_pattern_without_workers_has_none_to_lose(target: FakeTarget) -> None:
    why = TerminateWorkers.why_unavailable(target.capabilities)
    assert why == "nothing to break: pattern tiny has no workers"
    assert not TerminateWorkers.why_unavailable(FakeTarget(has_workers=True).capabilities)
