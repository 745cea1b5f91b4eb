from __future__ import annotations

import json
import os
from pathlib import Path

from statedrill.processes.cluster_lock import ClusterLock
from statedrill.processes.leftovers import cleanup_leftovers


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


def test_a_lock_names_its_owner_and_its_cluster(tmp_path: Path) -> None:
    lock = ClusterLock(tmp_path)
    assert lock.name == f"{os.getpid()}-1"
    (line,) = (tmp_path / f"{lock.name}.lock").read_text().splitlines()
    assert json.loads(line) == {"cluster": lock.cluster, "owner": os.getpid()}
    lock.release()


def test_what_was_abandoned_is_left_for_the_next_clean_up(tmp_path: Path) -> None:
    lock = ClusterLock(tmp_path)
    lock.abandon()
    lock.release()
    assert lock.folder.is_dir()
    assert cleanup_leftovers(tmp_path) == [lock.name]
    assert list(tmp_path.iterdir()) == []
