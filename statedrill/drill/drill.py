"""One drill, from the plan to a folder that can be judged.

1. Open the run folder and write the plan.
2. Raise the cluster until every role is ready.
3. Warm up, then the baseline: what the pattern does while nothing is broken.
4. Break: the experiment runs while the load goes on.
5. Heal every fault that is still open; the cluster must be whole again.
6. Settle, then the audit: read every object of every session once more. A pattern that promises
   to survive the loss of instances has all of them restarted and is read a second time.
7. Lower all processes and keep their logs.

Steps 5 to 7 run whatever happened before: an interrupted drill leaves a folder that can be
judged too. Knows the order only; what a process does, and what the record means, is elsewhere.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from statedrill.cluster.cluster import Cluster
from statedrill.drill.abort import Broken, Guard
from statedrill.drill.children import Children
from statedrill.drill.live import LiveFigures, Watch
from statedrill.errors import ClusterError, InputError, Interrupted, StatedrillError
from statedrill.history.events import Event, EventLog
from statedrill.plan.plan import Plan
from statedrill.processes.process import Process

_TICK_S = 0.25
_LOAD_START_S = 60.0
_LATE_S = 5.0
_HEAL_S = 120.0
_SETTLE_S = 30.0
_STOP_S = 20.0
_FAR_STOP_S = 90.0  # what was recorded elsewhere may still be under way
_AUDIT_S = 120.0


def drill(plan: Plan, folder: Path, watch: Watch) -> None:
    """Play `plan`; everything that happened is in `folder` afterwards. `watch` is told live.

    Raises:
        ClusterError: the cluster did not come up or could not be healed (the folder says why).
        InputError: the load generator could not make use of the scenario or the profile.
        OSError: the disk is full; what was recorded before is kept.
        Interrupted: Ctrl-C or SIGTERM; what was recorded is kept and was audited if possible.
    """
    plan.write(folder)
    _Drill(plan, folder, watch).play()


class _Drill:
    """The state of one drill: who is running, and in which phase."""

    def __init__(self, plan: Plan, folder: Path, watch: Watch) -> None:
        self.plan, self.folder, self.watch = plan, folder, watch
        self.events = EventLog(folder / "history" / "events.jsonl")
        self.events.listen(self._on_event)
        self.figures = LiveFigures(folder / "history")
        self.guard = Guard(plan.thresholds, folder / "history")
        self.cluster = Cluster(
            plan.pattern, plan.timings, folder, self.events.emit, plan.run, plan.seed
        )
        self.children = Children(plan, folder, self.cluster)
        self.load: Process | None = None
        self.phase = ""
        self.loaded_s = 0.0  # when the load began, monotonic
        self.silent: set[int] = set()  # load processes that are not heard any more
        self.interrupted = False
        self.cut_short = False  # by an interrupt, an error or a threshold that aborts

    def play(self) -> None:
        try:
            self._raise_cluster()
            self._warm_up_and_baseline()
            self._break()
        except KeyboardInterrupt:
            self._note_interrupt()
            self.watch.note("interrupted: healing, auditing and lowering; once more to skip that")
        except _Aborted as aborted:
            self._note_abort(aborted.broken)
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

    def _raise_cluster(self) -> None:
        self._enter("raise")
        self.cluster.start()

    def _warm_up_and_baseline(self) -> None:
        self._enter("warmup")
        self.load = self.children.locust()
        self._await_workers()
        self._until(
            lambda: self.figures.rate > 0, _LOAD_START_S, "the load generator sent nothing in time"
        )
        self.loaded_s = time.monotonic()
        self._gather()
        self._go_on(self.plan.phases.warmup_s)
        self._enter("baseline", self.plan.phases.baseline_s)
        self._go_on(self.plan.phases.baseline_s)

    def _await_workers(self) -> None:
        """Load processes that somebody else starts: say how, and wait for all of them."""
        load = self.plan.load
        if not load.expect_workers:
            return
        command = self.children.worker_command()
        self.watch.note(f"waiting for {load.expect_workers} load workers; start each with:")
        self.watch.note(command)
        end = time.monotonic() + load.expect_workers_max_wait_s
        while self.figures.processes < load.expect_workers:
            if time.monotonic() > end:
                raise ClusterError(
                    f"{self.figures.processes} of {load.expect_workers} load workers came within "
                    f"{load.expect_workers_max_wait_s:g} s",
                    f"start each with: {command}",
                )
            self._tick()

    def _gather(self) -> None:
        """Wait for all users; a profile that brings fewer at first is not waited for longer."""
        load = self.plan.load
        end = time.monotonic() + load.users / load.spawn_rate + _LATE_S
        while self.figures.users < load.users and time.monotonic() < end:
            self._tick()

    def _break(self) -> None:
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
        self._go_on(max(phases.recovery_s, rest_s))

    def _note_interrupt(self) -> None:
        self.interrupted = self.cut_short = True
        self.events.emit("interrupted", why=f"the user stopped the drill in {self.phase}")

    def _note_abort(self, broken: Broken) -> None:
        self.cut_short = True
        self.events.emit("aborted", threshold=broken.threshold, value=broken.value)
        self.watch.note(f"aborted: {broken.threshold} does not hold, measured {broken.value:.6g}")

    def _finish(self) -> None:
        """Steps 5 to 7. An interrupt here skips what is left of 5 and 6, never 7."""
        try:
            if self.load is not None:
                self._heal_and_audit()
        except KeyboardInterrupt:
            self._note_interrupt()
        except ClusterError as error:
            self.events.emit("crash", why=error.message)
            raise
        finally:
            self._stop()

    def _heal_and_audit(self) -> None:
        self._enter("recovery")
        self.cluster.restore(_HEAL_S)
        if not self.cut_short:
            try:
                self._recover()
            except _Aborted as aborted:
                self._note_abort(aborted.broken)
        self._enter("settle")
        assert self.load is not None
        self.load.stop(grace_s=_FAR_STOP_S if self.plan.load.expect_workers else _STOP_S)
        self.cluster.settle(_SETTLE_S)
        self._enter("audit")
        self._audit(1)
        if "instance" in self.plan.pattern.promise.survives and not self.cut_short:
            self._enter("second_audit")
            self.cluster.restart_instances(_HEAL_S)
            self._audit(2)

    def _audit(self, number: int) -> None:
        audit = self.children.audit(number)
        try:
            self._until(lambda: not audit.alive, _AUDIT_S, "the audit did not end in time")
        finally:
            audit.stop(grace_s=1.0)
        if audit.exit_code != 0:
            self.events.emit("crash", why=f"audit {number} failed: {audit.log_tail(3)}")

    def _stop(self) -> None:
        # An impatient third Ctrl-C must not leave a process behind: lowering is short, so it is
        # simply done again until it was done whole.
        while True:
            try:
                self._enter("end")
                self.cluster.stop()
                break
            except KeyboardInterrupt:
                continue
        self.events.close()

    def _enter(self, phase: str, seconds: float | None = None) -> None:
        self.phase = phase
        if phase != "raise":
            self.events.emit("phase", phase=phase)
        self.watch.phase(phase, seconds)

    def _on_event(self, event: Event) -> None:
        # The fault phase begins with the fault itself, not with the start of Chaos Toolkit.
        if event["event"] == "fault-begin" and self.phase == "baseline":
            self._enter("fault")
        self.watch.event(event)

    def _go_on(self, seconds: float) -> None:
        """Let the load run for `seconds`, telling the watch."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            self._tick()

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
        self.figures.update()
        self.watch.figures(self.figures)
        if self.cut_short:
            return  # one reason is enough; what is left is to save what was recorded
        self.events.raise_lost()
        if self.load is not None and self.phase in _LOADED:
            if not self.load.alive:
                self._complain_of_load(self.load)
            self._tell_who_is_silent()
        broken = self.guard.look(self.phase) if self.phase in _LOADED else None
        if broken:
            raise _Aborted(broken)

    def _tell_who_is_silent(self) -> None:
        for worker in set(self.figures.silent) - self.silent:
            self.silent.add(worker)
            self.events.emit("load-silent", worker=worker, phase=self.phase)
            self.watch.note(f"load process {worker} is silent: its users are on no record now")

    def _complain_of_load(self, load: Process) -> None:
        if not self.figures.processes:
            raise InputError(
                f"the load generator did not start: {load.log_tail(3)}",
                f"if that names the scenario or the profile, mend it; the full log: {load.log}",
            )
        raise ClusterError(
            f"the load generator ended in {self.phase}: {load.log_tail(3)}", f"see {load.log}"
        )


class _Aborted(Exception):
    """A threshold that ends the drill does not hold any more."""

    def __init__(self, broken: Broken) -> None:
        super().__init__(broken.threshold)
        self.broken = broken


_LOADED = ("warmup", "baseline", "fault", "recovery")
