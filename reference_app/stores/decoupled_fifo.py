"""Writes accepted into a FIFO topic and applied later by a worker, in the order of their group.

`SESSION_STORE=decoupled-fifo` needs DATABASE_URL and TOPIC_ARN, that of an SNS FIFO topic whose
queues are SQS FIFO queues; all else is as in `decoupled`. Each user's writes of one stream are a
message group. SNS and SQS keep the order of a group and hold it while one of its messages is in
flight, so nothing must be remembered in cookies: an acknowledged write is in the topic before the
next one of its user is sent. Knows no SQL.

A dead-letter queue breaks the order of a group: what follows a message that was moved there is
delivered, and the message itself behind it, if it is ever moved back (SQS says the same). So only
what can never be applied should get there.
"""

from __future__ import annotations

import hashlib

from typing_extensions import override

from reference_app.aws.clients import is_fifo
from reference_app.aws.publisher import GroupPlace, SnsPublisher
from reference_app.environment import Environment
from reference_app.model.model import Accepted, Credentials, Write
from reference_app.model.ordering import QueuedWrite
from reference_app.stores.base import Resources, StoreKind, session_ttl_s
from reference_app.stores.decoupled import DecoupledSettings, DecoupledStore


class DecoupledFifoStore(DecoupledStore):
    """The session store of a decoupled deployment whose topic and queues are FIFO."""

    @override
    async def write(self, credentials: Credentials, write: Write) -> Accepted:
        """Accept a write: it is durable, and has its place in its group, when this returns."""
        await self._authorize(credentials)
        queued = QueuedWrite(write)
        await self._publisher.publish(queued.to_message(), write.stream, group_place(queued))
        return Accepted(write.wid, {})


def group_place(queued: QueuedWrite) -> GroupPlace:
    """The group of a user's stream, and the write id, which counts within its user only.

    Both names together may be longer than SNS allows, so it is their digest that deduplicates.
    """
    digest = hashlib.blake2b(queued.name.encode(), digest_size=16).hexdigest()
    return GroupPlace(f"{queued.write.user}~{queued.write.stream}", digest)


def _read(environment: Environment) -> DecoupledSettings:
    topic_arn = environment.parsed("TOPIC_ARN", _fifo_topic, "")
    return DecoupledSettings(topic_arn, session_ttl_s(environment))


def _fifo_topic(text: str) -> str:
    if not is_fifo(text):
        raise ValueError(
            f"{text!r} is no FIFO topic; SESSION_STORE=decoupled is for a standard one"
        )
    return text


def _connect(settings: DecoupledSettings, resources: Resources) -> DecoupledFifoStore:
    assert resources.database is not None  # DATABASE_URL is needed
    publisher = SnsPublisher(resources.aws, settings.topic_arn)
    return DecoupledFifoStore(resources.database, publisher, settings.ttl_s)


DECOUPLED_FIFO = StoreKind("decoupled-fifo", ("DATABASE_URL", "TOPIC_ARN"), _read, _connect)
