"""Publishing to one SNS topic, several waiting messages in one request.

Knows the topic; knows nothing of what is in a message. While requests are under way, further
messages gather and leave together: one request carries ten under load and one when it is quiet.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from dataclasses import dataclass
from typing import Any

from reference_app.aws.clients import FAILED, Aws, brief, surely_not_done
from reference_app.model.model import ShopError, Unavailable, Uncertain

logger = logging.getLogger(__name__)
BATCH = 10
BATCH_BYTES = 250_000
"""SNS takes at most ten messages and 256 KiB in one request."""
AT_ONCE = 4
ATTEMPTS = 2
RETRY_START_S = 0.2


@dataclass(slots=True)
class _Waiting:
    body: str
    kind: str
    answer: asyncio.Future[None]


class Topic:
    """One SNS topic; a message counts as accepted when SNS has confirmed it by name."""

    def __init__(self, aws: Aws, arn: str) -> None:
        self._aws = aws
        self._arn = arn
        self._sns: Any = None
        self._waiting: deque[_Waiting] = deque()
        self._flights: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Wait until the topic is there."""
        self._sns = await self._aws.client("sns")
        waiting = False
        while True:
            try:
                await self._sns.get_topic_attributes(TopicArn=self._arn)
                return
            except FAILED as error:
                if not waiting:
                    logger.warning("waiting for topic %s (%s)", self._arn, brief(error))
                waiting = True
                await asyncio.sleep(RETRY_START_S)

    async def publish(self, body: str, kind: str) -> None:
        """Returns when the message is accepted. It may be published twice: consumers must know
        it again. Raises Unavailable (surely not accepted) or Uncertain."""
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.append(_Waiting(body, kind, answer))
        self._take_off()
        await answer

    async def health(self) -> str:
        """`ok`, or what is wrong."""
        try:
            await self._sns.get_topic_attributes(TopicArn=self._arn)
        except FAILED as error:
            return brief(error)
        return "ok"

    def _take_off(self) -> None:
        while self._waiting and len(self._flights) < AT_ONCE:
            flight = asyncio.create_task(self._fly(self._next_batch()))
            self._flights.add(flight)
            flight.add_done_callback(self._landed)

    def _landed(self, flight: asyncio.Task[None]) -> None:
        self._flights.discard(flight)
        self._take_off()

    def _next_batch(self) -> list[_Waiting]:
        batch: list[_Waiting] = []
        room_bytes = BATCH_BYTES
        while self._waiting and len(batch) < BATCH:
            room_bytes -= len(self._waiting[0].body.encode())
            if batch and room_bytes < 0:
                break
            batch.append(self._waiting.popleft())
        return batch

    async def _fly(self, batch: list[_Waiting]) -> None:
        try:
            failures = await self._sent(batch)
        except BaseException as error:
            for one in batch:
                if not one.answer.done():
                    one.answer.set_exception(Uncertain(f"publishing broke ({brief(error)})"))
            raise
        for place, one in enumerate(batch):
            if one.answer.done():  # the request that waited for it was cancelled
                continue
            if place in failures:
                one.answer.set_exception(failures[place])
            else:
                one.answer.set_result(None)

    async def _sent(self, batch: list[_Waiting]) -> dict[int, ShopError]:
        """The failures by place in the batch, after trying twice what may be tried twice."""
        failures: dict[int, ShopError] = {}
        uncertain = False
        for _ in range(ATTEMPTS):
            try:
                answer = await self._sns.publish_batch(
                    TopicArn=self._arn, PublishBatchRequestEntries=_entries(batch)
                )
            except FAILED as error:
                uncertain = uncertain or not surely_not_done(error)
                kind = Uncertain if uncertain else Unavailable
                sentence = f"the topic does not answer ({brief(error)})"
                failures = {place: kind(sentence) for place in range(len(batch))}
            else:
                refused = answer.get("Failed", [])
                return {
                    int(one["Id"]): Unavailable(f"the topic refuses ({one.get('Message', '')})")
                    for one in refused
                }
        return failures


def _entries(batch: list[_Waiting]) -> list[dict[str, Any]]:
    return [
        {
            "Id": str(place),
            "Message": one.body,
            "MessageAttributes": {"kind": {"DataType": "String", "StringValue": one.kind}},
        }
        for place, one in enumerate(batch)
    ]
