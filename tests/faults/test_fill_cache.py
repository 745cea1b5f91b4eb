from __future__ import annotations

from statedrill.faults.base import Proof
from statedrill.faults.fill_cache import Arguments, FillCache
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def fill(target: FakeTarget) -> FillCache:
    return FillCache(target, Arguments())


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, fill(target))


def test_keys_that_were_evicted_are_the_proof(target: FakeTarget) -> None:
    fault = fill(target)
    fault.inject()
    assert fault.prove() == Proof(True, "evicted 40 keys")
    target.cache.expiring = 0
    fault.inject()
    assert fault.prove() == Proof(False, "evicted 0 keys")


def test_it_lasts_until_the_memory_is_free(target: FakeTarget) -> None:
    fault = fill(target)
    fault.inject()
    assert not fault.is_over()
    fault.undo()
    assert fault.is_over()
