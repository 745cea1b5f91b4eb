"""What faults may ask of queues: visibility timeouts, messages, and dead letters."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, runtime_checkable


class Queue(Protocol):
    """One queue and its dead-letter queue. Methods raise ClusterError when it does not answer."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def visibility_s(self) -> int:
        """The visibility timeout that it is made with."""

    @property
    def max_receive_count(self) -> int | None:
        """How often a message is received before it is a dead letter; None: for ever."""

    def visibility_timeout(self) -> int:
        """The visibility timeout that it has now, in seconds."""

    def set_visibility_timeout(self, seconds: int) -> None:
        """Hide what is received from now on for `seconds`."""

    def send_marked(self, body: str) -> str:
        """Put a message into it; returns the mark that it has from then on, wherever it is."""

    def depth(self) -> int:
        """Messages that are visible, in flight or delayed; dead letters are none of them."""

    def dead_letters(self) -> int:
        """Messages in its dead-letter queue."""

    def has_dead_letter(self, mark: str) -> bool:
        """Whether the message with this mark is in its dead-letter queue."""

    def delete_dead_letter(self, mark: str) -> bool:
        """Delete the message with this mark from its dead-letter queue; whether it was there."""

    def redrive(self) -> int:
        """Move every dead letter without a mark back, until none comes; returns how many."""


class FifoQueue(Queue, Protocol):
    """One FIFO queue."""

    def receive(self, visibility_s: int) -> tuple[str, str, str] | None:
        """Receive a message, which nobody else can do for `visibility_s`; None: none came.

        Returns its id, its message group and its receipt.
        """

    def hide(self, receipt: str, seconds: int) -> None:
        """Hide what was received for `seconds` from now on. Raises ClusterError when it is gone."""

    def waiting(self) -> int:
        """Messages that are neither received nor delayed; those of a group that waits, too."""


@runtime_checkable
class HasQueues(Protocol):
    """A service with queues that can be reached one by one."""

    def queues(self) -> Mapping[str, Queue]:
        """The queues by name."""

    def is_healthy(self) -> bool:
        """Whether the queues are there; with the service, what was set in them is gone."""


@runtime_checkable
class HasFifoQueues(Protocol):
    """A service with queues that keep the order of each message group."""

    def fifo_queues(self) -> Mapping[str, FifoQueue]:
        """The queues by name."""

    def is_healthy(self) -> bool:
        """Whether the queues are there; with the service, what was received is gone."""
