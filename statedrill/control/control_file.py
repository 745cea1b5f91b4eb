"""The file that says where the control address of a running target is, and with which token.

One file a target in the state directory, mode 0600. Knows the file; knows no action and no HTTP.
"""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TypedDict, cast

from statedrill.processes.state_directory import state_directory_path


class ControlFile(TypedDict):
    """The content: `pid` is the target's owner, `started` its time of Unix, `run` its run id, and
    `names` the file that says what the load balancer's name resolves to.
    """

    url: str
    token: str
    pid: int
    started: float
    load_balancer: str
    run: str
    network: str
    names: str


def write_control_file(path: Path, content: ControlFile) -> None:
    """Write `content` so that a reader never sees half of it."""
    beside = path.with_suffix(".new")
    fd = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(fd, "w") as out:
        json.dump(content, out)
    beside.replace(path)


def read_control_file(path: Path) -> ControlFile:
    """The content of `path`.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no control file.
    """
    content = json.loads(path.read_text(encoding="utf-8"))
    if not isinstance(content, dict) or not {"url", "token", "load_balancer"} <= set(content):
        raise ValueError("url, token or load_balancer is missing")
    return cast(ControlFile, content)


def running_control_files() -> list[Path]:
    """The control files of this user's targets whose owner is alive, the newest first."""
    found = []
    for path in state_directory_path().glob("*.json"):
        try:
            if is_alive(read_control_file(path).get("pid")):
                found.append((path.stat().st_mtime, path))
        except (OSError, ValueError):
            continue  # it went away meanwhile, or is something else
    return [path for _, path in sorted(found, reverse=True)]


def is_alive(pid: object) -> bool:
    """Whether a process has the id `pid`."""
    try:
        os.kill(int(str(pid)), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True
