"""Receiving from one SQS queue and deleting from it, ten messages at a time.

Knows the queue and the shape of a message; does not know what becomes of a write. While a message
of a FIFO queue is in flight, its group waits, so what is received together is all that a worker
needs to keep the order: each write comes after the one before it in its group.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from reference_app.aws.clients import FAILED, LONG_POLL_S, is_fifo
from reference_app.model.ordering import QueuedWrite, parse_message
from reference_app.outages import describe, retry_until_ready

logger = logging.getLogger(__name__)
BATCH = 10
FIFO_POLL_S = 1
"""How much sooner than FIFO queues do, this worker may think that a receipt is worth nothing."""


@dataclass(frozen=True, slots=True)
class Delivery:
    """A write as it was received once; after `expires_s` the queue delivers it again."""

    queued: QueuedWrite
    receipt_handle: str
    expires_s: float
    reader: SqsReader


class SqsReader:
    """One queue. `visibility_s`: the visibility timeout that it was made with.

    The queue itself is not asked for it: a worker that starts while it is wrong would keep that.
    """

    def __init__(self, sqs: Any, url: str, visibility_s: float) -> None:
        self._sqs = sqs
        self._url = url
        self._visibility_s = visibility_s
        self._is_fifo = is_fifo(url)
        self._poll_s = FIFO_POLL_S if self._is_fifo else LONG_POLL_S
        self._has_dead_letters = False

    async def start(self) -> None:
        """Wait until the queue is there, and see whether it has a dead-letter queue."""

        async def read_attributes() -> None:
            found = await self._sqs.get_queue_attributes(
                QueueUrl=self._url, AttributeNames=["RedrivePolicy"]
            )
            self._has_dead_letters = bool(found.get("Attributes", {}).get("RedrivePolicy"))

        await retry_until_ready(read_attributes, f"queue {self._url}", FAILED)

    async def receive(self) -> list[Delivery]:
        """Up to ten writes, after waiting for the first one up to LONG_POLL_S. Raises FAILED."""
        asked_s = time.monotonic()
        found = await self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=BATCH,
            WaitTimeSeconds=self._poll_s,
            AttributeNames=["MessageGroupId"],
        )
        # Counted from the reply, but never so long that a slow reply could outlive the timeout;
        # surely not longer where a receipt that is too old is refused.
        received_s = asked_s if self._is_fifo else max(asked_s, time.monotonic() - 1)
        expires_s = received_s + self._visibility_s
        deliveries: list[Delivery] = []
        malformed: list[str] = []
        order = _GroupOrder()
        for message in found.get("Messages", []):
            try:
                queued = parse_message(message["Body"])
            except ValueError as error:
                logger.error("message %s is rejected: %s", message["MessageId"], error)
                malformed.append(message["ReceiptHandle"])
                continue
            if self._is_fifo:
                group = message.get("Attributes", {}).get("MessageGroupId", "")
                if (placed := order.place(queued, group)) is None:
                    continue
                queued = placed
            deliveries.append(Delivery(queued, message["ReceiptHandle"], expires_s, self))
        if malformed and self._has_dead_letters:
            await self._give_back(malformed)
        elif malformed:  # the application acknowledged none of these to any client
            await self._delete(malformed)
        return deliveries

    async def delete(self, deliveries: Sequence[Delivery]) -> None:
        """Delete what is applied. A failure is only logged: the queue delivers it again then."""
        handles = self._valid_handles(deliveries)
        for start in range(0, len(handles), BATCH):
            await self._delete(handles[start : start + BATCH])

    async def reject(self, deliveries: Sequence[Delivery]) -> None:
        """Have what can never be applied received again at once, so that it is soon a dead letter.

        Without a dead-letter queue it comes again after the visibility timeout.
        """
        handles = self._valid_handles(deliveries)
        for start in range(0, len(handles) if self._has_dead_letters else 0, BATCH):
            await self._give_back(handles[start : start + BATCH])

    def _valid_handles(self, deliveries: Sequence[Delivery]) -> list[str]:
        """The receipts that the queue still takes. A FIFO queue refuses one whose visibility
        timeout is over (API of ReceiveMessage), so what is deleted too late is not deleted: it
        comes again, and is found applied.
        """
        now_s = time.monotonic()
        valid = [each for each in deliveries if not self._is_fifo or each.expires_s > now_s]
        if late := len(deliveries) - len(valid):
            logger.warning("%d messages were applied too late to be deleted", late)
        return [each.receipt_handle for each in valid]

    async def _give_back(self, handles: list[str]) -> None:
        entries = [
            {"Id": str(place), "ReceiptHandle": handle, "VisibilityTimeout": 0}
            for place, handle in enumerate(handles)
        ]
        try:
            await self._sqs.change_message_visibility_batch(QueueUrl=self._url, Entries=entries)
        except FAILED as error:
            logger.warning("%d messages stay hidden (%s)", len(entries), describe(error))

    async def _delete(self, handles: list[str]) -> None:
        entries = [
            {"Id": str(place), "ReceiptHandle": handle} for place, handle in enumerate(handles)
        ]
        try:
            await self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        except FAILED as error:
            logger.warning("%d messages could not be deleted (%s)", len(entries), describe(error))


class _GroupOrder:
    """The order of the writes that a FIFO queue delivers together, as each write's predecessor."""

    def __init__(self) -> None:
        self._last: dict[tuple[str, str], str] = {}
        self._seen: set[str] = set()

    def place(self, queued: QueuedWrite, group: str) -> QueuedWrite | None:
        """The write after the one before it in its group; None when it was there already.

        A repetition, which its producer sent after the five minutes of deduplication, is left to
        come again: then it is found applied.
        """
        if queued.name in self._seen:
            return None
        self._seen.add(queued.name)
        user, wid = queued.write.user, queued.write.deduplication_id
        before = self._last.get((group, user))
        self._last[group, user] = wid
        return replace(queued, after=() if before is None else (before,))
