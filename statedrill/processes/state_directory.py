"""The state directory: where clusters keep their data folders, control files and locks.

One folder a user, readable by nobody else. Knows no process and no cluster.
"""

from __future__ import annotations

import contextlib
import os
import stat
import tempfile
from pathlib import Path

from statedrill.errors import ClusterError


def state_directory_path() -> Path:
    """`<tmp>/statedrill-<uid>`; it may not exist, or belong to another user."""
    return Path(tempfile.gettempdir()) / f"statedrill-{os.getuid()}"


def state_directory() -> Path:
    """The state directory with mode 0700, created when it does not exist.

    Raises:
        ClusterError: another user owns a folder of that name, or it is not a folder.
    """
    folder = state_directory_path()
    with contextlib.suppress(FileExistsError):
        folder.mkdir(mode=0o700)
    # lstat: a symbolic link planted in a shared /tmp must not lead anywhere.
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise ClusterError(
            f"the state directory {folder} belongs to somebody else, or is no folder",
            "remove it, or set TMPDIR to a folder of your own",
        )
    if stat.S_IMODE(found.st_mode) != 0o700:
        folder.chmod(0o700)
    return folder
