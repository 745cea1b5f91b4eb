from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults import restart_load_balancer
from statedrill.faults.base import Proof
from statedrill.faults.restart_load_balancer import Arguments, RestartLoadBalancer
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def restart(target: FakeTarget, zone: str = "") -> RestartLoadBalancer:
    return RestartLoadBalancer(target, Arguments(zone))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, restart(target))


def test_all_nodes_are_taken_or_the_one_of_a_zone(target: FakeTarget) -> None:
    everywhere = ["load-balancer-a", "load-balancer-b", "load-balancer-c"]
    assert restart(target).targets == everywhere
    assert restart(target, "us-east-1b").targets == ["load-balancer-b"]
    target.balancer[1].alive = False
    with pytest.raises(ControlError, match="no node of the load balancer runs in zone b"):
        restart(target, "b")


def test_a_node_that_has_started_again_already_is_proved_dead_by_its_process_id(
    target: FakeTarget,
) -> None:
    fault = restart(target, "a")
    fault.inject()
    assert fault.prove() == Proof(True, "gone: load-balancer-a (pid 50)")
    assert fault.is_over()


def test_a_node_that_survives_is_no_proof_and_is_named(
    target: FakeTarget, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(restart_load_balancer, "_GONE_S", 0.0)
    fault = restart(target)
    target.kill(["load-balancer-a"])
    proof = fault.prove()
    assert proof == Proof(
        False,
        "gone: load-balancer-a (pid 50); still running: load-balancer-b, load-balancer-c",
    )


def test_it_is_not_over_before_every_node_is_there_again(target: FakeTarget) -> None:
    target.balancer_starts_again = False
    fault = restart(target)
    fault.inject()
    assert fault.prove().proved
    assert not fault.is_over()
