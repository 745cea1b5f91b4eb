"""Locust, the audit and a counting server as child processes, and what they recorded."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.support.processes import Child
from tests.support.services import fresh_address
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]
SCENARIOS = ROOT / "scenarios"
STEADY = SCENARIOS / "profiles" / "steady.py"
BOTH = [SCENARIOS / "shopper.py", SCENARIOS / "reader.py", STEADY]
ONE_CALL = """
from locust import task
from statedrill.load import StatefulUser

class OneCall(StatefulUser):
    session_tasks = 0

    @task
    def nothing(self):
        pass
"""


class Load:
    """Starts a counting server and Locust against it, with a record in `history`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.history = folder / "history"
        self.address = ""
        self._children: list[Child] = []
        self._server: Child | None = None

    def serve(self, *options: str) -> str:
        server = Path(__file__).with_name("counting_server.py")
        self._server = self._start([sys.executable, str(server), *options], "server")
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
        if "--processes" in options:
            host = fresh_address()  # Locust's own choice, port 5557 of them all, has one master
            command += ["--master-host", host, "--master-bind-host", host]
        return self._start(command, f"locust-{len(self._children)}", env)

    def far_worker(self, master: tuple[str, int], clock_s: int = 0, *options: str) -> Child:
        """A load process as on another machine: no folder, no settings, maybe a clock of its own.

        It asks the master for the scenario, too.
        """
        folder = self.folder / f"machine-{len(self._children)}"
        folder.mkdir()
        command = [
            *clock_ahead(clock_s), sys.executable, "-m", "locust", "-f", "-", "--worker",
            "--master-host", master[0], "--master-port", str(master[1]),
            "--exit-code-on-error", "0", *options,
        ]  # fmt: skip
        return self._start(command, "worker", {"TMPDIR": str(folder)}, folder)

    def audit(self, worker: int, *options: str) -> Child:
        command = [
            sys.executable, "-m", "statedrill.load.audit", "--history", str(self.history),
            "--host", self.address, "--run", "r7", "--worker", str(worker), *options,
        ]  # fmt: skip
        return self._start(command, f"audit-{worker}")

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
        self,
        command: list[str],
        name: str,
        env: dict[str, str] | None = None,
        folder: Path | None = None,
    ) -> Child:
        child = Child(command, folder or self.folder, name, env)
        self._children.append(child)
        return child


def clock_ahead(clock_s: int) -> list[str]:
    """Before a command: its monotonic clock is `clock_s` ahead, as on a machine that is up longer.

    Skips the test where the kernel or our rights do not allow it.
    """
    if not clock_s:
        return []
    command = ["unshare", "--time", "--monotonic", str(clock_s), "--fork", "--kill-child"]
    if subprocess.run([*command, "true"], capture_output=True, check=False).returncode:
        pytest.skip("no time namespaces here")
    return command
