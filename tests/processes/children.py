"""Children for the tests of supervision: small Python programs, and whether they still exist."""

from __future__ import annotations

import os
import sys
import textwrap
from pathlib import Path

from statedrill.processes.process import Process
from statedrill.processes.registry import ProcessRegistry


def python(registry: ProcessRegistry, code: str, name: str = "child", **more: object) -> Process:
    """A Python child that is ready as soon as its log says `up`."""

    def ready() -> bool:
        return "up" in made.log_tail()

    command = [sys.executable, "-u", "-c", textwrap.dedent(code)]
    made = registry.process(name, "test", "a", command, ready=ready, **more)  # type: ignore[arg-type]
    return made


SLEEPER = "import time; print('up'); time.sleep(60)"


def exists(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


def is_zombie(pid: int) -> bool:
    return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
