"""What this machine has and lacks for a drill, and what to do about it.

Looks and tries; changes nothing and starts no server.
"""

from __future__ import annotations

import resource
import shutil
import socket
import sys
from collections.abc import Callable
from typing import Any

import psutil

from statedrill.cluster import binaries, services
from statedrill.errors import StatedrillError
from statedrill.processes.state_directory import state_directory

_FILES = 4096
_MEMORY_GIB = 2.0
_DISK_GIB = 1.0


def examine() -> list[dict[str, Any]]:
    """One row per part: `part`, `ok`, `found` and, where it is missing, the `cure`."""
    programs = {each.part: each for kind in services.SERVICES for each in kind.requires}
    return [
        _row("Python", _python),
        _row("HAProxy", lambda: binaries.first_line(str(binaries.haproxy()), "-v")),
        *(_row(part, each.find, each.only_for) for part, each in programs.items()),
        _row("parent death", _parent_death),
        _row("loopback", _loopback),
        _row("open files", _open_files),
        _row("memory", _memory),
        _row("disk", _disk),
        _row("state folder", lambda: str(state_directory())),
    ]


class _Missing(Exception):
    """A part is not as it must be: (what was found, what to do)."""


def _row(part: str, look: Callable[[], str], only_for: str = "") -> dict[str, Any]:
    try:
        return {"part": part, "ok": True, "found": look(), "cure": ""}
    except _Missing as lacking:
        found, cure = lacking.args
    except StatedrillError as error:
        found, cure = error.message, error.hint
        if only_for:
            found = f"{found}; only {only_for} needs it: {cure}"
            return {"part": part, "ok": True, "found": found, "cure": ""}
    return {"part": part, "ok": False, "found": found, "cure": cure}


def _python() -> str:
    return ".".join(str(each) for each in sys.version_info[:3])


def _parent_death() -> str:
    if sys.platform != "linux":
        return "not on this system: leftovers of a killed drill go at the next start"
    path = shutil.which("setpriv")
    if not path:
        raise _Missing("no setpriv on PATH", "install util-linux 2.33 or newer")
    return path


def _loopback() -> str:
    try:
        with socket.socket() as probe:
            probe.bind(("127.77.0.1", 0))
    except OSError:
        return "only 127.0.0.1 answers: free ports are used instead of addresses"
    return "all of 127.0.0.0/8 answers"


def _open_files() -> str:
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != resource.RLIM_INFINITY and soft < _FILES:
        raise _Missing(f"limit {soft}", f"raise it: ulimit -n {_FILES}")
    return f"limit {soft}"


def _memory() -> str:
    free = psutil.virtual_memory().available / 2**30
    if free < _MEMORY_GIB:
        raise _Missing(f"{free:.1f} GiB free", f"a drill needs about {_MEMORY_GIB:g} GiB")
    return f"{free:.1f} GiB free"


def _disk() -> str:
    free = shutil.disk_usage(state_directory()).free / 2**30
    if free < _DISK_GIB:
        raise _Missing(
            f"{free:.1f} GiB free in {state_directory()}", "make room, or set TMPDIR elsewhere"
        )
    return f"{free:.1f} GiB free"
