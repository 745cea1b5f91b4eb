"""Which target a client finds, and what it says when it finds none."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from statedrill.control.client import ControlFailure, call, find_control, load_balancer
from statedrill.control.control_file import is_alive, running_control_files
from statedrill.processes.state_directory import state_directory

GONE = 2**22 + 5  # above the largest process id that Linux gives


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A state directory of the test's own."""
    monkeypatch.delenv("STATEDRILL_CONTROL", raising=False)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return state_directory()


def write(folder: Path, name: str, pid: int, age_s: int = 0) -> Path:
    path = folder / f"{name}.json"
    content = {"url": "http://127.0.0.1:9", "token": "t", "load_balancer": f"http://{name}"}
    path.write_text(json.dumps({"pid": pid, **content}))
    os.utime(path, (1000 - age_s, 1000 - age_s))
    return path


def test_without_a_running_target_the_command_that_starts_one_is_named(folder: Path) -> None:
    write(folder, "dead", GONE)
    with pytest.raises(ControlFailure, match="statedrill up"):
        find_control()


def test_the_only_running_target_is_found(folder: Path) -> None:
    write(folder, "dead", GONE)
    write(folder, "living", os.getpid())
    (folder / "torn.json").write_text("{")
    (folder / "other.json").write_text("[]")
    assert find_control()["load_balancer"] == "http://living"


def test_of_two_running_targets_none_is_chosen(folder: Path) -> None:
    for name in ("one", "two"):
        write(folder, name, os.getpid())
    with pytest.raises(ControlFailure, match=r"set STATEDRILL_CONTROL to one of .*one.*two"):
        find_control()


def test_a_named_file_that_is_no_control_file_is_named_in_the_failure(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for content in (None, "{", "{}", "[]"):
        path = folder / "named.json"
        if content is not None:
            path.write_text(content)
        monkeypatch.setenv("STATEDRILL_CONTROL", str(path))
        with pytest.raises(ControlFailure, match=r"named\.json: no control file"):
            find_control()


def test_an_address_that_does_not_answer_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATEDRILL_CONTROL", str(write(folder, "closed", os.getpid())))
    with pytest.raises(ControlFailure, match=r"127\.0\.0\.1:9 does not answer"):
        call("ec2/start-zone", Zone="a")


def test_an_address_that_is_none_is_named(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write(folder, "odd", os.getpid())
    path.write_text(path.read_text().replace("http://127.0.0.1:9", "nonsense"))
    monkeypatch.setenv("STATEDRILL_CONTROL", str(path))
    with pytest.raises(ControlFailure, match="nonsense does not answer"):
        call("ec2/start-zone", Zone="a")


def test_the_load_balancer_is_that_of_the_newest_running_target(folder: Path) -> None:
    assert load_balancer() is None
    dead = write(folder, "dead", GONE)
    write(folder, "newer", os.getpid(), age_s=1)
    write(folder, "older", 1, age_s=2)
    assert [path.stem for path in running_control_files()] == ["newer", "older"]
    assert load_balancer() == "http://newer"
    assert load_balancer(dead) == "http://dead"
    assert load_balancer(folder / "absent.json") is None


@pytest.mark.parametrize("pid", [None, "x", 10**30, GONE])
def test_nonsense_is_no_living_process(pid: object) -> None:
    assert not is_alive(pid)
    assert is_alive(os.getpid())
