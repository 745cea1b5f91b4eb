"""The clock of one instance, which may be wrong: libfaketime in front of the C library's clock.

The skew stands in a file that the library reads again every second or two. Monotonic clocks stay
right, so that nothing sleeps longer or shorter. Knows no instance.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

import psutil

from statedrill.cluster.binaries import package_folder
from statedrill.errors import MissingPart

_IN_PACKAGE = Path("vendor", "libfaketime", "src", "libfaketime.so.1")
_SHARED_MEMORY = Path("/dev/shm")
_OF_DISTRIBUTION = "/usr/lib/{}-linux-gnu/faketime/libfaketime.so.1"


def libfaketime() -> Path:
    """The library that is loaded before all others.

    Raises:
        MissingPart: neither package libfaketime nor one of the distribution is installed.
    """
    machine, folder = os.uname().machine, package_folder("libfaketime")
    # The wheel has a library for x86-64 only, whatever machine it is installed on.
    bundled = [folder / _IN_PACKAGE] if folder and machine == "x86_64" else []
    for path in (*bundled, Path(_OF_DISTRIBUTION.format(machine))):
        if path.is_file():
            return path
    raise MissingPart(
        "libfaketime, which gives an instance a clock of its own, is not installed",
        "pip install 'statedrill[clocks]' (Linux; or apt-get install libfaketime)",
    )


def remove_leftovers() -> None:
    """Remove what the library made in shared memory for processes that a signal has ended."""
    for name in ("sem.faketime_sem", "faketime_shm"):
        for path in _SHARED_MEMORY.glob(f"{name}_*"):
            pid = path.name.rpartition("_")[2]
            if pid.isdigit() and not psutil.pid_exists(int(pid)):
                with contextlib.suppress(OSError):  # another user's, or another clean-up was faster
                    path.unlink()


class Clock:
    """A clock that is right until it is shifted; `file` holds its skew."""

    def __init__(self, file: Path) -> None:
        self._file, self._library = file, libfaketime()
        file.parent.mkdir(parents=True, exist_ok=True)
        self.shift(0)

    @property
    def environment(self) -> Mapping[str, str]:
        """What a process needs, from its start on, in order to have this clock."""
        return {
            "LD_PRELOAD": str(self._library),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_CACHE_DURATION": "1",
            "DONT_FAKE_MONOTONIC": "1",
            # Else it rewrites the time-outs of waiting threads, and two that share the interpreter
            # take turns about twenty times as slowly.
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",
            "NO_FAKE_STAT": "1",
        }

    def shift(self, seconds: int) -> None:
        """Let it be `seconds` ahead of (or, below 0, behind) the real time, in a moment."""
        # Replaced as a whole: the library must never read half a number.
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.replace(self._file)
