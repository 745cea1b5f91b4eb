"""A child process of a test: a process group of its own, with its output in files."""

from __future__ import annotations

import contextlib
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from signal import SIGKILL

import pytest

from tests.support.waiting import wait_until

DEADLINE_S = 100.0


class Child:
    """A program that was started in `folder`; its output is in `<name>.out` and `<name>.err`.

    `env` are additions to this process's own environment.
    """

    def __init__(
        self,
        command: Sequence[str],
        folder: Path,
        name: str = "child",
        env: Mapping[str, str] | None = None,
    ) -> None:
        self.folder = folder
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with self.out.open("ab") as out, self.err.open("ab") as err:
            self.process = subprocess.Popen(
                list(command),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
                cwd=folder,
                env={**os.environ, **(env or {})},
                start_new_session=True,
            )

    @property
    def pid(self) -> int:
        return self.process.pid

    @property
    def alive(self) -> bool:
        return self.process.poll() is None

    def errors(self) -> str:
        """What it wrote to standard error so far."""
        return self.err.read_text(errors="replace")

    def text(self) -> str:
        """What it wrote so far."""
        return self.out.read_text(errors="replace") + self.errors()

    def wait_for(self, text: str) -> None:
        """Wait until it has written `text`; fails the test when it ends without."""
        wait_until(lambda: text in self.text() or not self.alive, text, DEADLINE_S)
        assert text in self.text(), self.text()

    def wait(self, timeout_s: float = DEADLINE_S) -> int:
        """The exit code, once it has ended; fails the test when it does not."""
        try:
            return self.process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            pytest.fail(f"did not end within {timeout_s:g} s:\n{self.text()}")

    def signal(self, number: int) -> None:
        """Send a signal to the process alone."""
        self.process.send_signal(number)

    def stop(self, grace_s: float = 15.0) -> None:
        """Ask it to end, so that it can clean up, and kill it if it does not."""
        if self.alive:
            self.process.terminate()
            try:
                self.process.wait(grace_s)
            except subprocess.TimeoutExpired:
                self.end()

    def end(self, number: int = SIGKILL) -> int:
        """Send a signal to the whole group, wait for the end, and return the exit code."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, number)
        return self.process.wait(DEADLINE_S)
