"""Volumes of a group of real instances: each follows its instance's successors, in its own zone."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from statedrill.cluster.cluster import Cluster
from statedrill.cluster.compute.group_volumes import GroupVolumes, HasVolume
from statedrill.errors import ClusterError
from statedrill.inputs.pattern import VolumeOptions
from tests.cluster.conftest import TINY
from tests.cluster.test_cluster import control, get, is_healthy
from tests.support.events import Events
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

WITH_VOLUMES = TINY.model_copy(
    update={"application": TINY.application.model_copy(update={"volume": VolumeOptions()})}
)


@pytest.fixture
def cluster(make_cluster: Callable[..., Cluster]) -> Iterator[Cluster]:
    with make_cluster(WITH_VOLUMES) as made:
        yield made


def homes(cluster: Cluster) -> dict[str, tuple[str, str]]:
    """The instance in service and the zone of each volume that is in use."""
    described = control(cluster, "ec2/describe-instances")["instances"]
    return {
        each["volume"]: (each["id"], each["zone"])
        for each in described
        if each["state"] == "registered"
    }


def zones(found: dict[str, tuple[str, str]]) -> dict[str, str]:
    return {volume: zone for volume, (_, zone) in found.items()}


def settled(cluster: Cluster, events: Events, answer: dict[str, Any]) -> None:
    assert answer["proved"] is True, answer["proof"]
    wait_until(lambda: events.of("fault-end", fault=answer["fault"], how="by itself"))
    assert is_healthy(cluster)


def test_an_instance_has_a_volume_of_its_own_in_its_zone(cluster: Cluster) -> None:
    assert zones(homes(cluster)) == {"vol-0": "a", "vol-1": "b", "vol-2": "c"}
    environment = get(cluster, "/environment")[1]
    volume = Path(environment["VOLUME"])
    assert volume.is_dir()
    assert volume.parent.name == environment["ZONE"]
    assert homes(cluster)[volume.name][0] == environment["INSTANCE_ID"]


def test_the_volume_of_a_dead_instance_goes_to_its_replacement(
    cluster: Cluster, events: Events
) -> None:
    before = homes(cluster)
    victim = before["vol-1"][0]
    settled(cluster, events, control(cluster, "ec2/terminate-instances", InstanceIds=[victim]))
    after = homes(cluster)
    assert zones(after) == zones(before)
    assert [volume for volume in before if before[volume] != after[volume]] == ["vol-1"]
    told = [(each["state"], each["instance"]) for each in events.of("volume", id="vol-1")]
    heir = after["vol-1"][0]
    assert told == [("attached", victim), ("available", victim), ("attached", heir)]


def test_an_instance_that_does_not_get_its_volume_is_replaced(
    cluster: Cluster, events: Events, monkeypatch: pytest.MonkeyPatch
) -> None:
    attach, refused = GroupVolumes.attach, list[str]()

    def refuse_once(volumes: GroupVolumes, instance: HasVolume) -> None:
        if not refused:
            refused.append(instance.id)
            raise ClusterError("its volume is attached to an unknown process")
        attach(volumes, instance)

    monkeypatch.setattr(GroupVolumes, "attach", refuse_once)
    before = homes(cluster)
    victim = before["vol-1"][0]
    settled(cluster, events, control(cluster, "ec2/terminate-instances", InstanceIds=[victim]))
    assert events.of("instance", id=refused[0], state="dead")
    assert zones(homes(cluster)) == zones(before)
    assert homes(cluster)["vol-1"][0] not in (victim, *refused)


def test_the_volume_of_a_lost_zone_waits_for_it_and_nobody_else_is_launched(
    cluster: Cluster, events: Events
) -> None:
    before = homes(cluster)
    control(cluster, "ec2/stop-zone", Zone="b")
    wait_until(lambda: events.of("volume", id="vol-1", state="available"))
    settled_ids = {each["id"] for each in control(cluster, "ec2/describe-instances")["instances"]}
    assert settled_ids == {before["vol-0"][0], before["vol-2"][0]}
    control(cluster, "ec2/start-zone", Zone="b")
    wait_until(lambda: is_healthy(cluster))
    assert zones(homes(cluster)) == zones(before)


def test_an_instance_that_hangs_is_fenced_before_its_volume_moves(
    cluster: Cluster, events: Events
) -> None:
    victim = homes(cluster)["vol-2"][0]
    settled(cluster, events, control(cluster, "ec2/freeze-instances", InstanceIds=[victim]))
    assert homes(cluster)["vol-2"][0] != victim
    (gone,) = events.of("process", name=f"instance-{victim}", state="stopped")
    (attached,) = events.of("volume", id="vol-2", state="attached")[1:]
    assert gone["t"] < attached["t"]


def test_a_new_release_takes_over_the_volumes(cluster: Cluster, events: Events) -> None:
    before = homes(cluster)
    settled(cluster, events, control(cluster, "autoscaling/start-instance-refresh"))
    after = homes(cluster)
    assert zones(after) == zones(before)
    assert not {each[0] for each in before.values()} & {each[0] for each in after.values()}
    assert not events.of("process", state="dead")  # each old one was asked to end


def test_scaling_in_keeps_a_volume_and_scaling_out_takes_it_again(
    cluster: Cluster, events: Events
) -> None:
    before = homes(cluster)
    fewer = control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=2)
    settled(cluster, events, fewer)
    assert len(homes(cluster)) == 2
    more = control(cluster, "autoscaling/set-desired-capacity", DesiredCapacity=4)
    settled(cluster, events, more)
    after = homes(cluster)
    assert zones(after) == {**zones(before), "vol-3": after["vol-3"][1]}


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2)")
def test_a_volume_that_is_given_back_is_as_it_was(cluster: Cluster, events: Events) -> None:
    before, limits = homes(cluster), writable(cluster)
    taken = control(cluster, "ec2/detach-volume", Count=2)
    assert taken["proved"] is True, taken["proof"]
    assert sorted(writable(cluster).values()) == [0, 0, limits[before["vol-0"][0]]]
    control(cluster, "ec2/attach-volume")
    assert writable(cluster) == limits
    assert homes(cluster) == before
    wait_until(lambda: events.of("fault-end", fault=taken["fault"]))
    assert is_healthy(cluster)


def writable(cluster: Cluster) -> dict[str, int]:
    """How large a file each instance may write."""
    described = control(cluster, "ec2/describe-instances")["instances"]
    return {
        each["id"]: resource.prlimit(each["pid"], resource.RLIMIT_FSIZE)[0] for each in described
    }
