"""Each fault by itself: what it chooses, what proves it, when it is over, what its undoing does."""

from __future__ import annotations

import importlib
import subprocess
import sys

import pytest

from statedrill import faults
from statedrill.errors import ControlError
from statedrill.faults import failover as failover_module
from statedrill.faults import flush_cache as flush_module
from statedrill.faults import stop_zone as zone_module
from statedrill.faults import terminate_instances as terminate_module
from statedrill.faults.base import Capabilities, Fault, Proof
from statedrill.faults.failover import FailoverDbCluster, TestFailover
from statedrill.faults.flush_cache import FlushCache
from statedrill.faults.stop_zone import StopZone
from statedrill.faults.terminate_instances import TerminateInstances as Terminate
from statedrill.vocabulary import FAILURE_DOMAINS
from tests.faults.fake_target import FakeTarget, Memory


def terminate(target: FakeTarget, *ids: str, zone: str = "", count: int = 1) -> Terminate:
    return Terminate(target, terminate_module.Arguments(ids, zone, count))


def stop(target: FakeTarget, zone: str) -> StopZone:
    return StopZone(target, zone_module.Arguments(zone))


def flush(target: FakeTarget) -> FlushCache:
    return FlushCache(target, flush_module.Arguments())


def failover(target: FakeTarget) -> TestFailover:
    return TestFailover(target, failover_module.Arguments())


def every_fault(target: FakeTarget) -> list[Fault]:
    return [terminate(target), stop(target, "a"), flush(target), failover(target)]


@pytest.mark.parametrize("number", range(4))
def test_injected_undone_and_restored_the_target_is_as_before(number: int) -> None:
    target = FakeTarget()
    before = target.state()
    fault = every_fault(target)[number]
    fault.inject()
    assert fault.prove().proved
    fault.undo()
    fault.undo()
    target.restore()
    assert fault.is_over()
    assert target.state() == before


@pytest.mark.parametrize("kind", faults.FAULTS, ids=lambda kind: kind.name)
def test_a_row_of_the_table_is_complete_and_its_client_exists(kind: type[Fault]) -> None:
    assert kind.domain in FAILURE_DOMAINS
    assert kind.description
    module, _, function = kind.client.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))


def test_names_and_actions_are_unique() -> None:
    actions = [each for kind in faults.FAULTS for each in (kind.action, kind.end_action) if each]
    assert len(set(actions)) == len(actions)
    assert len({kind.name for kind in faults.FAULTS}) == len(faults.FAULTS)


def test_what_an_experiment_imports_is_light() -> None:
    code = """
import sys
import statedrill.faults.ec2, statedrill.faults.rds, statedrill.faults.elasticache
import statedrill.faults.probes
heavy = {"pydantic", "psutil", "numpy", "statedrill.cluster", "statedrill.processes.process"}
print(*sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_instances_are_taken_by_id_by_zone_or_by_number() -> None:
    target = FakeTarget()
    assert terminate(target, "i-2", "i-0", "i-2").targets == ["i-2", "i-0"]
    assert terminate(target, zone="us-east-1b").targets == ["i-1"]
    assert terminate(target, count=2).phrase == "two instances were killed"
    with pytest.raises(ControlError, match="not in service: i-7"):
        terminate(target, "i-7")
    with pytest.raises(ControlError, match="no zone 'd'"):
        terminate(target, zone="d")
    with pytest.raises(ControlError, match="Count is 0"):
        terminate(target, count=0)
    target.kill_instances(["i-0"])
    with pytest.raises(ControlError, match="no instance is in service in zone a"):
        terminate(target, zone="a")


def test_an_instance_whose_port_still_accepts_is_not_proved_dead() -> None:
    target = FakeTarget()
    fault = terminate(target)
    fault.inject()
    assert fault.prove() == Proof(
        True, "i-0 (pid 10) is gone and 127.0.0.2:8080 refuses connections"
    )
    target.instances[0].accepts_when_dead = True
    assert not fault.prove().proved


def test_a_zone_is_proved_dead_when_nothing_runs_there_and_back_when_all_is_healthy() -> None:
    target = FakeTarget()
    fault = stop(target, "us-east-1a")
    assert fault.targets == ["instance-i-0", "cache-1"]
    fault.inject()
    assert fault.prove().sentence == "zone a: gone: instance-i-0 (pid 10), cache-1 (pid 31)"
    with pytest.raises(ControlError, match="zone a is down already"):
        stop(target, "a")
    target.cache.parts[0].alive = True
    assert fault.prove() == Proof(False, "zone a: still running: cache-1, cache-1")
    fault.undo()
    assert not fault.is_over()


def test_a_zone_in_which_nothing_ran_proves_nothing() -> None:
    target = FakeTarget()
    target.kill_instances(["i-0", "i-1", "i-2"])
    fault = stop(target, "c")
    fault.inject()
    assert not fault.prove().proved


def test_a_failover_needs_a_primary_that_is_alive() -> None:
    target = FakeTarget()
    fault = failover(target)
    assert fault.targets == ["cache-1"]
    fault.inject()
    assert fault.prove() == Proof(True, "primary cache-1 (pid 31) is gone")
    assert not fault.is_over()
    with pytest.raises(ControlError, match="no primary that is alive"):
        failover(target)


def test_what_a_pattern_cannot_suffer_is_known_beforehand() -> None:
    nothing = Capabilities("tiny", ("a",), {})
    assert FlushCache.why_unavailable(nothing) == "nothing to break: pattern tiny has no cache"
    assert "no database" in FailoverDbCluster.why_unavailable(nothing)
    memory = Capabilities("tiny", ("a",), {"cache": Memory})
    assert TestFailover.why_unavailable(memory) == "the cache of pattern tiny cannot be failed over"
    assert TestFailover.why_unavailable(FakeTarget().capabilities) == ""
    assert (
        faults.refusals(
            [f"statedrill.faults.{name}" for name in ("elasticache.flush", "ec2.stop_zone")]
            + [
                "statedrill.faults.flush_cache.flush",
                "mine.flush",
                "statedrill.faults.ec2.start_zone",
            ],
            nothing,
        )
        == ["flush: nothing to break: pattern tiny has no cache"] * 2
    )
    assert Terminate.why_unavailable(nothing) == StopZone.why_unavailable(nothing) == ""
