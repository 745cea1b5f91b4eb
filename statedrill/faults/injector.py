"""Injects faults into one target and undoes them; the target's own record of what is broken.

Emits begin, proof and end of each fault, and keeps the ledger of those that are open. Knows the
life of a fault; does not know how any fault is made.
"""

from __future__ import annotations

import contextlib
import itertools
import threading
import time
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from statedrill import faults
from statedrill.control.server import Action
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.arguments import read_arguments
from statedrill.faults.base import Fault, FaultTarget, Proof
from statedrill.faults.ledger import FaultLedger, OpenFault
from statedrill.history.events import Emit

_TICK_S = 0.1
_END_S = 5.0
"""How long an end may take, at least, to be noticed once the target is healthy."""


@dataclass
class _Injected:
    """A fault that is open: its id, and how it will have ended ("by itself", "rollback", ...)."""

    id: str
    fault: Fault
    how: str = "by itself"
    entry: OpenFault | None = None  # as it stands in the ledger
    is_watched: bool = False  # from its proof on, whatever that says


class FaultInjector:
    """Injects one fault at a time into `target`, numbers them `f1`, `f2`, ..., ends each once."""

    def __init__(self, target: FaultTarget, emit: Emit, ledger: FaultLedger) -> None:
        self._target, self._emit, self._ledger = target, emit, ledger
        self._one_at_a_time = threading.RLock()
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._open: list[_Injected] = []
        self._closing = threading.Event()
        self._watcher = threading.Thread(target=self._watch, name="faults", daemon=True)

    def start(self) -> None:
        """Begin to look for the ends of faults."""
        self._watcher.start()

    def actions(self) -> dict[str, Action]:
        """What the control address can do: every fault by its path, and every end by hand."""
        table: dict[str, Action] = {}
        for kind in faults.FAULTS:
            table[kind.action] = partial(self.inject, kind)
            if kind.end_action:
                table[kind.end_action] = partial(self.end, kind)
        return table

    def open(self) -> list[str]:
        """The ids of the faults that have no end yet, the oldest first."""
        return [each.id for each in self._opened()]

    def inject(self, kind: type[Fault], given: Mapping[str, Any]) -> dict[str, object]:
        """Inject a fault of `kind` with the arguments `given`; returns its id, targets and proof.

        Raises:
            ControlError: wrong arguments, or there is nothing to break; nothing was broken.
        """
        arguments = read_arguments(kind.arguments, given)
        with self._one_at_a_time:
            if why := kind.why_unavailable(self._target.capabilities):
                raise ControlError(why, "choose another fault, or another pattern")
            if lacking := kind.equipment - set(self._target.equipment):
                raise ControlError(
                    f"{kind.name} needs {' and '.join(sorted(lacking))}, which this target lacks",
                    "start it for an experiment with this fault: `statedrill up --experiment …`",
                )
            fault = kind(self._target, arguments)
            injected = _Injected(f"f{next(self._numbers)}", fault)
            self._begin(injected)
            proof = self._inject_and_prove(injected)
            self._emit("fault-proof", fault=injected.id, proved=proof.proved, proof=proof.sentence)
            injected.is_watched = True
            return {
                "fault": injected.id,
                "targets": list(injected.fault.targets),
                "proved": proof.proved,
                "proof": proof.sentence,
            }

    def end(self, kind: type[Fault], given: Mapping[str, Any]) -> dict[str, object]:
        """Undo the open faults of `kind` that the arguments `given` name, the newest first.

        Raises:
            ControlError: wrong arguments.
            ClusterError: a fault could not be undone.
        """
        arguments = read_arguments(kind.arguments, given)
        with self._one_at_a_time:
            opened = [each.fault for each in self._opened() if isinstance(each.fault, kind)]
            ended = kind.ended_by(arguments, opened, self._target.capabilities)
            found = [each for each in self._opened() if each.fault in ended]
            self._undo(found, "rollback")
            return {**asdict(arguments), "ended": [each.id for each in found]}

    def restore(self, deadline: float) -> list[str]:
        """Undo every open fault, the newest first; wait until the target is healthy and all ended.

        Returns the ids of those faults, the oldest first. Idempotent.

        Raises:
            ClusterError: a fault could not be undone, or is not over by `deadline` (monotonic
                seconds), or the target is not healthy then; says which, or what is missing.
        """
        with self._one_at_a_time:
            found = self._opened()
            self._undo(found, "healed")
            self._target.restore()
            self._target.wait_until_healthy(deadline)
            self._wait_over(max(deadline, time.monotonic() + _END_S))
            return [each.id for each in found]

    def close(self) -> None:
        """Look for ends no more, and undo what outlives the target; its parts need not be there.

        Raises:
            ClusterError: a fault could not be undone; it stays in the ledger.
        """
        self._closing.set()
        if self._watcher.is_alive():
            self._watcher.join()
        problems = []
        for each in reversed(self._opened()):
            try:
                each.fault.undo_left_behind(each.fault.undo_arguments())
                self._ledger.closed(each.id)
            except Exception as error:  # the others must be undone all the same
                problems.append(f"{each.fault.name}: {error}")
        if problems:
            raise ClusterError(f"not undone: {'; '.join(problems)}")

    def _begin(self, injected: _Injected) -> None:
        """Write the fault down and report it, before anything is broken."""
        fault = injected.fault
        self._write_down(injected)
        with self._lock:
            self._open.append(injected)
        zone = {"zone": fault.zone} if fault.zone else {}
        self._emit(
            "fault-begin",
            fault=injected.id,
            name=fault.name,
            domain=fault.domain,
            targets=list(fault.targets),
            phrase=fault.phrase,
            **zone,
        )

    def _inject_and_prove(self, injected: _Injected) -> Proof:
        try:
            injected.fault.inject()
            self._write_down(injected)
            return injected.fault.prove()
        except ClusterError as error:
            return Proof(False, f"not injected: {error.message}")
        except Exception as error:  # a defect of the fault proves nothing, and must not hide
            return Proof(False, f"not injected: {error!r}")

    def _undo(self, found: Iterable[_Injected], how: str) -> None:
        """Undo all of `found`, the newest first, whatever happens to one of them."""
        problems: list[ClusterError] = []
        for each in reversed(list(found)):
            each.how = how if each.how == "by itself" else each.how
            try:
                each.fault.undo()
            except (ClusterError, OSError) as error:
                problems.append(ClusterError(f"{each.fault.name} could not be undone: {error}"))
        if problems:
            raise problems[0]

    def _write_down(self, injected: _Injected) -> None:
        fault = injected.fault
        entry = OpenFault(injected.id, fault.name, fault.undo_arguments())
        if entry != injected.entry:
            injected.entry = entry
            self._ledger.opened(entry)

    def _opened(self) -> list[_Injected]:
        with self._lock:
            return list(self._open)

    def _wait_over(self, deadline: float) -> None:
        while left := self._opened():
            if time.monotonic() >= deadline:
                named = ", ".join(f"{each.fault.name} ({each.id})" for each in left)
                raise ClusterError(f"undone, and not over all the same: {named}")
            time.sleep(_TICK_S / 4)

    def _watch(self) -> None:
        while not self._closing.wait(_TICK_S):
            for each in self._opened():
                # A target that cannot be asked right now is asked again at the next look.
                with contextlib.suppress(ClusterError, OSError):
                    if each.is_watched and each.fault.is_over():
                        self._end(each)

    def _end(self, injected: _Injected) -> None:
        self._ledger.closed(injected.id)
        with self._lock:
            self._open.remove(injected)
        self._emit("fault-end", fault=injected.id, how=injected.how)
