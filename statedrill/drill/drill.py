"""One drill, from the plan to a folder that can be judged.

1. Open the run folder and write the plan.
2. Start the target and wait until it can serve users.
3. Warm up, then the baseline: what the pattern does while nothing is broken.
4. Break: on a target that is healthy, the experiment runs while the load goes on.
5. Undo every fault that is still open; the target must be healthy again.
6. Settle, then the audit: read every object of every session once more. A pattern that promises
   to survive the loss of instances has all of them restarted and is read a second time.
7. Stop the target and keep the logs.

A profile that ends by itself ends the load: what was to come under load is left out. Steps 5 to 7
run whatever happened before: an interrupted drill leaves a folder that can be judged too. Knows
the order only; what a process does, and what the record means, is elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from statedrill.drill.abort import Aborted
from statedrill.drill.children import Children
from statedrill.drill.live import DrillObserver, Observers
from statedrill.drill.load_monitor import LoadMonitor
from statedrill.errors import ClusterError, Interrupted, StatedrillError
from statedrill.history.event_log import EventLog
from statedrill.history.events import Event
from statedrill.plan.plan import Plan
from statedrill.processes.process import Process
from statedrill.target import MakeTarget

_TICK_S = 0.25
_LOAD_START_S = 60.0
_LATE_S = 5.0
_RESTART_S = 120.0
_SETTLE_S = 30.0
_STOP_S = 20.0
_FAR_STOP_S = 90.0  # what was recorded elsewhere may still be under way
_AUDIT_S = 120.0
_AUDIT_OF_A_SESSION_S = 0.1


def drill(
    plan: Plan, folder: Path, make_target: MakeTarget, observers: Sequence[DrillObserver] = ()
) -> None:
    """Play `plan` on a target; everything that happened is in `folder` afterwards.

    Raises:
        ClusterError: the target did not start or could not be restored (the folder says why).
        InputError: the load generator could not make use of the scenario or the profile.
        OSError: the disk is full; what was recorded before is kept.
        Interrupted: Ctrl-C or SIGTERM; what was recorded is kept and was audited if possible.
    """
    plan.write(folder)
    _Drill(plan, folder, make_target, observers).play()


class _Drill:
    """The state of one drill: who is running, and in which phase."""

    def __init__(
        self,
        plan: Plan,
        folder: Path,
        make_target: MakeTarget,
        observers: Sequence[DrillObserver],
    ) -> None:
        self.plan, self.folder, self.observers = plan, folder, Observers(observers)
        history = folder / "history"
        self.events = EventLog(history / "events.jsonl")
        self.events.listen(self._on_event)
        self.target = make_target(self.events.emit)
        self.children = Children(plan, folder, self.target)
        self.monitor = LoadMonitor(history, plan.thresholds, self.events.emit, self.observers)
        self.load: Process | None = None
        self.phase = ""
        self.loaded_s = 0.0  # when the load began, monotonic
        self.interrupted = False
        self.cut_short = False  # by an interrupt, an error or a threshold that aborts

    def play(self) -> None:
        try:
            self._start_target()
            self._warm_up_and_baseline()
            if not self.monitor.has_ended:
                self._break()
        except KeyboardInterrupt:
            self._note_interrupt()
            self.observers.note(
                "interrupted: restoring, auditing and stopping; once more to skip that"
            )
        except Aborted as aborted:
            self._note_abort(aborted)
        except StatedrillError as error:
            self.cut_short = True
            self.events.emit("crash", why=error.message)
            raise
        except OSError:
            self.cut_short = True
            raise
        finally:
            self._finish()
        self.events.raise_lost()
        if self.interrupted:
            raise Interrupted(
                f"the drill was interrupted; what it recorded is in {self.folder}",
                f"judge it with: statedrill check {self.folder}",
            )

    def _start_target(self) -> None:
        self._enter("start")
        self.target.start()

    def _warm_up_and_baseline(self) -> None:
        self._enter("warmup")
        self.load = self.children.locust()
        self._await_workers()
        self._until(
            lambda: self.monitor.figures.rate > 0 or self.monitor.has_ended,
            _LOAD_START_S,
            "the load generator sent nothing in time",
        )
        self.loaded_s = time.monotonic()
        self._await_users()
        self._let_load_run(self.plan.phases.warmup_s)
        self._enter("baseline", self.plan.phases.baseline_s)
        self._let_load_run(self.plan.phases.baseline_s)

    def _await_workers(self) -> None:
        """Load processes that the user starts elsewhere: say how, and wait for all of them."""
        load = self.plan.load
        if not load.expect_workers:
            return
        command = self.children.worker_command()
        self.observers.note(f"waiting for {load.expect_workers} load workers; start each with:")
        self.observers.note(command)
        end = time.monotonic() + load.expect_workers_max_wait_s
        while self.monitor.figures.processes < load.expect_workers:
            if time.monotonic() > end:
                raise ClusterError(
                    f"{self.monitor.figures.processes} of {load.expect_workers} load workers came "
                    f"within {load.expect_workers_max_wait_s:g} s",
                    f"start each with: {command}",
                )
            self._tick()

    def _await_users(self) -> None:
        """Wait for all users, or for as many as the profile plans at first."""
        load, figures = self.plan.load, self.monitor.figures
        spawned = time.monotonic() + load.users / load.spawn_rate
        while figures.users < load.users and self._load_goes_on(spawned + _LATE_S):
            if time.monotonic() > spawned and 0 < figures.planned_users <= figures.users:
                return
            self._tick()

    def _break(self) -> None:
        if missing := self.target.missing():
            why = f"the target was not healthy before the experiment: {'; '.join(missing)}"
            failed = [f"{why}; nothing was executed"]
            self.events.emit("experiment", status="not started", deviated=None, failed=failed)
            return
        if self.plan.experiment.domain is None:
            self._enter("fault")
        experiment = self.children.chaos()
        try:
            while experiment.alive:
                self._tick()
        finally:
            experiment.stop(grace_s=1.0)
            self.events.emit("experiment", **self.children.journal())

    def _recover(self) -> None:
        phases = self.plan.phases
        rest_s = phases.run_time_s - (time.monotonic() - self.loaded_s)
        self._let_load_run(max(phases.recovery_s, rest_s))

    def _note_interrupt(self) -> None:
        self.interrupted = self.cut_short = True
        self.events.emit("interrupted", why=f"the user stopped the drill in {self.phase}")

    def _note_abort(self, aborted: Aborted) -> None:
        self.cut_short = True
        self.events.emit("aborted", threshold=aborted.threshold, value=aborted.value)
        self.observers.note(
            f"aborted: {aborted.threshold} does not hold, measured {aborted.value:.6g}"
        )

    def _finish(self) -> None:
        """Steps 5 to 7. An interrupt here skips what is left of 5 and 6, never 7."""
        try:
            if self.load is not None:
                self._restore_and_audit(self.load)
        except KeyboardInterrupt:
            self._note_interrupt()
        except ClusterError as error:
            self.events.emit("crash", why=error.message)
            raise
        finally:
            self._stop_target()

    def _restore_and_audit(self, load: Process) -> None:
        self._enter("recovery")
        self.target.restore()
        if not self.cut_short:
            try:
                self._recover()
            except Aborted as aborted:
                self._note_abort(aborted)
        self._enter("settle")
        load.stop(grace_s=_FAR_STOP_S if self.plan.load.expect_workers else _STOP_S)
        self.monitor.report_breakpoint()
        self.target.settle(_SETTLE_S)
        self._enter("audit")
        whole = self._audit(1)
        if whole and "instance" in self.plan.pattern.promise.survives and not self.cut_short:
            self._enter("second_audit")
            self.target.restart_instances(_RESTART_S)
            self._audit(2)

    def _audit(self, number: int) -> bool:
        """Read everything; whether the target is there to be read once more."""
        limit_s = _AUDIT_S + _AUDIT_OF_A_SESSION_S * self.plan.load.users
        audit = self.children.audit(number)
        try:
            self._until(lambda: not audit.alive, limit_s, "the audit did not end in time")
        finally:
            audit.stop(grace_s=1.0)
        if audit.exit_code != 0:
            self.events.emit("crash", why=f"audit {number} failed: {audit.log_tail(3)}")
        return audit.exit_code == 0

    def _stop_target(self) -> None:
        # An impatient third Ctrl-C must not leave a process behind: stopping is short, so it is
        # simply repeated until it was completed.
        while True:
            try:
                self._enter("end")
                self.target.stop()
                break
            except KeyboardInterrupt:
                continue
        self.events.close()

    def _enter(self, phase: str, seconds: float | None = None) -> None:
        self.phase = phase
        if phase != "start":
            self.events.emit("phase", phase=phase)
        self.observers.phase(phase, seconds)

    def _on_event(self, event: Event) -> None:
        # The fault phase begins with the fault itself, not with the start of Chaos Toolkit.
        if event["event"] == "fault-begin" and self.phase == "baseline":
            self._enter("fault")
        self.observers.event(event)

    def _let_load_run(self, seconds: float) -> None:
        """Wait for `seconds`, or until the load ends by itself; keep the observers informed."""
        end = time.monotonic() + seconds
        while self._load_goes_on(end):
            self._tick()

    def _load_goes_on(self, end: float) -> bool:
        return time.monotonic() < end and not self.monitor.has_ended

    def _until(self, condition: Callable[[], bool], seconds: float, else_: str) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise ClusterError(
                    f"{else_} ({seconds:g} s)", f"see the logs in {self.folder / 'logs'}"
                )
            self._tick()

    def _tick(self) -> None:
        time.sleep(_TICK_S)
        figures = self.monitor.figures
        figures.update()
        self.observers.figures(figures)
        if self.cut_short:
            return  # one reason is enough; what is left is to save what was recorded
        self.events.raise_lost()
        if self.load is not None and self.phase in _LOADED:
            self.monitor.look(self.load, self.phase)


_LOADED = ("warmup", "baseline", "fault", "recovery")
