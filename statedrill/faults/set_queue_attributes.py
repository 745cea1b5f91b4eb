"""The visibility timeout of every queue is wrong: what is received stays visible for all others.

Named after `set_queue_attributes` of boto3's sqs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof
from statedrill.faults.queues import HasQueues, Queue

_LONGEST_S = 43_200


def set_queue_attributes(visibility_timeout: int = 0) -> dict[str, Any]:
    """Give every queue this visibility timeout in seconds; with 0 each message comes many times.

    Raises:
        ControlFailure: the pattern has no queue, or its queues did not take the value.
    """
    return fault(SetQueueAttributes.action, VisibilityTimeout=visibility_timeout)


@dataclass(frozen=True)
class Arguments:
    """The visibility timeout of every queue."""

    visibility_timeout: Annotated[int, "whole seconds from 0 to 43200"] = 0


class SetQueueAttributes(Fault):
    """A redelivery storm; its undoing moves back what went to dead-letter queues meanwhile."""

    name = "set_queue_attributes"
    action = "sqs/set-queue-attributes"
    domain = "queue"
    client = "statedrill.faults.sqs.set_queue_attributes"
    description = "another visibility timeout for every queue; with 0 each message comes many times"
    arguments = Arguments
    phrase = "queues delivered every message again and again"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._seconds = arguments.visibility_timeout
        if not 0 <= self._seconds <= _LONGEST_S:
            raise ControlError(
                f"VisibilityTimeout is {self._seconds}",
                f"give whole seconds from 0 to {_LONGEST_S}",
            )
        self._service = cast(HasQueues, target.service("queue"))
        self._queues: list[Queue] = list(self._service.queues().values())
        self.targets = [queue.name for queue in self._queues]
        self._is_undone = False
        if all(queue.visibility_timeout() == self._seconds for queue in self._queues):
            raise ControlError(
                f"VisibilityTimeout is {self._seconds} already", "give another number of seconds"
            )

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("queue", HasQueues, "given another visibility timeout")

    @override
    def inject(self) -> None:
        for queue in self._queues:
            queue.set_visibility_timeout(self._seconds)

    @override
    def prove(self) -> Proof:
        """Every queue says so itself."""
        found = {queue.name: queue.visibility_timeout() for queue in self._queues}
        told = ", ".join(f"{name}: {seconds} s" for name, seconds in found.items())
        return Proof(set(found.values()) == {self._seconds}, f"VisibilityTimeout is {told}")

    @override
    def is_over(self) -> bool:
        """Whether the queues are as they were; dead letters of after the undoing are moved."""
        if not self._service.is_healthy():
            return False
        if self._is_undone:
            for queue in self._queues:
                queue.redrive()
        return all(
            queue.visibility_timeout() == queue.visibility_s and not queue.dead_letters()
            for queue in self._queues
        )

    @override
    def undo(self) -> None:
        if not self._service.is_healthy():
            return  # it comes back as it was made
        for queue in self._queues:
            queue.set_visibility_timeout(queue.visibility_s)
        self._is_undone = True
        for queue in self._queues:
            queue.redrive()
