from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.disrupt_connectivity import Arguments, DisruptConnectivity
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def cut_off(target: FakeTarget, zone: str = "c") -> DisruptConnectivity:
    return DisruptConnectivity(target, Arguments(zone))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, cut_off(target))


def test_links_that_answered_and_are_silent_now_are_the_proof(target: FakeTarget) -> None:
    fault = cut_off(target)
    fault.inject()
    assert fault.prove() == (
        True,
        "2 links (c/aws, c/cache) answered within 0.2-0.2 ms before and are silent for 0.5 s now",
    )
    assert (fault.zone, fault.targets) == ("c", ["zone c"])


def test_one_link_that_still_answers_disproves_it(target: FakeTarget) -> None:
    target.links[-1].ignores_the_fault = True
    fault = cut_off(target)
    fault.inject()
    assert fault.prove() == (False, "still answering: c/aws")


def test_without_any_link_nothing_is_proved(target: FakeTarget) -> None:
    target.links.clear()
    fault = cut_off(target)
    fault.inject()
    assert not fault.prove().proved


def test_it_is_over_when_the_zone_is_connected_and_everything_is_healthy(
    target: FakeTarget,
) -> None:
    fault = cut_off(target)
    fault.inject()
    target.instances[0].process.alive = False
    fault.undo()
    assert not fault.is_over()
    target.restore()
    assert fault.is_over()


def test_a_zone_that_is_down_cannot_be_cut_off(target: FakeTarget) -> None:
    target.stop_zone("c")
    with pytest.raises(ControlError, match="zone c is down, slow or cut off already"):
        cut_off(target)


def test_a_link_that_was_silent_before_is_no_evidence(target: FakeTarget) -> None:
    for link in target.links_across("c"):
        link.cut = True
    fault = cut_off(target)
    fault.inject()
    assert not fault.prove().proved
