from __future__ import annotations

import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Proof
from statedrill.faults.cache_nodes import Arguments, PauseCacheNode, TerminateCacheNode
from tests.faults.fake_target import FakeTarget, Memory, assert_nothing_is_left


@pytest.mark.parametrize("kind", [TerminateCacheNode, PauseCacheNode])
def test_nothing_of_it_is_left_when_it_was_undone(
    kind: type[TerminateCacheNode | PauseCacheNode], target: FakeTarget
) -> None:
    assert_nothing_is_left(target, kind(target, Arguments("0002")))


def test_a_node_that_is_gone_is_the_proof(target: FakeTarget) -> None:
    fault = TerminateCacheNode(target, Arguments("0002"))
    assert fault.targets == ["cache-2"]
    fault.inject()
    assert fault.prove() == Proof(True, "cache-2 is gone")
    assert not fault.is_over()
    target.restore()
    assert fault.is_over()


def test_a_node_that_goes_on_is_none(target: FakeTarget, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("statedrill.faults.cache_nodes._PROOF_S", 0.0)
    fault = TerminateCacheNode(target, Arguments())
    target.cache.parts[0].obeys = False
    fault.inject()
    assert fault.prove() == Proof(False, "cache-1 is still there")


def test_a_node_hangs_until_it_is_resumed(target: FakeTarget) -> None:
    fault = PauseCacheNode(target, Arguments("0002"))
    fault.inject()
    said = "cache-2: every process is stopped (1), and it answers nothing"
    assert fault.prove() == Proof(True, said)
    assert not fault.is_over()
    fault.undo()
    assert fault.is_over()


@pytest.mark.parametrize("kind", [TerminateCacheNode, PauseCacheNode])
def test_an_id_that_no_node_has_is_refused(
    kind: type[TerminateCacheNode | PauseCacheNode], target: FakeTarget
) -> None:
    with pytest.raises(ControlError, match="no node 0009 that is alive"):
        kind(target, Arguments("0009"))


def test_a_cache_with_a_primary_has_no_share_of_its_keys_to_lose() -> None:
    memory = Capabilities("tiny", ("a",), {"cache": Memory})
    for kind, verb in ((TerminateCacheNode, "lost"), (PauseCacheNode, "paused")):
        assert kind.why_unavailable(memory) == (
            f"the cache of pattern tiny cannot be {verb} node by node: all of its keys are on its "
            "primary"
        )
        assert "has no cache" in kind.why_unavailable(Capabilities("tiny", ("a",), {}))
        assert kind.why_unavailable(FakeTarget().capabilities) == ""
