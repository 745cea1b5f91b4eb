"""Receiving from one SQS queue and deleting from it, ten messages at a time.

Knows the queue and the shape of a message; does not know what becomes of a write.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from reference_app.aws.clients import FAILED, LONG_POLL_S, brief
from reference_app.model.ordering import Queued, parsed

logger = logging.getLogger(__name__)
BATCH = 10
RETRY_START_S = 0.2


@dataclass(frozen=True, slots=True)
class Delivery:
    """A write as it was received once; after `expires_s` the queue gives it out again."""

    queued: Queued
    receipt: str
    expires_s: float
    inbox: Inbox


class Inbox:
    """One queue; `visibility_s` is known after `start`."""

    def __init__(self, sqs: Any, url: str) -> None:
        self._sqs = sqs
        self._url = url
        self.visibility_s = 30.0

    async def start(self) -> None:
        """Wait until the queue is there, and learn its visibility timeout."""
        waiting = False
        while True:
            try:
                answer = await self._sqs.get_queue_attributes(
                    QueueUrl=self._url, AttributeNames=["VisibilityTimeout"]
                )
                self.visibility_s = float(answer["Attributes"]["VisibilityTimeout"])
                return
            except FAILED as error:
                if not waiting:
                    logger.warning("waiting for queue %s (%s)", self._url, brief(error))
                waiting = True
                await asyncio.sleep(RETRY_START_S)

    async def receive(self) -> list[Delivery]:
        """Up to ten writes, after waiting for the first one up to LONG_POLL_S. Raises FAILED."""
        asked_s = time.monotonic()
        answer = await self._sqs.receive_message(
            QueueUrl=self._url, MaxNumberOfMessages=BATCH, WaitTimeSeconds=LONG_POLL_S
        )
        messages = answer.get("Messages", [])
        # Counted from the answer, but never so long that a slow answer could outlive the timeout.
        expires_s = max(asked_s, time.monotonic() - 1) + self.visibility_s
        deliveries: list[Delivery] = []
        strange: list[str] = []
        for message in messages:
            try:
                queued = parsed(message["Body"])
            except ValueError as error:
                logger.error("message %s is dropped: %s", message["MessageId"], error)
                strange.append(message["ReceiptHandle"])
                continue
            deliveries.append(Delivery(queued, message["ReceiptHandle"], expires_s, self))
        if strange:  # nobody was promised anything about these
            await self._delete(strange)
        return deliveries

    async def delete(self, deliveries: Sequence[Delivery]) -> None:
        """Tell the queue that these are done. A failure is logged only: they come again then."""
        receipts = [one.receipt for one in deliveries]
        for start in range(0, len(receipts), BATCH):
            await self._delete(receipts[start : start + BATCH])

    async def _delete(self, receipts: list[str]) -> None:
        entries = [
            {"Id": str(place), "ReceiptHandle": receipt} for place, receipt in enumerate(receipts)
        ]
        try:
            await self._sqs.delete_message_batch(QueueUrl=self._url, Entries=entries)
        except FAILED as error:
            logger.warning("%d messages could not be deleted (%s)", len(entries), brief(error))
