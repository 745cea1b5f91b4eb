"""The table of faults: complete rows, clients that exist, refusals, and nothing heavy to import."""

from __future__ import annotations

import importlib
import subprocess
import sys
from dataclasses import replace

import pytest

from statedrill import faults
from statedrill.faults.base import Capabilities, Fault
from statedrill.faults.failover import FailoverDbCluster, TestFailover
from statedrill.faults.stop_zone import StopZone
from statedrill.faults.terminate_instances import TerminateInstances
from statedrill.vocabulary import FAILURE_DOMAINS
from tests.faults.fake_target import FakeTarget, Memory

NOTHING = Capabilities("tiny", ("a",), {})


@pytest.mark.parametrize("kind", faults.FAULTS, ids=lambda kind: kind.name)
def test_a_row_of_the_table_is_complete_and_its_client_exists(kind: type[Fault]) -> None:
    assert kind.domain in FAILURE_DOMAINS
    assert kind.description
    module, _, function = kind.client.rpartition(".")
    assert callable(getattr(importlib.import_module(module), function))
    assert faults.fault_of(kind.client) is kind


def test_names_and_actions_are_unique() -> None:
    actions = [each for kind in faults.FAULTS for each in (kind.action, kind.end_action) if each]
    assert len(set(actions)) == len(actions)
    assert len({kind.name for kind in faults.FAULTS}) == len(faults.FAULTS)


def test_what_an_experiment_imports_is_light() -> None:
    code = """
import sys
import statedrill.faults.ec2, statedrill.faults.rds, statedrill.faults.elasticache
import statedrill.faults.sqs, statedrill.faults.s3
import statedrill.faults.probes
heavy = {"pydantic", "psutil", "numpy", "statedrill.cluster", "statedrill.processes.process"}
print(*sorted(heavy & set(sys.modules)))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == []


def test_what_a_pattern_cannot_suffer_is_known_beforehand() -> None:
    functions = [
        "statedrill.faults.elasticache.flush",
        "statedrill.faults.flush_cache.flush",
        "statedrill.faults.ec2.stop_zone",
        "statedrill.faults.ec2.start_zone",
        "my_own.flush",
    ]
    called = [(each, {}) for each in functions]
    reason = "flush: nothing to break: pattern tiny has no cache"
    assert faults.refusals(called, NOTHING) == [reason, reason]
    assert faults.refusals(called, FakeTarget().capabilities) == []


@pytest.mark.parametrize(
    ("function", "arguments", "why"),
    [
        ("ec2.stop_zone", {"az": "us-east-1b"}, []),
        ("ec2.stop_zone", {"az": "${zone}"}, []),
        ("ec2.stop_zone", {"az": "d"}, ["stop_zone: there is no zone 'd'; zones: a, b, c"]),
        ("network.disrupt_connectivity", {"az": ""}, ["disrupt_connectivity: there is no zone ''"]),
        ("autoscaling.set_desired_capacity", {"capacity": 12}, []),
        ("autoscaling.set_desired_capacity", {"capacity": "${capacity}"}, []),
        ("autoscaling.set_desired_capacity", {"capacity": 13},
         ["set_desired_capacity: capacity is 13"]),
    ],
)  # fmt: skip
def test_an_argument_that_can_never_be_obeyed_is_known_beforehand(
    function: str, arguments: dict[str, object], why: list[str]
) -> None:
    calls = [(f"statedrill.faults.{function}", arguments)]
    found = faults.refusals(calls, replace(FakeTarget().capabilities, shards=False))
    assert len(found) == len(why)
    assert all(each.startswith(start) for each, start in zip(found, why, strict=True))


def test_a_service_that_is_there_may_still_lack_the_ability() -> None:
    memory = Capabilities("tiny", ("a",), {"cache": Memory})
    assert TestFailover.why_unavailable(memory) == "the cache of pattern tiny cannot be failed over"
    assert TestFailover.why_unavailable(FakeTarget().capabilities) == ""
    assert "no database" in FailoverDbCluster.why_unavailable(NOTHING)
    assert TerminateInstances.why_unavailable(NOTHING) == StopZone.why_unavailable(NOTHING) == ""
