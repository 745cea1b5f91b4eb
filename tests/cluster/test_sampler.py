"""The sampler emits what it sees once a second, and nothing that goes wrong ends it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from statedrill.cluster import sampler
from statedrill.cluster.sampler import Sampler, look
from statedrill.errors import ClusterError
from tests.support.waiting import wait_until


def service(key: str, seen: Any) -> SimpleNamespace:
    def sample() -> Any:
        if isinstance(seen, Exception):
            raise seen
        return seen

    return SimpleNamespace(key=key, sample=sample)


def topology(*services: SimpleNamespace) -> Any:
    registry = SimpleNamespace(alive=list)
    return SimpleNamespace(services=services, context=SimpleNamespace(registry=registry))


def test_a_service_that_does_not_answer_is_left_out_and_the_others_are_not() -> None:
    silent = [service("cache", ClusterError("no answer")), service("database", OSError())]
    seen = look(topology(*silent, service("storage", {}), service("queue", {"depths": {}})))
    assert seen == {"services": {"queue": {"depths": {}}}, "processes": {}}


def test_samples_come_until_it_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "PERIOD_S", 0.01)
    emitted: list[dict[str, Any]] = []
    taking = Sampler(lambda: {"services": {}}, lambda event, **fields: emitted.append(fields))
    taking.start()
    wait_until(lambda: len(emitted) > 3, "several samples")
    taking.stop()
    number = len(emitted)
    assert all(each["cpu_ms"] >= 0 and each["services"] == {} for each in emitted)
    taking.stop()
    assert len(emitted) == number
