from __future__ import annotations

import os
import signal
import subprocess
import time

import psutil
import pytest

from statedrill.errors import ControlError
from statedrill.faults.base import Proof
from statedrill.faults.freeze_node import Arguments, FreezeCacheNode
from tests.faults.fake_target import FakeTarget, assert_nothing_is_left
from tests.support.waiting import wait_until


def freeze(target: FakeTarget, role: str = "primary") -> FreezeCacheNode:
    return FreezeCacheNode(target, Arguments(role))


def test_nothing_of_it_is_left_when_it_was_undone(target: FakeTarget) -> None:
    assert_nothing_is_left(target, freeze(target))


def test_a_node_that_is_stopped_and_answers_nothing_is_the_proof(target: FakeTarget) -> None:
    fault = freeze(target, "replica")
    assert fault.targets == ["cache-2"]
    fault.inject()
    said = "cache-2: every process is stopped (1), and it answers nothing"
    assert fault.prove() == Proof(True, said)
    assert not fault.is_over()


def test_it_is_over_when_the_node_was_fenced_and_the_service_is_whole_again(
    target: FakeTarget,
) -> None:
    fault = freeze(target)
    fault.inject()
    target.cache.parts[0].alive = False
    assert not fault.is_over()
    target.cache.parts[0].is_frozen = False
    target.restore()
    assert fault.is_over()


def test_a_role_that_no_node_has_is_refused(target: FakeTarget) -> None:
    with pytest.raises(ControlError, match="no leader that is alive"):
        freeze(target, "leader")


def test_what_a_killed_drill_left_stopped_goes_on() -> None:
    with subprocess.Popen(["sleep", "60"]) as child:
        process = psutil.Process(child.pid)
        os.kill(child.pid, signal.SIGSTOP)
        wait_until(lambda: process.status() == psutil.STATUS_STOPPED)
        another = {"processes": [[child.pid, process.create_time() - 60]]}
        FreezeCacheNode.undo_left_behind(another)  # its id belongs to another process now
        assert process.status() == psutil.STATUS_STOPPED
        FreezeCacheNode.undo_left_behind({"processes": [[child.pid, process.create_time()]]})
        wait_until(lambda: process.status() != psutil.STATUS_STOPPED)
        child.kill()
    FreezeCacheNode.undo_left_behind({"processes": [[child.pid, time.time()]]})
