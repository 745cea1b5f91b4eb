"""Publishing to one SNS topic, several waiting messages in one request.

Knows the topic; knows nothing of what is in a message. While requests are in flight, further
messages wait and are sent together: a request carries ten under load and one when it is quiet.
"""

from __future__ import annotations

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Any

from reference_app.aws.clients import FAILED, AwsClients, surely_not_done
from reference_app.model.model import OutcomeUnknown, ShopError, Unavailable
from reference_app.outages import describe, retry_until_ready

BATCH = 10
BATCH_BYTES = 250_000
"""SNS takes at most ten messages and 256 KiB in one request."""
REQUESTS_AT_ONCE = 4
ATTEMPTS = 2


@dataclass(frozen=True, slots=True)
class GroupPlace:
    """Where a message belongs in a FIFO topic: its group, and what tells it from its repetitions.

    SNS knows repetitions for five minutes. Both are at most 128 letters.
    """

    group: str
    deduplication_id: str


@dataclass(slots=True)
class _Message:
    body: str
    kind: str
    place: GroupPlace | None
    accepted: asyncio.Future[None]


class SnsPublisher:
    """One SNS topic; a message counts as accepted when SNS has confirmed it by its id."""

    def __init__(self, aws: AwsClients, topic_arn: str) -> None:
        self._aws = aws
        self._topic_arn = topic_arn
        self._sns: Any = None
        self._waiting: deque[_Message] = deque()
        self._in_flight: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Wait until the topic is there."""
        self._sns = await self._aws.client("sns")
        await retry_until_ready(self._get_topic, f"topic {self._topic_arn}", FAILED)

    async def publish(self, body: str, kind: str, place: GroupPlace | None = None) -> None:
        """Return when the message is accepted; a FIFO topic needs its `place`.

        It may be published twice, so consumers must deduplicate. A FIFO topic delivers it behind
        every message of its group that was accepted before. Raises Unavailable (it was not
        accepted) or OutcomeUnknown.
        """
        accepted: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Message(body, kind, place, accepted))
        self._dispatch()
        await accepted

    async def health(self) -> str:
        """`ok`, or what is wrong."""
        try:
            await self._get_topic()
        except FAILED as error:
            return describe(error)
        return "ok"

    async def _get_topic(self) -> None:
        await self._sns.get_topic_attributes(TopicArn=self._topic_arn)

    def _dispatch(self) -> None:
        while self._waiting and len(self._in_flight) < REQUESTS_AT_ONCE:
            sending = asyncio.create_task(self._send(self._next_batch()))
            self._in_flight.add(sending)
            sending.add_done_callback(self._on_sent)

    def _on_sent(self, sending: asyncio.Task[None]) -> None:
        self._in_flight.discard(sending)
        self._dispatch()

    def _next_batch(self) -> list[_Message]:
        batch: list[_Message] = []
        free_bytes = BATCH_BYTES
        while self._waiting and len(batch) < BATCH:
            free_bytes -= len(self._waiting[0].body.encode())
            if batch and free_bytes < 0:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _send(self, batch: list[_Message]) -> None:
        try:
            failures = await self._publish_batch(batch)
        except BaseException as error:
            for message in batch:
                if not message.accepted.done():
                    sentence = f"publishing broke ({describe(error)})"
                    message.accepted.set_exception(OutcomeUnknown(sentence))
            raise
        for place, message in enumerate(batch):
            if message.accepted.done():  # the request that waited for it was cancelled
                continue
            if place in failures:
                message.accepted.set_exception(failures[place])
            else:
                message.accepted.set_result(None)

    async def _publish_batch(self, batch: list[_Message]) -> dict[int, ShopError]:
        """The failures by place in the batch, after the last attempt."""
        failures: dict[int, ShopError] = {}
        unknown = False
        for _ in range(ATTEMPTS):
            try:
                reply = await self._sns.publish_batch(
                    TopicArn=self._topic_arn, PublishBatchRequestEntries=_entries(batch)
                )
            except FAILED as error:
                unknown = unknown or not surely_not_done(error)
                failure = OutcomeUnknown if unknown else Unavailable
                sentence = f"the topic does not answer ({describe(error)})"
                failures = {place: failure(sentence) for place in range(len(batch))}
            else:
                return {
                    int(each["Id"]): Unavailable(f"the topic refuses ({each.get('Message', '')})")
                    for each in reply.get("Failed", [])
                }
        return failures


def _entries(batch: list[_Message]) -> list[dict[str, Any]]:
    return [
        {
            "Id": str(place),
            "Message": message.body,
            "MessageAttributes": {"kind": {"DataType": "String", "StringValue": message.kind}},
            **_placed(message.place),
        }
        for place, message in enumerate(batch)
    ]


def _placed(place: GroupPlace | None) -> dict[str, str]:
    if place is None:
        return {}
    return {
        "MessageGroupId": place.group,
        "MessageDeduplicationId": place.deduplication_id,
    }
