from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from statedrill.cluster.network.addresses import Network
from statedrill.processes.cluster_lock import ClusterLock
from statedrill.processes.leftovers import cleanup_leftovers
from statedrill.processes.process import MARKER

pytestmark = pytest.mark.cluster

NOBODY = 4_000_000  # above the largest process id that Linux gives by default


@pytest.fixture
def orphan(tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A child of a cluster whose owner is gone."""
    with child("5-1-1.00") as process:
        yield process
        process.kill()


def child(cluster: str) -> subprocess.Popen[bytes]:
    env = {**os.environ, MARKER: cluster}
    return subprocess.Popen(["sleep", "60"], env=env, start_new_session=True)


def leave(state: Path, process: subprocess.Popen[bytes], started: float, cluster: str) -> None:
    """A lock file as a killed owner leaves it, with its data folder and control file."""
    lines = [
        {"cluster": cluster, "owner": NOBODY},
        {"pid": process.pid, "started": started, "name": "cache-1"},
    ]
    text = "".join(json.dumps(line) + "\n" for line in lines) + '{"pid": 1, "sta'
    (state / "5-1.lock").write_text(text)
    (state / "5-1").mkdir()
    (state / "5-1" / "data").write_text("rows")
    (state / "5-1.json").write_text("{}")


def start_of(process: subprocess.Popen[bytes]) -> float:
    return psutil.Process(process.pid).create_time()


def test_leftovers_of_a_dead_owner_are_ended_and_removed(
    tmp_path: Path, orphan: subprocess.Popen[bytes]
) -> None:
    leave(tmp_path, orphan, start_of(orphan), "5-1-1.00")
    assert cleanup_leftovers(tmp_path) == ["5-1"]
    assert orphan.poll() is not None
    assert list(tmp_path.iterdir()) == []
    assert cleanup_leftovers(tmp_path) == []


def test_a_child_that_was_not_written_down_is_known_by_its_marker(
    tmp_path: Path, orphan: subprocess.Popen[bytes]
) -> None:
    with child("5-1-1.00") as unwritten:
        leave(tmp_path, orphan, start_of(orphan), "5-1-1.00")
        cleanup_leftovers(tmp_path)
        assert unwritten.poll() is not None


def test_a_stranger_with_the_same_process_id_is_left_alone(tmp_path: Path) -> None:
    with child("someone else") as stranger:
        leave(tmp_path, stranger, start_of(stranger), "5-1-1.00")
        cleanup_leftovers(tmp_path)
        assert stranger.poll() is None
        leave(tmp_path, stranger, start_of(stranger) - 60, "someone")
        cleanup_leftovers(tmp_path)
        assert stranger.poll() is None
        stranger.kill()


def test_data_without_a_lock_belongs_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "5-1" / "database-1").mkdir(parents=True)
    (tmp_path / "somebody's").touch()
    assert cleanup_leftovers(tmp_path) == ["5-1"]
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's"]


def test_lock_files_of_networks_go_when_nobody_holds_them(tmp_path: Path) -> None:
    network = Network(tmp_path)
    (tmp_path / f"network-{network.n % 254 + 1}.lock").touch()
    assert cleanup_leftovers(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [f"network-{network.n}.lock"]
    network.release()


def test_a_cluster_whose_owner_lives_is_left_alone(tmp_path: Path) -> None:
    claim = ClusterLock(tmp_path)
    other = ClusterLock(tmp_path)
    assert claim.name != other.name
    assert cleanup_leftovers(tmp_path) == []
    assert claim.folder.is_dir()
    claim.release()
    claim.release()
    other.release()
    assert list(tmp_path.iterdir()) == []
