from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from statedrill.errors import ClusterError
from statedrill.processes.leftovers import cleanup_leftovers
from statedrill.processes.process import MARKER
from tests.support.waiting import wait_until

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
    process = subprocess.Popen(["sleep", "60"], env=env, start_new_session=True)
    # The kernel shows the environment of a new program a moment after it has begun.
    wait_until(lambda: psutil.Process(process.pid).environ().get(MARKER) == cluster, "its marker")
    return process


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


def test_torn_lines_of_a_lock_file_keep_nothing_from_being_cleaned_up(
    tmp_path: Path, orphan: subprocess.Popen[bytes]
) -> None:
    leave(tmp_path, orphan, start_of(orphan), "5-1-1.00")
    lock = tmp_path / "5-1.lock"
    lock.write_text(lock.read_text() + '{"pid": 2, "started": 1.0}\n[1]\n\0\n')
    assert cleanup_leftovers(tmp_path) == ["5-1"]
    assert orphan.poll() is not None


def test_data_without_a_lock_belongs_to_nobody(tmp_path: Path) -> None:
    (tmp_path / "5-1" / "database-1").mkdir(parents=True)
    (tmp_path / "somebody's").touch()
    assert cleanup_leftovers(tmp_path) == ["5-1"]
    assert [path.name for path in tmp_path.iterdir()] == ["somebody's"]


def test_what_else_was_left_is_undone_before_the_data_goes_and_kept_when_that_fails(
    tmp_path: Path, orphan: subprocess.Popen[bytes]
) -> None:
    leave(tmp_path, orphan, start_of(orphan), "5-1-1.00")
    seen: list[str] = []

    def fail(folder: Path) -> None:
        raise ClusterError("not now")

    with pytest.raises(ClusterError, match="not now"):
        cleanup_leftovers(tmp_path, undo=fail)
    assert orphan.poll() is not None  # its processes are gone all the same
    assert (tmp_path / "5-1" / "data").exists()
    undo = lambda folder: seen.append((folder / "data").read_text())  # noqa: E731
    assert cleanup_leftovers(tmp_path, undo=undo) == ["5-1"]
    assert seen == ["rows"]
    assert list(tmp_path.iterdir()) == []
