from __future__ import annotations

from pathlib import Path

from statedrill.cluster.network.addresses import Network
from statedrill.processes.leftovers import cleanup_leftovers


def test_lock_files_of_networks_go_when_nobody_holds_them(tmp_path: Path) -> None:
    network = Network(tmp_path)
    (tmp_path / f"network-{network.n % 254 + 1}.lock").touch()
    assert cleanup_leftovers(tmp_path) == []
    assert [path.name for path in tmp_path.iterdir()] == [f"network-{network.n}.lock"]
    network.release()
