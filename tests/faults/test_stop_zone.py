from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.stop_zone import Arguments, StopZone
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def stop(target: FakeTarget, zone: str) -> StopZone:
    return StopZone(target, Arguments(zone))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, stop(target, "a"))


def test_a_zone_is_proved_dead_when_nothing_runs_there(target: FakeTarget) -> None:
    fault = stop(target, "us-east-1a")
    assert (fault.zone, fault.targets) == ("a", ["instance-i-0", "load-balancer-a", "cache-1"])
    fault.inject()
    hit = "instance-i-0 (pid 10), load-balancer-a (pid 50), cache-1 (pid 31)"
    assert fault.prove().sentence == f"zone a: gone: {hit}"
    target.cache.parts[0].alive = True
    assert fault.prove() == Proof(False, "zone a: still running: cache-1, cache-1")


def test_a_zone_that_is_down_already_is_refused_with_its_cure(target: FakeTarget) -> None:
    stop(target, "a").inject()
    with pytest.raises(ControlError, match="zone a is down already") as refused:
        stop(target, "a")
    assert "ec2/start-zone" in refused.value.hint
    with pytest.raises(ControlError, match="no zone 'd'"):
        stop(target, "d")


def test_a_zone_that_is_cut_off_is_refused_until_it_is_connected_again(target: FakeTarget) -> None:
    target.cut_zone("a")
    with pytest.raises(ControlError, match="the network of zone a is slow or cut off"):
        stop(target, "a")
    target.repair_zone("a")
    stop(target, "a").inject()


def test_a_zone_in_which_nothing_ran_proves_nothing(target: FakeTarget) -> None:
    target.kill_instances(["i-0", "i-1", "i-2"])
    for node in target.load_balancer_nodes("c"):
        node.alive = False
    fault = stop(target, "c")
    fault.inject()
    assert not fault.prove().proved


def test_it_is_over_when_the_zone_is_up_and_everything_is_healthy_again(
    target: FakeTarget,
) -> None:
    fault = stop(target, "a")
    fault.inject()
    fault.undo()
    assert not fault.is_over()
    target.restore()
    assert fault.is_over()
