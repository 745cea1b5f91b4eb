from __future__ import annotations

import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from statedrill.errors import ClusterError
from statedrill.processes.state_directory import state_directory, state_directory_path


@pytest.fixture(autouse=True)
def tmp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def test_it_is_made_readable_by_its_owner_only_and_made_so_again() -> None:
    assert not state_directory_path().exists()
    folder = state_directory()
    folder.chmod(0o755)
    assert state_directory() == folder == state_directory_path()
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_link_planted_in_its_place_is_refused(tmp: Path) -> None:
    (tmp / "elsewhere").mkdir()
    state_directory_path().symlink_to(tmp / "elsewhere")
    with pytest.raises(ClusterError, match="belongs to somebody else"):
        state_directory()


@pytest.mark.parametrize("make", [Path.touch, lambda path: path.symlink_to(path / "absent")])
def test_what_is_no_folder_is_refused(make: Callable[[Path], None]) -> None:
    make(state_directory_path())
    with pytest.raises(ClusterError, match="is no folder"):
        state_directory()
