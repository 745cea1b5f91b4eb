"""The clocks of instances are wrong, as after a virtual machine was resumed.

Times that one instance writes and another one reads, or that a user brings back in a token, are
where this hurts.
"""

from __future__ import annotations

import http.client
import time
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Annotated, Any, Protocol, cast

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Fault, FaultTarget, Proof, wait_for
from statedrill.faults.chosen_instances import Choice, chosen
from statedrill.faults.parts import Instance
from statedrill.vocabulary import Equipment

_TIMEOUT_S = 1.0
_PROOF_S = 10.0
_INEXACT_S = 3.0  # a Date header has whole seconds, is made in advance, and was on its way


def shift_clocks(
    seconds: int, instance_ids: list[str] | None = None, count: int | None = None
) -> dict[str, Any]:
    """Put the clocks of instances `seconds` ahead, or behind when it is negative.

    Without ids `count` of the instances in service, by default one, are drawn by the drill's seed.

    Raises:
        ControlFailure: no such instance, or its clock was not seen to be wrong.
    """
    return fault(ShiftClocks.action, Seconds=seconds, InstanceIds=instance_ids, Count=count)


class Clock(Protocol):
    """The clock of an instance."""

    def shift(self, seconds: int) -> None:
        """Let it be `seconds` ahead of (or, below 0, behind) the real time, in a moment."""


class HasClock(Protocol):
    """An instance with a clock of its own, as `equipment` demands."""

    @property
    def clock(self) -> Clock | None:
        """Its own clock; None when it has that of the machine."""


@dataclass(frozen=True)
class Arguments:
    """By how much, and which instances: those named, or `count` of them."""

    seconds: Annotated[int, "a whole number of seconds, negative for behind"]
    instance_ids: Annotated[tuple[str, ...], "a list of instance ids"] = ()
    count: Annotated[int, "a whole number from 1 up"] = 1


class ShiftClocks(Fault):
    """The wall clock only: what is measured by monotonic clocks goes on as before."""

    name = "shift_clocks"
    action = "ec2/shift-clocks"
    domain = "instance"
    client = "statedrill.faults.ec2.shift_clocks"
    description = "the wall clocks of one or several instances are wrong until it is undone"
    arguments = Arguments
    equipment = frozenset({Equipment.CLOCKS})

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._seconds = arguments.seconds
        if abs(self._seconds) <= 2 * _INEXACT_S:  # a right clock must not look like a wrong one
            raise ControlError(
                f"Seconds is {self._seconds}", f"give more than {2 * _INEXACT_S:g}: it must be seen"
            )
        self._instances = chosen(target, Choice(arguments.instance_ids, count=arguments.count))
        self.targets = [each.id for each in self._instances]
        way = "ahead" if self._seconds > 0 else "behind"
        self.phrase = f"clocks of instances were {abs(self._seconds):,} s {way}"

    @override
    def inject(self) -> None:
        self._shift(self._seconds)

    @override
    def prove(self) -> Proof:
        """Each instance says itself what time it is, in the header Date of an answer."""
        sentences = []
        for each in self._instances:
            proved = wait_for(partial(_shows, each, self._seconds), _PROOF_S)
            skew_s = _skew_s(each)
            told = "tells no time" if skew_s is None else f"is {skew_s:+.0f} s from the real time"
            sentences.append(f"{each.id} {told}")
            if not proved:
                return Proof(False, "; ".join(sentences))
        return Proof(True, "; ".join(sentences))

    @override
    def is_over(self) -> bool:
        return all(_shows(each, 0) for each in self._instances if each.process.alive)

    @override
    def undo(self) -> None:
        self._shift(0)

    def _shift(self, seconds: int) -> None:
        for each in self._instances:
            if clock := cast(HasClock, each).clock:
                clock.shift(seconds)


def _shows(instance: Instance, seconds: int) -> bool:
    skew_s = _skew_s(instance)
    return skew_s is not None and abs(skew_s - seconds) <= _INEXACT_S


def _skew_s(instance: Instance) -> float | None:
    """By how much the instance's time is ahead of this program's; None when it tells none."""
    connection = http.client.HTTPConnection(instance.address, instance.port, timeout=_TIMEOUT_S)
    try:
        connection.request("GET", "/health")
        told = connection.getresponse().getheader("Date") or ""
        return parsedate_to_datetime(told).timestamp() - time.time()
    except (OSError, http.client.HTTPException, ValueError):
        return None
    finally:
        connection.close()
