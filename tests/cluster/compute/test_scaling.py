"""A group of real instances that scales in and out, and is replaced one by one, under requests."""

from __future__ import annotations

import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from statedrill.cluster.cluster import Cluster
from tests.cluster.test_cluster import control, get, is_healthy, zones
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

MakeCluster = Callable[..., Cluster]


@contextmanager
def users(cluster: Cluster) -> Iterator[Counter[int]]:
    """Users who ask all the time; the answers' statuses, counted."""
    seen: Counter[int] = Counter()
    stop = threading.Event()

    def ask() -> None:
        while not stop.wait(0.005):
            seen[get(cluster, "/ann")[0]] += 1

    threads = [threading.Thread(target=ask) for _ in range(3)]
    for each in threads:
        each.start()
    try:
        yield seen
    finally:
        stop.set()
        for each in threads:
            each.join()


def ids(cluster: Cluster) -> set[str]:
    described = control(cluster, "ec2/describe-instances")["instances"]
    return {each["id"] for each in described if each["state"] == "registered"}


def settled(cluster: Cluster, events: Events, answer: dict[str, Any]) -> None:
    assert answer["proved"] is True, answer["proof"]
    wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="by itself"))
    assert is_healthy(cluster)


def test_a_group_scales_out_and_in_over_the_zones_without_a_failed_request(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster, users(cluster) as seen:
        before = ids(cluster)
        out = control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=5)
        settled(cluster, events, out)
        assert before < ids(cluster)
        assert zones(cluster) == ["a", "a", "b", "b", "c"]
        back = control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=2)
        settled(cluster, events, back)
        assert len(set(zones(cluster))) == 2
        # An end that was asked for is no death.
        assert not events.of("process", state="dead")
    assert set(seen) == {200}


def test_an_instance_that_leaves_answers_its_last_requests_first(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        statuses: list[int] = []

        def ask() -> None:
            with urllib.request.urlopen(f"{cluster.url}/slow", timeout=5) as answer:
                statuses.append(answer.status)

        threads = [threading.Thread(target=ask) for _ in range(6)]
        for each in threads:
            each.start()
        wait_until(lambda: get(cluster, "/busy")[1]["under_way"])
        control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=1)
        for each in threads:
            each.join()
        assert statuses == [200] * 6
        wait_until(lambda: is_healthy(cluster))


def test_a_refresh_gives_every_instance_a_new_id_without_a_failed_request(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster, users(cluster) as seen:
        before, mark = ids(cluster), len(events.seen)
        answer = control(cluster, "autoscaling/start-instance-refresh")
        assert set(answer["targets"]) == before
        settled(cluster, events, answer)
        assert not ids(cluster) & before
        assert zones(cluster) == ["a", "b", "c"]
        told = [each for each in events.seen[mark:] if each["event"] == "instance"]
        states = [e["state"] for e in told if e["state"] in ("registered", "terminating")]
        assert states == ["registered", "terminating"] * 3
    assert set(seen) == {200}


def test_a_cancelled_refresh_leaves_a_healthy_group(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        before = ids(cluster)
        answer = control(cluster, "autoscaling/start-instance-refresh")
        control(cluster, "autoscaling/cancel-instance-refresh")
        wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="rollback"))
        assert is_healthy(cluster)
        assert zones(cluster) == ["a", "b", "c"]
        assert len(ids(cluster) & before) == 2
