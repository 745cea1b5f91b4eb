"""The cluster's own record of faults: begin, proof, and the end when the world is whole again.

Knows when a fault is over by asking; knows not how anything is broken or mended.
"""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from statedrill.history.events import Emit

_TICK_S = 0.1


@dataclass
class Fault:
    """One thing broken; `over` tells when its part of the world is whole again."""

    id: str
    name: str
    targets: tuple[str, ...]
    over: Callable[[], bool]
    zone: str | None = None
    how: str = "by itself"
    proved: bool = False
    proof: str = ""
    watched: bool = field(default=False)

    def answer(self) -> dict[str, object]:
        """What the control address says about it."""
        return {
            "fault": self.id,
            "targets": list(self.targets),
            "proved": self.proved,
            "proof": self.proof,
        }


class FaultRecord:
    """Numbers faults `f1`, `f2`, … and ends each once, when it is over."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._numbers = itertools.count(1)
        self._lock = threading.Lock()
        self._open: list[Fault] = []
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="faults", daemon=True)

    def start(self) -> None:
        """Begin to watch for ends."""
        self._thread.start()

    def close(self) -> None:
        """Watch no more; faults that are open stay without an end."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join()

    def begin(
        self,
        name: str,
        domain: str,
        targets: Sequence[str],
        over: Callable[[], bool],
        zone: str | None = None,
    ) -> Fault:
        """A fault begins now: tell, before anything is broken."""
        fault = Fault(f"f{next(self._numbers)}", name, tuple(targets), over, zone)
        with self._lock:
            self._open.append(fault)
        where = {"zone": zone} if zone else {}
        self._emit(
            "fault-begin", fault=fault.id, name=name, domain=domain, targets=list(targets), **where
        )
        return fault

    def prove(self, fault: Fault, proved: bool, proof: str) -> dict[str, object]:
        """Say whether it really happened; from now on its end is watched for."""
        fault.proved, fault.proof = proved, proof
        self._emit("fault-proof", fault=fault.id, proved=proved, proof=proof)
        fault.watched = True
        return fault.answer()

    def open(self) -> list[Fault]:
        """The faults that have no end yet, oldest first."""
        with self._lock:
            return list(self._open)

    def wait_over(self, deadline: float) -> bool:
        """Whether no fault is open any more by `deadline` (monotonic seconds)."""
        while self.open():
            if time.monotonic() > deadline:
                return False
            time.sleep(_TICK_S / 4)
        return True

    def _watch(self) -> None:
        while not self._closing.wait(_TICK_S):
            for fault in self.open():
                if fault.watched and fault.over():
                    with self._lock:
                        self._open.remove(fault)
                    self._emit("fault-end", fault=fault.id, how=fault.how)
