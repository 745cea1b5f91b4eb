"""A message that no consumer can apply is put into a queue: a poison message.

Named after `send_message` of boto3's sqs.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import Annotated, Any, cast

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.faults.queues import HasQueues, Queue

_POISON = "poison"
_LONGEST_S = 100.0  # the call that asks for the proof is given up later than that
_CONSUMER_S = 5.0


def send_message(message_body: str = _POISON, queue_name: str | None = None) -> dict[str, Any]:
    """Put a message into a queue (the first with a dead-letter queue) that nobody can apply.

    Returns when it is in the dead-letter queue.

    Raises:
        ControlFailure: the pattern has no queue with a dead-letter queue, or the message did not
            get there.
    """
    return fault(SendPoisonMessage.action, MessageBody=message_body, QueueName=queue_name)


@dataclass(frozen=True)
class Arguments:
    """What is sent, and to which queue; the first one that has a dead-letter queue."""

    message_body: Annotated[str, "a text"] = _POISON
    queue_name: Annotated[str, "the name of a queue"] = ""


class SendPoisonMessage(Fault):
    """A poison message, which its undoing deletes from the dead-letter queue."""

    name = "send_message"
    action = "sqs/send-message"
    domain = "queue"
    client = "statedrill.faults.sqs.send_message"
    description = "a poison message: no consumer can apply it, so it must end as a dead letter"
    arguments = Arguments
    phrase = "a poison message came"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._service = cast(HasQueues, target.service("queue"))
        self._queue, self._body = (
            _chosen(self._service, arguments.queue_name),
            arguments.message_body,
        )
        self.targets = (self._queue.name,)
        self._mark, self._sent = "", 0.0
        self._is_gone, self._is_undone = True, False

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if why := capabilities.why_not("queue", HasQueues, "sent a message"):
            return why
        without = f"no queue of pattern {capabilities.pattern} has a `max_receive_count`"
        return "" if capabilities.dead_letters else f"it would come for ever: {without}"

    @override
    def inject(self) -> None:
        self._sent = time.monotonic()
        self._mark = self._queue.send_marked(self._body)
        self._is_gone = False

    @override
    def prove(self) -> Proof:
        """It is in the dead-letter queue, after as many deliveries as that takes."""
        count = self._queue.max_receive_count or 0
        longest_s = min(_LONGEST_S, count * self._queue.visibility_s + _CONSUMER_S)
        proved = wait_for(lambda: self._queue.has_dead_letter(self._mark), longest_s)
        after_s = time.monotonic() - self._sent
        where = f"the dead-letter queue of {self._queue.name}"
        if proved:
            return Proof(True, f"message {self._mark} was in {where} after {after_s:.1f} s")
        return Proof(False, f"message {self._mark} is not in {where} after {after_s:.1f} s")

    @override
    def is_over(self) -> bool:
        return self._is_undone and self._delete()

    @override
    def undo(self) -> None:
        """Delete it; one that is still on its way is deleted when it is a dead letter."""
        self._is_undone = True
        with contextlib.suppress(ClusterError):  # it is looked for again
            self._delete()

    def _delete(self) -> bool:
        """Delete it if it can be deleted now; whether it is gone."""
        if not self._is_gone:
            # Asked first: what leaves the queue after that is found among the dead letters.
            nothing_on_its_way = self._queue.depth() == 0
            self._is_gone = self._queue.delete_dead_letter(self._mark) or nothing_on_its_way
        return self._is_gone


def _chosen(service: HasQueues, name: str) -> Queue:
    with_dead_letters = {
        queue.name: queue for queue in service.queues().values() if queue.max_receive_count
    }
    if name and name not in with_dead_letters:
        raise ControlError(
            f"there is no queue '{name}' with a dead-letter queue",
            f"there are: {', '.join(with_dead_letters)}",
        )
    return with_dead_letters[name] if name else next(iter(with_dead_letters.values()))
