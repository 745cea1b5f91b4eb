"""A volume of limited size for one node of a database, without root: a tmpfs that a process holds.

The process has a user and a mount namespace of its own. What is in the volume is there as long as
the process is; a server enters the namespaces to use it, everybody else looks in through /proc.
Knows sizes; knows no database.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError, MissingPart
from statedrill.processes.spawner import dies_with_owner

_SIZE_BYTES = 1024**3  # of memory it takes what is in it
_NAMESPACES = ("--user", "--map-root-user", "--mount")
_HOLD = 'mount -t tmpfs -o "size=$2,mode=0700" none "$1" && echo $$ > "$3" && exec sleep infinity'
_ENTER = 'exec nsenter --target="$(cat "$0")" --user --mount --preserve-credentials -- "$@"'
_START_TIMEOUT_S, _FILL_TIMEOUT_S = 5.0, 2.0


class LimitedVolume:
    """The volume `name`, mounted at `folder`; not in any zone, as its data outlive its instance.

    Raises:
        MissingPart: this machine has no user namespaces.
    """

    def __init__(self, context: ClusterContext, name: str, folder: Path) -> None:
        _require_namespaces()
        self.folder = folder
        self._pid_file = folder.with_suffix(".pid")
        hold = ("sh", "-c", _HOLD, "sh", str(folder), str(_SIZE_BYTES), str(self._pid_file))
        command = ("unshare", *_NAMESPACES, *dies_with_owner(), *hold)
        self._process = context.registry.process(
            name, "volume", "region", command, ready=self._pid_file.exists
        )

    @property
    def is_there(self) -> bool:
        """Whether it is mounted."""
        return self._process.alive

    @property
    def outside(self) -> Path:
        """Its files, for who is not in its namespaces."""
        return Path(f"/proc/{self._process.pid}/root{self.folder}")

    def inside(self, command: Sequence[str]) -> tuple[str, ...]:
        """`command`, run where the volume is mounted at `folder`."""
        return ("sh", "-c", _ENTER, str(self._pid_file), *command)

    def start(self) -> None:
        """Make it, empty; nothing to do when it is there.

        Raises:
            ClusterError: it could not be mounted.
        """
        if not self.is_there:
            self.folder.mkdir(parents=True, exist_ok=True)
            self._pid_file.unlink(missing_ok=True)
            self._process.start(_START_TIMEOUT_S)

    def fill(self) -> None:
        """Leave no room for another byte: what is in it is now all that it can hold.

        Raises:
            ClusterError: it could not be limited.
        """
        # A write that comes between measuring and limiting makes the limit too low: measure again.
        if not wait_until(lambda: self._resize(self._used_bytes()), _FILL_TIMEOUT_S):
            raise ClusterError(f"volume {self._process.name} could not be filled")

    def grow(self) -> None:
        """Give it its whole size again, as ModifyVolume does; idempotent.

        Raises:
            ClusterError: it could not be resized.
        """
        if self.is_there and not self._resize(_SIZE_BYTES):
            raise ClusterError(f"volume {self._process.name} could not be given more room")

    def free_bytes(self) -> int:
        """How much more it can hold."""
        found = os.statvfs(self.outside)
        return found.f_bfree * found.f_frsize

    def delete(self) -> None:
        """Throw it away with everything in it; idempotent."""
        self._process.retire(0.0)
        self._pid_file.unlink(missing_ok=True)
        shutil.rmtree(self.folder, ignore_errors=True)

    def _used_bytes(self) -> int:
        found = os.statvfs(self.outside)
        return (found.f_blocks - found.f_bfree) * found.f_frsize

    def _resize(self, size: int) -> bool:
        remount = self.inside(("mount", "-o", f"remount,size={size}", str(self.folder)))
        return subprocess.run(remount, capture_output=True, check=False).returncode == 0


def _require_namespaces() -> None:
    there = sys.platform == "linux" and shutil.which("unshare") and shutil.which("nsenter")
    tried = ("unshare", *_NAMESPACES, "true")
    if not there or subprocess.run(tried, capture_output=True, check=False).returncode != 0:
        raise MissingPart(
            "a volume of limited size needs Linux with user namespaces, unshare and nsenter",
            "allow user namespaces on this machine, or choose another experiment",
        )
