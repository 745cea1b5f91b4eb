"""Groups of real instances: scaled, replaced one by one, hanging, slow; with users who ask."""

from __future__ import annotations

import threading
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.inputs.pattern import Pattern, Scaling
from tests.cluster.conftest import QUICK, TINY
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


def test_a_planned_change_stays_when_it_is_over_until_a_restore_takes_it_back(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        for _ in range(2):
            answer = control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=2)
            settled(cluster, events, answer)
            assert cluster.restore() == []  # as at the end of a drill
            assert len(ids(cluster)) == 2
            assert control(cluster, "restore")["restored"] == []
            assert zones(cluster) == ["a", "b", "c"]


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


def test_a_hanging_instance_is_proved_replaced_and_never_runs_again(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        answer = control(cluster, "ec2/freeze-instances")
        (frozen,) = answer["targets"]
        settled(cluster, events, answer)
        assert frozen not in ids(cluster)
        assert zones(cluster) == ["a", "b", "c"]
        ended = [e for e in events.of("instance", id=frozen) if "why" in e]
        assert [e["why"] for e in ended] == ["the load balancer found it unhealthy"]
        last = events.of("process", name=f"instance-{frozen}")[-2:]
        assert [e["state"] for e in last] == ["stopping", "stopped"]
        # Its users are served by the others, and nobody else was replaced.
        assert get(cluster, "/ann", f"AWSALB={frozen}")[0] == 200
        assert len(events.of("instance", state="terminating")) == 1


def test_a_group_that_hangs_as_a_whole_is_kept_and_thaws(events: Events, tmp_path: Path) -> None:
    # Health checks of three instances do not fail, nor succeed, in the same moment.
    patient = replace(QUICK, instance_detection_s=2.0)
    with Cluster(TINY, patient, tmp_path, events, "rtest", 7) as cluster:
        before = ids(cluster)
        answer = control(cluster, "ec2/freeze-instances", Count=3)
        health = "elbv2/describe-target-health"
        wait_until(
            lambda: {t["state"] for t in control(cluster, health)["targets"]} == {"unhealthy"}
        )
        control(cluster, "ec2/thaw-instances")
        wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="rollback"))
        wait_until(lambda: is_healthy(cluster))
        assert ids(cluster) == before
        assert not events.of("instance", state="terminating")


def test_a_slow_instance_stays_in_service_until_it_is_given_its_time_back(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        before = ids(cluster)
        answer = control(cluster, "ec2/throttle-cpu")
        assert answer["proved"] is True, answer["proof"]
        assert cluster.status()["open_faults"] == [answer["fault"]]
        control(cluster, "ec2/unthrottle-cpu")
        wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="rollback"))
        assert ids(cluster) == before
        assert not [each for each in cluster.registry.alive() if each.frozen]


def scaling(**target: float) -> Pattern:
    application = TINY.application.model_copy(update={"scaling": Scaling(most=5, **target)})
    return TINY.model_copy(update={"application": application})


def test_a_group_follows_the_requests_per_instance_within_its_limits(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster(scaling(requests_per_s=5.0)) as cluster, users(cluster) as seen:
        wait_until(lambda: len(ids(cluster)) == 5)
        cluster.settle(1.0)
        wait_until(lambda: is_healthy(cluster))
        (told,) = events.of("scaling")
        assert (told["was"], told["desired"]) == (3, 5)
        assert "per instance, with a target of 5" in told["why"]
    assert set(seen) == {200}


def test_a_group_shrinks_to_its_least_number_when_nobody_comes(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster(scaling(cpu_pct=90.0)) as cluster:
        control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=5)
        wait_until(lambda: events.of("scaling", was=5, desired=3))
        wait_until(lambda: zones(cluster) == ["a", "b", "c"])
        wait_until(lambda: len(events.of("instance", state="terminated")) == 2)
        assert is_healthy(cluster)
