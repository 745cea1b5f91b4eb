from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.network_latency import Arguments, NetworkLatency
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def slow(target: FakeTarget, zone: str = "a", ms: float = 50.0) -> NetworkLatency:
    return NetworkLatency(target, Arguments(zone, ms))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, slow(target))


def test_round_trips_that_take_the_delay_twice_are_the_proof(target: FakeTarget) -> None:
    fault = slow(target, "us-east-1b")
    fault.inject()
    assert fault.prove() == (
        True,
        "round trips over 2 links (b/aws, b/cache) took 0.2-0.2 ms before and take "
        "100.2-100.2 ms now",
    )
    assert (fault.zone, fault.targets) == ("b", ["zone b"])


def test_one_link_that_is_as_fast_as_before_disproves_it(target: FakeTarget) -> None:
    target.links[0].ignores_the_fault = True
    fault = slow(target)
    fault.inject()
    assert not fault.prove().proved


def test_without_any_link_nothing_is_proved(target: FakeTarget) -> None:
    target.links.clear()
    fault = slow(target)
    fault.inject()
    assert not fault.prove().proved


@pytest.mark.parametrize("ms", [0.0, -1.0, 10_001.0])
def test_a_delay_that_is_none_is_refused(target: FakeTarget, ms: float) -> None:
    with pytest.raises(ControlError, match="DelayMilliseconds is"):
        slow(target, ms=ms)


def test_a_zone_is_not_slowed_down_twice(target: FakeTarget) -> None:
    first = slow(target)
    first.inject()
    with pytest.raises(ControlError, match="zone a is down, slow or cut off already"):
        slow(target)
    assert not first.is_over()
    first.undo()
    assert first.is_over()


def test_the_end_takes_the_fault_of_its_zone_only(target: FakeTarget) -> None:
    a, b = slow(target, "a"), slow(target, "b")
    ended = NetworkLatency.ended_by(Arguments("us-east-1b"), [a, b], target.capabilities)
    assert ended == [b]
