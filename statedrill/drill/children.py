"""The children of a drill: Locust, Chaos Toolkit and the audit, each a program of its own.

Builds their command lines and environments and reads what they leave behind. `import locust`
would replace `subprocess` and `time` in this process, and Chaos Toolkit wants a main thread: so
neither is imported here. An exit code is not believed; what was recorded is.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any

from statedrill.plan.plan import Plan
from statedrill.processes.process import Process
from statedrill.target import Target

# The first audit's recorder must not write into the file of a load process.
AUDIT_WORKER = 900
_START_S = 5.0  # what a new process of the target needs until it serves, on a busy machine
# `chaoslib.exceptions.ActivityFailed: package.module.Failure: ` says nothing to a reader.
_EXCEPTION_PATHS = re.compile(r"^(?:(?:[a-z_]\w*\.)+[A-Z]\w*: )+")


class Children:
    """Starts the children of one drill, in the target's registry so that none outlives it."""

    def __init__(self, plan: Plan, folder: Path, target: Target) -> None:
        self._plan, self._folder, self._target = plan, folder, target
        self._raw = folder / "raw"
        self._raw.mkdir(exist_ok=True)

    def locust(self) -> Process:
        """The load generator: every scenario file and the profile, headless until stopped."""
        load = self._plan.load
        files = [*self._plan.scenario.paths, *self._plan.profile.paths]
        command = [
            *(sys.executable, "-m", "locust", "--headless", "--only-summary"),
            *("-f", ",".join(str(path) for path in files)),
            *("-H", self._target.url, "-u", str(load.users), "-r", f"{load.spawn_rate:g}"),
            # Failed requests are findings, not a failure of Locust (its exit code says 1 else).
            *("--exit-code-on-error", "0", "--stop-timeout", "10"),
            *("--csv", str(self._raw / "locust")),
        ]
        if load.expect_workers:
            command += ["--master", "--expect-workers", str(load.expect_workers), *self._bound()]
        elif load.processes > 1:
            command += ["--processes", str(load.processes), *self._bound()]
            command += ["--master-host", self._meeting_point[0]]
            command += ["--master-port", self._meeting_point[1]]
        return self._start("locust", "load", command, self._load_environment())

    def worker_command(self) -> str:
        """How to start a load process elsewhere; it gets scenario and profile from the master."""
        host, port = self._meeting_point
        host = "<this machine>" if host in ("*", "0.0.0.0", "::") else host
        return f"locust -f - --worker --master-host {host} --master-port {port}"

    def chaos(self) -> Process:
        """The experiment, with settings of our own: a personal settings file must not change it."""
        settings = self._raw / "chaos-settings.yaml"
        settings.write_text("{}\n", encoding="utf-8")
        command = [
            *(sys.executable, "-m", "chaostoolkit", "--no-version-check"),
            *("--settings", str(settings), "--log-file", str(self._raw / "chaostoolkit.log")),
            *("run", "--rollback-strategy", "always"),
            *("--journal-path", str(self._raw / "journal.json")),
            str(self._plan.experiment.path),
        ]
        return self._start("chaos", "experiment", command, self._experiment_environment())

    def audit(self, number: int) -> Process:
        """Reads every object of every session once more; `number` is 1 or 2."""
        command = [
            *(sys.executable, "-m", "statedrill.load.audit"),
            *("--history", str(self._folder / "history"), "--host", self._target.url),
            *("--run", self._plan.run, "--worker", str(AUDIT_WORKER + number)),
            *("--patience", f"{self._plan.timings.replacement_s + _START_S:g}"),
        ]
        return self._start(f"audit-{number}", "audit", command, self._load_environment())

    def journal(self) -> dict[str, Any]:
        """What Chaos Toolkit says it did: status, deviated, and every activity that failed.

        Its exit code is 0 when a fault action raised, so only the journal counts.
        """
        try:
            journal = json.loads((self._raw / "journal.json").read_text(encoding="utf-8"))
        except (FileNotFoundError, ValueError):
            return {
                "status": "no journal",
                "deviated": None,
                "failed": ["Chaos Toolkit was stopped before it wrote its journal"],
            }
        failed = [
            f"{each['activity'].get('name', '?')}: {_last_line(each.get('exception'))}"
            for part in ("run", "rollbacks")
            for each in journal.get(part) or []
            if each.get("status") != "succeeded"
        ]
        before = (journal.get("steady_states") or {}).get("before") or {}
        if before and not before.get("steady_state_met"):
            failed.append("the steady state was not met before the method: nothing was executed")
        return {
            "status": journal.get("status"),
            "deviated": journal.get("deviated"),
            "failed": failed,
        }

    def _bound(self) -> list[str]:
        host, port = self._meeting_point
        return ["--master-bind-host", host, "--master-bind-port", port]

    @cached_property
    def _meeting_point(self) -> tuple[str, str]:
        """Where load processes meet: Locust's own choice is one port on every interface."""
        load = self._plan.load
        if load.master_bind_host:
            return load.master_bind_host, str(load.master_bind_port)
        host, port = self._target.extra_address(load.master_bind_port)
        return host, str(port)

    def _start(self, name: str, role: str, command: list[str], env: Mapping[str, str]) -> Process:
        child = self._target.registry.process(
            name, role, "", command, ready=lambda: True, env=env, cwd=self._raw
        )
        child.start(10.0)
        return child

    def _load_environment(self) -> dict[str, str]:
        plan = self._plan
        env = {
            # A personal ~/.locust.conf must not change a drill.
            "HOME": str(self._raw),
            "STATEDRILL_HISTORY": str(self._folder / "history"),
            "STATEDRILL_RUN": plan.run,
            "STATEDRILL_SEED": str(plan.seed),
            "STATEDRILL_PACE_S": f"{plan.load.pace_s:g}",
            "STATEDRILL_SHAPE_S": f"{plan.phases.run_time_s:g}",
            "STATEDRILL_TIMEOUT_S": f"{2 * plan.timings.load_balancer_timeout_s:g}",
            "STATEDRILL_CONTROL": str(self._target.control_file),
        }
        if plan.load.arrival_rate:
            env["STATEDRILL_ARRIVAL_RATE"] = f"{plan.load.arrival_rate!r}/s"
            env["STATEDRILL_ARRIVALS"] = plan.load.arrivals
        return env

    def _experiment_environment(self) -> dict[str, str]:
        timings = self._plan.timings
        replaced_s = timings.instance_detection_s + timings.instance_boot_s
        restored_s = max(
            timings.database_log_backup_s + timings.database_restore_s, timings.cache_restore_s
        )
        return {
            "STATEDRILL_CONTROL": str(self._target.control_file),
            # An outage must outlast the failovers that it causes, whatever the column of timings.
            "STATEDRILL_OUTAGE_S": f"{1.4 * max(timings.database_failover_s, replaced_s):g}",
            "STATEDRILL_PATIENCE_S": f"{60 + 8 * replaced_s + restored_s:g}",
        }


def _last_line(text: Any) -> str:
    if isinstance(text, list):
        text = "".join(str(each) for each in text)
    lines = str(text or "failed").strip().splitlines()
    return _EXCEPTION_PATHS.sub("", lines[-1]) if lines else "failed"
