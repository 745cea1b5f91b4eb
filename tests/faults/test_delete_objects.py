from __future__ import annotations

from dataclasses import replace

import pytest

from statedrill import faults
from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.delete_objects import Arguments, DeleteObjects
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left


class FakeBucket:
    """Objects, and a marker for each that was deleted; `obeys`: deleting works."""

    def __init__(self) -> None:
        self.objects, self.marked, self.obeys = 5, 0, True

    def delete_objects(self) -> tuple[int, int]:
        self.marked = self.objects if self.obeys else 0
        return self.objects, self.objects - self.marked

    def undelete_objects(self) -> None:
        self.marked = 0

    def markers(self) -> int:
        return self.marked

    def is_healthy(self) -> bool:
        return True


@pytest.fixture
def bucket(target: FakeTarget) -> FakeBucket:
    made = FakeBucket()
    target.services["storage"] = made
    return made


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget, bucket: FakeBucket) -> None:
    assert_nothing_is_left(target, DeleteObjects(target, Arguments()))
    assert (bucket.objects, bucket.marked) == (5, 0)


def test_what_can_be_read_no_more_is_the_proof(target: FakeTarget, bucket: FakeBucket) -> None:
    fault = DeleteObjects(target, Arguments())
    fault.inject()
    said = "of 5 objects that were listed before, 0 can be read"
    assert fault.prove() == Proof(True, said)
    assert not fault.is_over()
    with pytest.raises(ControlError, match="deleted already"):
        DeleteObjects(target, Arguments())


def test_an_empty_bucket_or_one_that_keeps_its_objects_is_no_proof(
    target: FakeTarget, bucket: FakeBucket
) -> None:
    bucket.obeys = False
    fault = DeleteObjects(target, Arguments())
    fault.inject()
    assert not fault.prove().proved
    bucket.obeys, bucket.objects = True, 0
    fault = DeleteObjects(target, Arguments())
    fault.inject()
    assert not fault.prove().proved


def test_a_bucket_without_versions_is_refused_beforehand(
    target: FakeTarget, bucket: FakeBucket
) -> None:
    called: list[tuple[str, dict[str, object]]] = [("statedrill.faults.s3.delete_objects", {})]
    seen = target.capabilities
    why = "delete_objects: nothing to restore: the storage of pattern tiny has no versions"
    assert faults.refusals(called, seen) == [why]
    assert faults.refusals(called, replace(seen, backed_up={"storage"})) == []
