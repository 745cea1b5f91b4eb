"""The load generator of a drill, watched while it works: alive, heard, and within its thresholds.

A profile that is over ends the generator by itself: that is no failure, if its record is whole.
Knows the generator's process and what it writes; does not know what a drill does about it.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from statedrill.drill.abort import AbortMonitor
from statedrill.drill.live import LiveFigures, Observers
from statedrill.errors import ClusterError, InputError
from statedrill.history.events import Emit
from statedrill.history.follow import all_recorders_ended
from statedrill.processes.process import Process

BREAKPOINT_FILE = "breakpoint.json"  # written by the profile when its test ends


class LoadMonitor:
    """Looks at the load that writes its record into `history`; `figures` are its newest ones.

    `has_ended` says that the generator ended by itself because its profile was over.
    """

    def __init__(
        self, history: Path, thresholds: Sequence[str], emit: Emit, observers: Observers
    ) -> None:
        self.figures = LiveFigures(history)
        self.has_ended = False
        self._history, self._emit, self._observers = history, emit, observers
        self._abort = AbortMonitor(thresholds, history)
        self._silent: set[int] = set()

    def look(self, load: Process, phase: str) -> None:
        """Check the generator `load` once, during `phase`.

        Raises:
            InputError: it ended before it sent anything, with what it wrote last.
            ClusterError: it ended in the middle of its work.
            Aborted: a threshold that ends the drill does not hold any more.
        """
        if not load.alive and not self.has_ended:
            self._on_exit(load, phase)
        if not self.has_ended:
            self._report_silent_processes(phase)
        self._abort.look(phase)

    def report_breakpoint(self) -> None:
        """Emit what the profile found, if it searched the breaking point; the load is over."""
        try:
            text = (self._history / BREAKPOINT_FILE).read_text(encoding="utf-8")
            found = {key: json.loads(text)[key] for key in ("held", "broke", "unit", "why")}
        except FileNotFoundError:
            return
        except (OSError, ValueError, LookupError, TypeError) as error:
            self._observers.note(f"the result of the profile cannot be read: {error}")
            return
        self._emit("breakpoint", **found)
        broke = f", {found['broke']:g} broke: {found['why']}" if found["broke"] else ""
        self._observers.note(f"breaking point: {found['held']:g} {found['unit']} held{broke}")

    def _on_exit(self, load: Process, phase: str) -> None:
        # An exit code alone is not believed: every record must say that it is whole.
        if load.exit_code == 0 and all_recorders_ended(self._history):
            self.has_ended = True
            self._emit("load-ended", phase=phase)
            self._observers.note(f"the profile has ended by itself in {phase}")
            return
        if not self.figures.processes:
            raise InputError(
                f"the load generator did not start: {load.log_tail(3)}",
                f"if that names the scenario or the profile, mend it; the full log: {load.log}",
            )
        raise ClusterError(
            f"the load generator ended in {phase}: {load.log_tail(3)}", f"see {load.log}"
        )

    def _report_silent_processes(self, phase: str) -> None:
        for worker in set(self.figures.silent) - self._silent:
            self._silent.add(worker)
            self._emit("load-silent", worker=worker, phase=phase)
            self._observers.note(f"load process {worker} is silent: its users are on no record now")
