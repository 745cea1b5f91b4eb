"""A service is one class and one row of `SERVICES`; everything else follows from them."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from statedrill.cluster import services
from statedrill.cluster.cluster import Cluster
from statedrill.cluster.doctor import examine
from statedrill.cluster.services.base import NodeStatus, Requirement, Service, ServiceContext
from statedrill.cluster.services.memcached.cluster import MemcachedCluster
from statedrill.cluster.services.valkey.replication_group import ReplicationGroup
from statedrill.inputs.pattern import Pattern
from statedrill.inputs.services import ServiceOptions


class CounterOptions(ServiceOptions):
    """What a pattern file may say about the toy."""

    first: int = 0


@dataclass
class Life:
    """What happened to the toy."""

    events: list[str]


LIFE = Life([])


class Counter(Service):
    """A toy without any process, which says what happens to it."""

    kind, key, options = "toy-counter", "counter", CounterOptions
    requires = (Requirement("abacus", lambda: "10 beads"),)
    defers_work = True

    def __init__(self, context: ServiceContext, options: CounterOptions) -> None:
        self._first, self._up = options.first, False

    def environment(self, zone: str) -> Mapping[str, str]:
        return {"COUNTER": f"{zone}{self._first}"}

    def start(self) -> None:
        LIFE.events.append("start")
        self._up = True

    def is_healthy(self) -> bool:
        return self._up

    def stop(self) -> None:
        self._up = False

    def zone_down(self, zone: str) -> None:
        LIFE.events.append(f"{zone} down")
        self._up = False

    def zone_up(self, zone: str) -> None:
        LIFE.events.append(f"{zone} up")

    def nodes(self) -> list[NodeStatus]:
        return [NodeStatus("counter-1", "a", "only", self._up)]

    def backlog(self) -> int:
        return 0


@pytest.fixture
def with_counter(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(services, "SERVICES", (*services.SERVICES, Counter))
    LIFE.events.clear()


def pattern(folder: Path, told: str) -> Pattern:
    (folder / "tiny.yaml").write_text(
        "name: tiny\nfamily: sticky\n"
        f"application: {{command: [python, {Path(__file__).parents[1] / 'tiny_app.py'}]}}\n"
        f"services: {told}\n"
    )
    return Pattern.read(folder / "tiny.yaml", services.service_options())


def test_kinds_and_options_are_said_once() -> None:
    assert len({each.options for each in services.SERVICES}) == len(services.SERVICES)
    assert len({each.kind for each in services.SERVICES}) == len(services.SERVICES)


@pytest.mark.usefixtures("with_counter")
def test_the_options_of_a_new_service_are_read_from_the_pattern_file(tmp_path: Path) -> None:
    read = pattern(tmp_path, "{counter: {first: 3}}")
    assert read.services == {"counter": CounterOptions(first=3)}
    assert pattern(tmp_path, "{counter: true}").services == {"counter": CounterOptions()}
    assert pattern(tmp_path, "{counter: false}").services == {}


@pytest.mark.parametrize(
    ("told", "kind"), [("valkey", ReplicationGroup), ("memcached", MemcachedCluster)]
)
def test_engines_of_one_service_are_a_class_each(
    tmp_path: Path, told: str, kind: type[Service]
) -> None:
    chosen = services.services_of(pattern(tmp_path, f"{{cache: {{engine: {told}}}}}"))
    assert chosen == [kind]


@pytest.mark.cluster
def test_the_doctor_does_not_demand_what_most_patterns_do_without(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("PATH", "")
    (row,) = (each for each in examine() if each["part"] == "memcached")
    assert row["ok"]
    assert "only a pattern with `cache: {engine: memcached}` needs it" in row["found"]
    assert "apt-get install memcached" in row["found"]


@pytest.mark.cluster
@pytest.mark.usefixtures("with_counter")
def test_the_doctor_looks_for_what_a_new_service_needs() -> None:
    assert {"part": "abacus", "ok": True, "found": "10 beads", "cure": ""} in examine()


@pytest.mark.cluster
@pytest.mark.usefixtures("with_counter")
def test_a_new_service_lives_in_a_cluster_like_all_others(
    make_cluster: Callable[..., Cluster], tmp_path: Path
) -> None:
    with make_cluster(pattern(tmp_path, "{counter: {first: 3}}")) as cluster:
        told: dict[str, Any] = json.load(urllib.request.urlopen(f"{cluster.url}/environment"))
        assert told["COUNTER"] == f"{told['ZONE']}3"
        status = cluster.status()
        assert {"service": "counter", "name": "counter-1", "zone": "a"}.items() <= status["nodes"][
            0
        ].items()
        assert cluster.settle(5)
        cluster._topology.zone_down("b")
        assert "counter" in cluster.status()["lacking"]
        cluster.restore(60)
        assert cluster.status()["whole"]
    assert LIFE.events == ["start", "b down", "b up", "start"]
