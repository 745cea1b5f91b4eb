"""A consumer keeps a message of a FIFO queue and does not delete it: its message group waits.

What a worker does that hangs, or that has more to do than its visibility timeout allows. Named
after `receive_message` and `change_message_visibility` of boto3's sqs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, cast

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ClusterError, ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.faults.queues import HasFifoQueues

_VERB = "blocked by message group: it is not FIFO"
_KEPT_S = 43_200
"""The longest visibility timeout that SQS knows."""
_RECEIVE_S = 10.0
_PROOF_S = 20.0
_LOOKS = 50
"""So often in a row, for about a second, something must wait: workers take what they can sooner."""


def receive_message(queue_name: str | None = None) -> dict[str, Any]:
    """Receive a message of a FIFO queue (the first) and keep it: all else of its group waits.

    Returns when something waits behind it, which the workers would take at once.

    Raises:
        ControlFailure: the pattern has no FIFO queue, nobody sent a message to it, or nothing came
            after that one.
    """
    return fault(ReceiveMessage.action, QueueName=queue_name)


def change_message_visibility() -> dict[str, Any]:
    """Every message that is kept can be received again; its group goes on with it."""
    return call(ReceiveMessage.end_action)


@dataclass(frozen=True)
class Arguments:
    """Which queue; the first one."""

    queue_name: Annotated[str, "the name of a FIFO queue"] = ""


class ReceiveMessage(Fault):
    """A message of whoever writes next is in flight until the fault is undone."""

    name = "receive_message"
    action = "sqs/receive-message"
    end_action = "sqs/change-message-visibility"
    domain = "queue"
    client = "statedrill.faults.sqs.receive_message"
    description = "a consumer keeps a message of a FIFO queue, so all else of its group waits"
    arguments = Arguments
    phrase = "a consumer kept a message, and its message group waited"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._service = cast(HasFifoQueues, target.service("queue"))
        queues, name = self._service.fifo_queues(), arguments.queue_name
        if name and name not in queues:
            raise ControlError(
                f"there is no FIFO queue '{name}'", f"there are: {', '.join(queues)}"
            )
        self._queue = queues[name] if name else next(iter(queues.values()))
        self.targets = (self._queue.name,)
        self._kept: tuple[str, str, str] | None = None

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not("queue", HasFifoQueues, _VERB)

    @override
    def inject(self) -> None:
        def received() -> bool:
            self._kept = self._queue.receive(_KEPT_S)
            return self._kept is not None

        if not wait_for(received, _RECEIVE_S):
            raise ClusterError(f"no message of {self._queue.name} could be received")

    @override
    def prove(self) -> Proof:
        """Something waits in a queue whose workers wait for messages, and goes on waiting."""
        assert self._kept is not None  # else `inject` has raised
        (message, group, receipt), looks, least = self._kept, 0, 0

        def waits() -> bool:
            nonlocal looks, least
            waiting = self._queue.waiting()
            least = min(least, waiting) if looks else waiting
            looks = looks + 1 if waiting else 0
            return looks == _LOOKS

        proved = wait_for(waits, _PROOF_S) and self._is_there(receipt)
        told = f"message {message} of group {group} is in flight"
        behind = f"{least} wait behind it" if proved else "nothing waits behind it"
        return Proof(proved, f"{told}, and {behind} in {self._queue.name}")

    @override
    def is_over(self) -> bool:
        return self._kept is None and self._service.is_healthy()

    @override
    def undo(self) -> None:
        if self._kept and self._service.is_healthy():  # else it went with all the others
            self._queue.hide(self._kept[-1], 0)
        self._kept = None

    def _is_there(self, receipt: str) -> bool:
        """Whether the message is still that of whoever has its receipt."""
        try:
            self._queue.hide(receipt, _KEPT_S)
        except ClusterError:
            return False
        return True
