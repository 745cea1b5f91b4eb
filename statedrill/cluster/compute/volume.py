"""EBS: a folder that is bound to one zone, outlives its instance and has one owner at a time.

The owner's process holds a lock (flock) for as long as it exists, frozen or not, so that the kernel
refuses a second writer whatever the cluster believes. Before a volume goes to another instance the
old owner is fenced, as EBS refuses a second attachment. Knows no file system and no data base.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import resource
import shutil
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import psutil

from statedrill.cluster.waiting import wait_until
from statedrill.errors import ClusterError
from statedrill.processes.process import Process

_FENCED_S = 5.0
_POLL_S = 0.01


class Owner(Protocol):
    """The instance that a volume is attached to."""

    @property
    def id(self) -> str:
        """Its id, such as `i-8f6c94c9`."""

    @property
    def zone(self) -> str:
        """The zone it is in."""

    @property
    def process(self) -> Process:
        """Its process, whose command went through `Volume.command`."""


class Volume:
    """The volume `volume_id` in `zone`; its data are in `root/<zone>/<volume_id>`.

    `attach_s` is how long an attachment takes, in seconds; the first one is part of the launch of
    its instance. No file on it can grow beyond `size_mb`.
    """

    def __init__(
        self, volume_id: str, zone: str, root: Path, size_mb: int, attach_s: float
    ) -> None:
        self.id, self.zone = volume_id, zone
        self._size_bytes = size_mb * 1024**2
        self.folder = root / zone / volume_id
        self.folder.mkdir(parents=True, exist_ok=True)
        # Beside the folder, not inside: what is inside belongs to the application.
        self._lock_file = self.folder.with_suffix(".lock")
        self._lock_file.touch()
        self._attach_s = attach_s
        self._changing = threading.Lock()
        self._owner: Owner | None = None
        self._is_new = True

    @property
    def owner(self) -> str | None:
        """The id of the instance that it is attached to."""
        return self._owner.id if self._owner else None

    def environment(self) -> Mapping[str, str]:
        """What the instance that it is attached to is told."""
        return {"VOLUME": str(self.folder)}

    def command(self, command: Sequence[str]) -> tuple[str, ...]:
        """`command` as a process that holds the volume as long as it or a child of it exists.

        The process ends at once, with code 1, when another process holds the volume. Where there
        is no flock(1) (macOS) nothing holds it but the cluster's own record. Without prlimit(1) it
        has no size.
        """
        prefix: list[str] = []
        if sys.platform == "linux" and (prlimit := shutil.which("prlimit")):
            prefix += [prlimit, f"--fsize={self._size_bytes}:"]
        if sys.platform == "linux" and (flock := shutil.which("flock")):
            prefix += [flock, "--nonblock", "--no-fork", str(self._lock_file)]
        return (*prefix, *command)

    def is_in_use(self) -> bool:
        """Whether a process holds it now."""
        fd = os.open(self._lock_file, os.O_RDWR)
        try:
            fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        finally:
            os.close(fd)
        return False

    def attach(self, owner: Owner) -> float:
        """Attach it to an instance of its zone; returns after how many seconds it can be used.

        Raises:
            ClusterError: the instance is in another zone, or the volume has another owner.
        """
        with self._changing:
            if owner.zone != self.zone:
                raise ClusterError(
                    f"volume {self.id} is in zone {self.zone}, and {owner.id} in {owner.zone}",
                    "launch the instance in the zone of its volume",
                )
            if self._owner not in (None, owner) or (self._owner is None and self.is_in_use()):
                raise ClusterError(
                    f"volume {self.id} is attached to {self.owner or 'an unknown process'}",
                    "fence its owner first",
                )
            self._owner = owner
            takes_s, self._is_new = 0.0 if self._is_new else self._attach_s, False
            return takes_s

    @property
    def detached(self) -> bool:
        """Whether its owner, which exists, can write nothing because it was taken away."""
        limits = [limit for limit, _ in self._limits().values()]
        return bool(limits) and not any(limits)

    def detach(self) -> None:
        """Take it away from a running owner, whose writes fail from now on.

        A limit of the kernel on the size of files stands for it (EFBIG instead of EIO), so that
        other files of the process, such as its log, fail too.

        Raises:
            ClusterError: this machine has no such limit for running processes (only Linux has).
        """
        if not hasattr(resource, "prlimit"):
            raise ClusterError("a volume can be taken away on Linux only")
        self._limit(0)

    def reattach(self) -> None:
        """Let its owner write again, if it still exists; idempotent."""
        self._limit(self._size_bytes)

    def fence(self) -> None:
        """Make sure that its owner never writes again, and detach it; idempotent.

        The owner's process is killed, even when it is frozen, and cannot start again.

        Raises:
            ClusterError: the volume is still held after that.
        """
        with self._changing:
            if self._owner:
                self._owner.process.forbid()
                self._owner.process.kill()
                self._owner.process.wait_gone()
            self._wait_until_free()
            self._owner = None

    def delete(self) -> None:
        """Fence its owner and throw the data away; idempotent.

        Raises:
            ClusterError: as `fence`.
        """
        if self._lock_file.exists():
            self.fence()
            shutil.rmtree(self.folder, ignore_errors=True)
            self._lock_file.unlink(missing_ok=True)

    def _limits(self) -> dict[int, tuple[int, int]]:
        """The limits on the size of files, soft and hard, of each process of its owner."""
        found: dict[int, tuple[int, int]] = {}
        process = self._owner.process if self._owner else None
        if process and process.alive and sys.platform == "linux":
            with contextlib.suppress(psutil.Error):
                first = psutil.Process(process.pid)
                for each in (first, *first.children(recursive=True)):
                    with contextlib.suppress(psutil.Error, ProcessLookupError):
                        found[each.pid] = resource.prlimit(each.pid, resource.RLIMIT_FSIZE)
        return found

    def _limit(self, size: int) -> None:
        for pid, (_, hard) in self._limits().items():
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(pid, resource.RLIMIT_FSIZE, (size, hard))

    def _wait_until_free(self) -> None:
        if not wait_until(lambda: not self.is_in_use(), _FENCED_S, _POLL_S):
            raise ClusterError(
                f"volume {self.id} is still held {_FENCED_S:g} s after its owner was killed",
                f"see which process it is: fuser {self._lock_file}",
            )
