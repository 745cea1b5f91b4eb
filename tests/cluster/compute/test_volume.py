from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from statedrill.cluster.compute.volume import Volume
from statedrill.errors import ClusterError
from statedrill.processes.process import Process
from statedrill.processes.registry import ProcessRegistry
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

# Appends a line to a file of its volume, then lives on.
WRITER = """
import os, pathlib, time
with (pathlib.Path(os.environ["VOLUME"]) / "log").open("a") as log:
    print(os.environ["NAME"], file=log, flush=True)
    pathlib.Path(os.environ["READY"]).touch()
    time.sleep(600)
"""


@dataclass(eq=False)
class Instance:
    id: str
    zone: str
    process: Process


@pytest.fixture
def volume(tmp_path: Path) -> Iterator[Volume]:
    made = Volume("vol-1", "b", tmp_path / "volumes", size_mb=1, attach_s=0.0)
    yield made
    made.delete()
    assert not made.folder.exists()


def instance(registry: ProcessRegistry, volume: Volume, name: str, zone: str = "b") -> Instance:
    ready = registry.logs / f"{name}.ready"
    process = registry.process(
        name,
        "instance",
        zone,
        volume.command((sys.executable, "-c", WRITER)),
        env={**volume.environment(), "NAME": name, "READY": str(ready)},
        ready=ready.exists,
    )
    return Instance(name, zone, process)


def test_data_outlive_the_instance(registry: ProcessRegistry, volume: Volume) -> None:
    for name in ("i-1", "i-2"):
        owner = instance(registry, volume, name)
        volume.attach(owner)
        owner.process.start(10)
        assert volume.owner == name
        assert volume.is_in_use()
        volume.fence()
        assert not volume.is_in_use()
    assert (volume.folder / "log").read_text() == "i-1\ni-2\n"


def test_an_instance_of_another_zone_cannot_have_it(
    registry: ProcessRegistry, volume: Volume
) -> None:
    with pytest.raises(ClusterError, match="volume vol-1 is in zone b, and i-1 in a"):
        volume.attach(instance(registry, volume, "i-1", zone="a"))
    assert volume.owner is None


def test_a_second_owner_is_refused_by_the_cluster_and_by_the_kernel(
    registry: ProcessRegistry, volume: Volume
) -> None:
    first, second = (instance(registry, volume, name) for name in ("i-1", "i-2"))
    volume.attach(first)
    volume.attach(first)  # a restart of the same instance
    first.process.start(10)
    with pytest.raises(ClusterError, match="volume vol-1 is attached to i-1"):
        volume.attach(second)
    with pytest.raises(ClusterError, match="exited with code 1"):
        second.process.start(10)
    assert (volume.folder / "log").read_text() == "i-1\n"


def test_a_frozen_owner_holds_its_volume_until_it_is_fenced(
    registry: ProcessRegistry, volume: Volume
) -> None:
    frozen, heir = (instance(registry, volume, name) for name in ("i-1", "i-2"))
    volume.attach(frozen)
    frozen.process.start(10)
    frozen.process.pause()
    assert volume.is_in_use()
    volume.fence()
    volume.fence()
    assert not frozen.process.alive
    volume.attach(heir)
    heir.process.start(10)
    with pytest.raises(ClusterError, match="i-1 is not started"):
        frozen.process.start(10)


def test_an_owner_that_died_is_fenced_in_name_only(
    registry: ProcessRegistry, volume: Volume
) -> None:
    owner = instance(registry, volume, "i-1")
    volume.attach(owner)
    owner.process.start(10)
    owner.process.kill()
    wait_until(lambda: not volume.is_in_use())
    assert volume.owner == "i-1"
    volume.fence()
    assert volume.owner is None


def test_an_attachment_takes_its_time(tmp_path: Path, registry: ProcessRegistry) -> None:
    volume = Volume("vol-2", "b", tmp_path, size_mb=1, attach_s=10.0)
    assert volume.attach(instance(registry, volume, "i-1")) == 0.0  # as part of the launch
    volume.fence()
    assert volume.attach(instance(registry, volume, "i-2")) == 10.0


# Writes a line again and again, and tells what came of it by its exit code at SIGTERM.
STEADY_WRITER = """
import os, pathlib, time
path = pathlib.Path(os.environ["VOLUME"]) / "log"
state = pathlib.Path(os.environ["VOLUME"]).parent / "state"
while True:
    try:
        with path.open("a") as log:
            print("line", file=log)
        found = "writes"
    except OSError as error:
        found = "fails"
    if state.is_symlink() and os.readlink(state) != found:
        state.unlink()
    if not state.is_symlink():
        os.symlink(found, state)
    time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(2)")
def test_who_lost_the_volume_cannot_write_until_it_is_given_back(
    registry: ProcessRegistry, volume: Volume
) -> None:
    state = volume.folder.parent / "state"

    def seen(wanted: str) -> None:
        wait_until(lambda: state.is_symlink() and state.readlink().name == wanted, wanted)

    process = registry.process(
        "writer",
        "instance",
        "b",
        volume.command((sys.executable, "-c", STEADY_WRITER)),
        env=volume.environment(),
        ready=state.is_symlink,
    )
    owner = Instance("i-1", "b", process)
    volume.reattach()  # there is nobody to give it to
    assert not volume.detached
    volume.attach(owner)
    process.start(10)
    limits = volume._limits()
    assert not volume.detached
    seen("writes")
    volume.detach()
    assert volume.detached
    seen("fails")
    volume.reattach()
    volume.reattach()
    assert volume._limits() == limits
    assert not volume.detached
    seen("writes")
    volume.detach()
    volume.fence()
    assert not volume.detached


@pytest.mark.skipif(sys.platform != "linux", reason="needs prlimit(1)")
def test_no_file_on_it_is_larger_than_the_volume(registry: ProcessRegistry, volume: Volume) -> None:
    filler = (
        "import os, pathlib\n"
        "file = pathlib.Path(os.environ['VOLUME'], 'big').open('wb', buffering=0)\n"
        "try:\n    [file.write(bytes(1024)) for _ in range(1100)]\n"
        "except OSError as error:\n    print(error)\n"
    )
    process = registry.process(
        "filler",
        "instance",
        "b",
        volume.command((sys.executable, "-c", filler)),
        env=volume.environment(),
        ready=lambda: True,
    )
    process.start(10)
    wait_until(lambda: not process.alive)
    assert (volume.folder / "big").stat().st_size == 1024**2
    assert "File too large" in process.log_tail()
