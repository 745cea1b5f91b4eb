"""A volume that changes hands while its instance is launched; no process is started."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from statedrill.cluster.compute.group_volumes import GroupVolumes
from statedrill.cluster.compute.volume import Volume
from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import Network
from statedrill.errors import ClusterError
from statedrill.processes.process import Process
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import TIMINGS
from tests.support.events import Events
from tests.support.waiting import wait_until


@dataclass(eq=False)
class Instance:
    id: str
    zone: str
    process: Process
    volume: Volume | None = None


class Group:
    """Launches instances of zone b with the one volume that there is."""

    def __init__(self, registry: ProcessRegistry, folder: Path, attach_s: float) -> None:
        network, timings = Network(folder), replace(TIMINGS, volume_attach_s=attach_s)
        network.release()  # nothing has an address here
        self.volumes = GroupVolumes(ClusterContext(registry, network, timings), size_mb=1)
        self._registry = registry

    def launch(self, name: str) -> Instance:
        volume_id = next((each.id for each in self.volumes.states()), None)
        process = self._registry.process(name, "instance", "b", ("true",), ready=lambda: True)
        return Instance(name, "b", process, self.volumes.give(name, "b", volume_id))


def test_an_instance_that_was_reaped_while_it_booted_gets_no_volume(
    registry: ProcessRegistry, events: Events, tmp_path: Path
) -> None:
    group = Group(registry, tmp_path, attach_s=0.0)
    late = group.launch("i-1")
    group.volumes.take_back(late)
    with pytest.raises(ClusterError, match="volume vol-0 was taken back from i-1"):
        group.volumes.attach(late)
    heir = group.launch("i-2")
    with pytest.raises(ClusterError, match="volume vol-0 was taken back from i-1"):
        group.volumes.attach(late)
    group.volumes.attach(heir)
    assert heir.volume
    assert heir.volume.owner == "i-2"
    assert [each["instance"] for each in events.of("volume")] == ["i-2"]


def test_an_instance_that_was_fenced_while_its_volume_was_attached_does_not_have_it(
    registry: ProcessRegistry, events: Events, tmp_path: Path
) -> None:
    group = Group(registry, tmp_path, attach_s=600.0)
    first = group.launch("i-1")
    group.volumes.attach(first)
    group.volumes.take_back(first)
    fenced, refused = group.launch("i-2"), list[ClusterError]()

    def attach() -> None:
        try:
            group.volumes.attach(fenced)
        except ClusterError as error:
            refused.append(error)

    thread = threading.Thread(target=attach)
    thread.start()
    assert fenced.volume
    volume = fenced.volume
    wait_until(lambda: volume.owner == "i-2")
    group.volumes.take_back(fenced)
    group.volumes.close()  # ends the wait of 600 s
    thread.join()
    assert refused
    told = [(each["state"], each["instance"]) for each in events.of("volume")]
    assert told == [("attached", "i-1"), ("available", "i-1"), ("available", "i-2")]
