from __future__ import annotations

import pytest

from statedrill.errors import ClusterError
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.expire_keys import Arguments, ExpireKeys
from tests.faults.fake_target import FakeTarget, Memory, assert_nothing_is_left


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, ExpireKeys(target, Arguments()))


def test_lives_that_were_seen_to_be_short_are_the_proof(target: FakeTarget) -> None:
    fault = ExpireKeys(target, Arguments("*:session:*", 5))
    assert not fault.prove().proved
    fault.inject()
    assert fault.prove() == Proof(True, "40 keys *:session:* live for 5 s at most")
    assert fault.is_over()
    target.cache.expiring = 0
    fault.inject()
    assert not fault.prove().proved


def test_a_cache_that_does_not_answer_was_not_broken(target: FakeTarget) -> None:
    target.cache.answers = False
    with pytest.raises(ClusterError):
        ExpireKeys(target, Arguments()).inject()


def test_a_cache_that_does_not_list_its_keys_is_refused() -> None:
    memory = Capabilities("tiny", ("a",), {"cache": Memory})
    why = "the cache of pattern tiny cannot be asked for its keys"
    assert ExpireKeys.why_unavailable(memory) == why
