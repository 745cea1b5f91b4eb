from __future__ import annotations

from statedrill.faults.base import Proof
from statedrill.faults.flush_cache import Arguments, FlushCache
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


def flush(target: FakeTarget) -> FlushCache:
    return FlushCache(target, Arguments())


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, flush(target))


def test_the_service_s_own_transaction_is_the_proof(target: FakeTarget) -> None:
    fault = flush(target)
    fault.inject()
    assert fault.prove() == Proof(True, "removed 100 keys")
    assert target.cache.keys == 0


def test_an_empty_cache_that_was_flushed_is_proved_too(target: FakeTarget) -> None:
    target.cache.keys = 0
    fault = flush(target)
    fault.inject()
    assert fault.prove().proved
