"""Whoever looks after the dead-letter queue deletes what he finds there."""

from __future__ import annotations

import asyncio
import json
import os
from contextlib import suppress
from dataclasses import replace
from typing import Any

from reference_app.aws.clients import FAILED, AwsClients
from reference_app.bugs.base import Bug
from reference_app.model.model import ORDERS, Credentials, Outcome, Write
from reference_app.model.ordering import parse_message
from reference_app.shop.service import ShopService

UNREADABLE = b"\0"
"""No text of PostgreSQL has it, so no worker can apply a write with it."""
TIMEOUT_S = 5.0
RETRY_S = 0.2


class DeadLetterSwallowsOrder(Bug):
    """Sends every nth order as no worker can apply it, and empties the dead-letter queue."""

    name = "dead-letter-swallows-order"
    description = (
        "every nth order is queued as no worker can apply it, and its dead letter is deleted unread"
    )
    seen_in = (
        "producers a version ahead of their consumers; handlers that log dead letters and go on"
    )
    found_as = ("lost",)
    default_number = 3
    needs = ("ORDERS_QUEUE_URL", "DATABASE_URL")

    def __init__(self, inner: ShopService, number: int) -> None:
        super().__init__(inner, number)
        self._emptying: asyncio.Task[None] | None = None

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        if write.object == ORDERS and self.store.queues_writes:
            self._emptying = self._emptying or asyncio.create_task(self._empty())
            if self.every_nth():
                write = replace(write, data=write.data + UNREADABLE)
        return await self.inner.write(credentials, write)

    async def stop(self) -> None:
        if self._emptying:
            self._emptying.cancel()
            await asyncio.gather(self._emptying, return_exceptions=True)
        await self.inner.stop()

    async def _empty(self) -> None:
        aws = AwsClients({"region_name": os.environ["AWS_REGION"]}, TIMEOUT_S, TIMEOUT_S)
        try:
            sqs = await aws.client("sqs")
            dead_letters = await _dead_letters_of(sqs, os.environ["ORDERS_QUEUE_URL"])
            while dead_letters:
                with suppress(*FAILED):
                    await self._delete_all(sqs, dead_letters)
                await asyncio.sleep(RETRY_S)
        finally:
            await aws.stop()

    async def _delete_all(self, sqs: Any, url: str) -> None:
        found = await sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10, WaitTimeSeconds=1)
        for message in found.get("Messages", []):
            await sqs.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])
            self.log_injection("swallowed", parse_message(message["Body"]).write.wid)


async def _dead_letters_of(sqs: Any, url: str) -> str:
    """The address of the dead-letter queue; empty when there is none."""
    found = await sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["RedrivePolicy"])
    policy = found.get("Attributes", {}).get("RedrivePolicy")
    if not policy:
        return ""
    name = json.loads(policy)["deadLetterTargetArn"].rpartition(":")[2]
    return str((await sqs.get_queue_url(QueueName=name))["QueueUrl"])
