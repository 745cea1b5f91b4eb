"""Lock files in the state directory: held by a living program, removed only while they are held.

Knows no process and no address: a network of addresses is just the name of a lock file here.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
from pathlib import Path


def locked(fd: int, path: Path) -> bool:
    """Take the lock of the open file `fd`; whether we have it and the file is still at `path`.

    A lock file is removed only while it is held, so only one program can get True.
    """
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.fstat(fd).st_ino == path.stat().st_ino
    except OSError:
        return False


def drop_unused_networks(state: Path) -> None:
    """Remove the lock files of networks that no program holds: a killed owner leaves its own."""
    for path in state.glob("network-*.lock"):
        with contextlib.suppress(FileNotFoundError):  # its owner, or another clean-up, was faster
            fd = os.open(path, os.O_RDWR)
            if locked(fd, path):
                path.unlink()
            os.close(fd)
