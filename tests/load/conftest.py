"""Locust and a counting server as child processes, and their ends."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.waiting import wait_until

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
SCENARIOS = ROOT / "scenarios"


class Child:
    """A process of its own group, whose output goes to files."""

    def __init__(self, command: list[str], env: dict[str, str], folder: Path, name: str) -> None:
        self.out, self.err = folder / f"{name}.out", folder / f"{name}.err"
        with self.out.open("wb") as out, self.err.open("wb") as err:
            self.process = subprocess.Popen(
                command, stdout=out, stderr=err, stdin=subprocess.DEVNULL, start_new_session=True,
                env={**os.environ, **env}, cwd=folder,
            )  # fmt: skip

    @property
    def pid(self) -> int:
        return self.process.pid

    def wait(self, timeout_s: float = 60.0) -> int:
        return self.process.wait(timeout_s)

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def text(self) -> str:
        return self.out.read_text() + self.err.read_text()

    def end(self) -> None:
        """Nothing of its group is left afterwards."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)


class Load:
    """Starts a counting server and Locust against it, with a record in `history`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = folder / "history"
        self.address = ""
        self._children: list[Child] = []
        self._server: Child | None = None

    def serve(self, *options: str) -> str:
        self._server = self._start(
            [sys.executable, str(HERE / "server.py"), *options], {}, "server"
        )
        wait_until(lambda: "\n" in self._server.out.read_text())
        self.address = self._server.out.read_text().splitlines()[0]
        return self.address

    def counts(self) -> dict[str, Any]:
        """Ends the server: what it received, executed and answered."""
        assert self._server is not None
        self._server.signal(signal.SIGTERM)
        self._server.wait(10)
        counts: dict[str, Any] = json.loads(self._server.out.read_text().splitlines()[1])
        return counts

    def locust(self, files: list[Path], *options: str, **settings: str) -> Child:
        env = {
            "STATEDRILL_HISTORY": str(self.history), "STATEDRILL_RUN": "r7",
            "STATEDRILL_PACE_S": "0.05",
        }  # fmt: skip
        env |= {f"STATEDRILL_{name.upper()}": value for name, value in settings.items()}
        command = [
            sys.executable, "-m", "locust", "-f", ",".join(map(str, files)), "--headless",
            "--only-summary", "--exit-code-on-error", "0", *options,
        ]  # fmt: skip
        if self.address and "-H" not in options:
            command += ["-H", self.address]
        return self._start(command, env, f"locust-{len(self._children)}")

    def far_worker(self, master: tuple[str, int], clock_s: int = 0, *options: str) -> Child:
        """A load process as on another machine: no folder, no settings, maybe a clock of its own.

        It asks the master for the scenario, too.
        """
        folder = self.folder / f"machine-{len(self._children)}"
        folder.mkdir()
        command = [
            *elsewhen(clock_s), sys.executable, "-m", "locust", "-f", "-", "--worker",
            "--master-host", master[0], "--master-port", str(master[1]),
            "--exit-code-on-error", "0", *options,
        ]  # fmt: skip
        return self._start(command, {"TMPDIR": str(folder)}, "worker", folder)

    def audit(self, worker: int, *options: str) -> Child:
        command = [
            sys.executable, "-m", "statedrill.load.audit", "--history", str(self.history),
            "--host", self.address, "--run", "r7", "--worker", str(worker), *options,
        ]  # fmt: skip
        return self._start(command, {}, f"audit-{worker}")

    def scenario(self, text: str, name: str = "scenario") -> Path:
        path = self.folder / f"{name}.py"
        path.write_text(text)
        return path

    def lines(self, kind: str, worker: int = 0) -> list[Any]:
        path = self.history / f"{kind}-{worker}.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()]

    def rows(self, worker: int = 0) -> list[dict[str, Any]]:
        lines = self.lines("operations", worker)
        columns = lines[0]["columns"]
        return [dict(zip(columns, each, strict=True)) for each in lines if isinstance(each, list)]

    def end(self) -> None:
        for child in self._children:
            child.end()

    def _start(
        self, command: list[str], env: dict[str, str], name: str, folder: Path | None = None
    ) -> Child:
        child = Child(command, env, folder or self.folder, name)
        self._children.append(child)
        return child


def elsewhen(clock_s: int) -> list[str]:
    """Before a command: its monotonic clock is `clock_s` ahead, as on a machine that is up longer.

    Skips the test where the kernel or our rights do not allow it.
    """
    if not clock_s:
        return []
    command = ["unshare", "--time", "--monotonic", str(clock_s), "--fork", "--kill-child"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no time namespaces here")
    return command


@pytest.fixture
def load(tmp_path: Path) -> Iterator[Load]:
    made = Load(tmp_path)
    try:
        yield made
    finally:
        made.end()
