from __future__ import annotations

import json
import signal
import subprocess
import sys
import textwrap
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from email.message import Message
from pathlib import Path
from typing import Any

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.cluster.compute import auto_scaling_group
from statedrill.errors import ClusterError
from statedrill.inputs.pattern import Workers
from statedrill.processes.leftovers import cleanup_leftovers
from statedrill.processes.state_directory import state_directory
from tests.cluster.conftest import TINY
from tests.support.events import Events, marked
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

MakeCluster = Callable[..., Cluster]


def get(cluster: Cluster, path: str, cookie: str = "") -> tuple[int, Any, Message]:
    """Status, JSON body (None without one) and headers of one request of a new connection."""
    request = urllib.request.Request(cluster.url + path, headers={"Cookie": cookie})
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, json.load(answer), answer.headers
    except urllib.error.HTTPError as error:
        with error:
            return error.code, None, error.headers


def control(cluster: Cluster, action: str, **arguments: object) -> dict[str, Any]:
    where = json.loads(cluster.control_file.read_text())
    request = urllib.request.Request(
        f"{where['url']}/{action}",
        data=json.dumps(arguments).encode(),
        headers={"Authorization": f"Bearer {where['token']}"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return dict(json.load(answer))


def zones(cluster: Cluster) -> list[str]:
    described = control(cluster, "ec2/describe-instances")["instances"]
    return sorted(each["zone"] for each in described if each["state"] == "registered")


def is_healthy(cluster: Cluster) -> bool:
    return bool(cluster.status()["whole"])


def test_an_application_of_ones_own_is_raised_over_three_zones(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster(COLOUR="green") as cluster:
        assert events.of("cluster-ready")
        assert zones(cluster) == ["a", "b", "c"]
        status, environment, headers = get(cluster, "/environment")
        assert status == 200
        assert environment["INSTANCE_ID"] == headers["X-Instance-Id"]
        assert environment["COLOUR"] == "green"
        assert {"HOST", "PORT", "ZONE"} <= environment.keys()
        assert "DATABASE_URL" not in environment


def test_nothing_is_left_of_a_cluster_that_was_lowered(make_cluster: MakeCluster) -> None:
    cluster = make_cluster()
    cluster.start()
    name = cluster.control_file.stem
    assert marked(name)
    assert (state_directory() / name).exists()
    cluster.stop()
    cluster.stop()
    assert marked(name) == []
    assert not [path for path in state_directory().iterdir() if path.stem == name]


def test_a_user_sticks_to_an_instance_and_gets_another_when_it_dies(
    make_cluster: MakeCluster,
) -> None:
    with make_cluster() as cluster:
        _, first, headers = get(cluster, "/ann")
        cookie = headers["Set-Cookie"].split(";")[0]
        assert cookie == f"AWSALB={first['instance']}"
        assert [get(cluster, "/ann", cookie)[1]["visits"] for _ in range(4)] == [2, 3, 4, 5]
        control(cluster, "ec2/terminate-instances", InstanceIds=[first["instance"]])
        # Until the health checks eject it, its users get 503; then all who come start anew.
        seen = []
        wait_until(lambda: seen.append(get(cluster, "/ann", cookie)) or seen[-1][0] == 200)
        assert {status for status, _, _ in seen} <= {200, 502, 503}
        assert seen[-1][1]["visits"] == 1
        assert seen[-1][2]["Set-Cookie"].split(";")[0] != cookie


def test_a_killed_instance_is_proved_dead_and_replaced_in_its_zone(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        answer = control(cluster, "ec2/terminate-instances")
        assert answer["proved"] is True
        assert len(answer["targets"]) == 1
        wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="by itself"))
        assert is_healthy(cluster)
        assert zones(cluster) == ["a", "b", "c"]
        story = [e["event"] for e in events.seen if e.get("fault") == answer["fault"]]
        assert story == ["fault-begin", "fault-proof", "fault-end"]
        states = [e["state"] for e in events.of("instance", id=answer["targets"][0])]
        assert states == ["launching", "ready", "registered", "dead", "terminated"]


def test_the_seed_decides_who_is_killed(make_cluster: MakeCluster) -> None:
    taken = []
    for _ in range(2):
        with make_cluster() as cluster:
            targets = control(cluster, "ec2/terminate-instances", Count=2)["targets"]
            taken.append(targets)
    assert taken[0] == taken[1]


def test_a_zone_dies_at_once_and_comes_back_by_launching_before_terminating(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        answer = control(cluster, "ec2/stop-zone", Zone="b")
        assert answer["proved"] is True
        wait_until(lambda: len(zones(cluster)) == 3)
        assert "b" not in zones(cluster)
        assert not events.of("fault-end")
        before = len(events.seen)
        control(cluster, "ec2/start-zone", Zone="b")
        wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="rollback"))
        assert zones(cluster) == ["a", "b", "c"]
        moved = [(e["state"], e["zone"]) for e in events.seen[before:] if e["event"] == "instance"]
        states = [state for state, _ in moved]
        assert moved[0] == ("launching", "b")
        assert states.index("registered") < states.index("terminating")
        assert moved[-1][0] == "terminated"


def test_heal_undoes_all_that_is_open_and_can_be_repeated(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        control(cluster, "ec2/stop-zone", Zone="a")
        control(cluster, "ec2/terminate-instances")
        assert cluster.restore() == ["f1", "f2"]
        assert is_healthy(cluster)
        assert {e["how"] for e in events.of("fault-end")} == {"healed"}
        assert cluster.restore() == []


def test_a_fault_that_has_nothing_to_break_is_refused(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        for action in ("elasticache/flush", "rds/failover-db-cluster"):
            with pytest.raises(urllib.error.HTTPError) as refused:
                control(cluster, action)
            assert refused.value.code == 400
            reason = json.load(refused.value)["error"]
            assert reason.startswith("nothing to break: pattern tiny has no ")
        assert not events.of("fault-begin")


def test_restarted_instances_keep_their_ids_and_lose_their_memory(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        _, first, headers = get(cluster, "/ann")
        cookie = headers["Set-Cookie"].split(";")[0]
        cluster.restart_instances(30)
        _, again, _ = get(cluster, "/ann", cookie)
        assert again == {"instance": first["instance"], "visits": 1}
        assert not events.of("instance", state="dead")


def test_a_load_balancer_that_was_restarted_has_its_targets_and_its_users(
    make_cluster: MakeCluster, events: Events
) -> None:
    with make_cluster() as cluster:
        _, first, headers = get(cluster, "/ann")
        cookie = headers["Set-Cookie"].split(";")[0]
        answer = control(cluster, "elbv2/restart-load-balancer")
        assert answer["proved"] is True
        assert answer["targets"] == ["load-balancer-a", "load-balancer-b", "load-balancer-c"]
        wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="by itself"))
        assert is_healthy(cluster)
        assert get(cluster, "/ann", cookie)[1] == {"instance": first["instance"], "visits": 2}


def test_a_zone_takes_its_node_of_the_load_balancer_with_it(make_cluster: MakeCluster) -> None:
    with make_cluster() as cluster:
        lost = control(cluster, "ec2/stop-zone", Zone="b")["targets"]
        assert "load-balancer-b" in lost
        wait_until(lambda: {get(cluster, "/ann")[0] for _ in range(6)} == {200})
        names = Path(json.loads(cluster.control_file.read_text())["names"])
        wait_until(lambda: len(names.read_text().splitlines()) == 2)
        with pytest.raises(urllib.error.HTTPError) as refused:
            control(cluster, "elbv2/restart-load-balancer", Zone="b")
        assert "no node of the load balancer runs in zone b" in refused.value.read().decode()
        control(cluster, "ec2/start-zone", Zone="b")
        wait_until(lambda: is_healthy(cluster))
        wait_until(lambda: len(names.read_text().splitlines()) == 3)
        back = control(cluster, "elbv2/restart-load-balancer", Zone="b")
        assert back["targets"] == ["load-balancer-b"]


def test_workers_are_kept_like_instances_but_get_no_users(
    make_cluster: MakeCluster, events: Events
) -> None:
    silent = Workers(command=("python", "-c", "import time; time.sleep(60)"), count=2)
    with make_cluster(TINY.model_copy(update={"workers": silent})) as cluster:
        described = control(cluster, "ec2/describe-instances")["instances"]
        workers = [each["id"] for each in described if each["role"] == "worker"]
        assert len(workers) == 2
        targets = control(cluster, "elbv2/describe-target-health")["targets"]
        assert {each["state"] for each in targets} == {"healthy"}
        assert not {each["id"] for each in targets} & set(workers)
        control(cluster, "ec2/terminate-instances", InstanceIds=workers)
        wait_until(lambda: events.of("fault-end"))
        # One that never speaks HTTP is ready when it has lived for a second, not before.
        for born in events.of("process", role="worker", state="ready"):
            start = events.of("process", pid=born["pid"], state="starting")[0]
            assert born["t"] - start["t"] > 0.9e9


def test_a_program_that_ignores_sigterm_does_not_hold_up_the_end(make_cluster: MakeCluster) -> None:
    code = "import signal, time; signal.signal(15, signal.SIG_IGN); time.sleep(600)"
    stubborn = Workers(command=("python", "-c", code), count=1)
    cluster = make_cluster(TINY.model_copy(update={"workers": stubborn}))
    cluster.start()
    cluster.stop()
    assert marked(cluster.control_file.stem) == []


def test_settling_without_a_queue_is_immediate(make_cluster: MakeCluster, events: Events) -> None:
    with make_cluster() as cluster:
        assert cluster.settle(5) is True
        assert events.of("settled", drained=True, queue_depth=0)


def test_settling_takes_as_long_as_a_cache_may_show_the_past(make_cluster: MakeCluster) -> None:
    cached = TINY.application.model_copy(update={"cached_s": 0.3})
    cluster = make_cluster(TINY.model_copy(update={"application": cached}))
    began_s = time.monotonic()
    assert cluster.settle(5) is True
    assert time.monotonic() - began_s >= 0.3
    cluster.stop()


def test_an_application_that_dies_at_birth_lowers_everything(make_cluster: MakeCluster) -> None:
    cluster = make_cluster(FAIL="birth")
    with pytest.raises(ClusterError, match="exited with code 1 while starting") as raised:
        cluster.start()
    assert "the table of contents is missing" in str(raised.value)
    assert marked(cluster.control_file.stem) == []


def test_an_application_that_never_gets_ready_lowers_everything(
    make_cluster: MakeCluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(auto_scaling_group, "READY_TIMEOUT_S", 0.7)
    cluster = make_cluster(FAIL="never ready")
    with pytest.raises(ClusterError, match=r"was not ready within 0.7 s.*\nstill loading"):
        cluster.start()
    assert marked(cluster.control_file.stem) == []


OWNER = """
import sys, threading
from pathlib import Path
from tests.cluster.conftest import QUICK, TINY
from statedrill.cluster.cluster import Cluster
def emit(event, **fields):
    if event == {event!r}:
        print("now", flush=True)
with Cluster(TINY, QUICK, Path({folder!r}), emit, "r", 7) as cluster:
    threading.Event().wait(60)
"""


def owner(folder: Path, event: str) -> subprocess.Popen[str]:
    """A program that owns a cluster and says `now` at the first `event`."""
    code = textwrap.dedent(OWNER).format(folder=str(folder), event=event)
    return subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parents[2],
    )


@pytest.mark.skipif(sys.platform != "linux", reason="the parent-death signal is Linux's")
def test_everything_dies_with_a_killed_owner_and_the_next_start_cleans_up(tmp_path: Path) -> None:
    with owner(tmp_path, "cluster-ready") as program:
        assert program.stdout
        assert program.stdout.readline() == "now\n"
        name = f"{program.pid}-1"
        assert marked(name)
        assert (state_directory() / name).is_dir()
        program.kill()
    wait_until(lambda: marked(name) == [])
    # Another test or program may be quicker; either way nothing may be left.
    cleanup_leftovers()
    assert not [path for path in state_directory().iterdir() if path.stem == name]


@pytest.mark.parametrize("event", ["process", "instance", "cluster-ready"])
def test_an_interrupt_at_any_stage_leaves_nothing_behind(tmp_path: Path, event: str) -> None:
    with owner(tmp_path, event) as program:
        assert program.stdout
        assert program.stdout.readline() == "now\n"
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=30)
    assert "KeyboardInterrupt" in errors
    name = f"{program.pid}-1"
    assert marked(name) == []
    assert not [path for path in state_directory().iterdir() if path.stem == name]


def test_two_clusters_stand_side_by_side(make_cluster: MakeCluster) -> None:
    with make_cluster() as one, make_cluster() as other:
        assert one.url != other.url
        assert get(one, "/ann")[0] == get(other, "/ann")[0] == 200
