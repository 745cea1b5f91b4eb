"""Writes accepted into a topic and applied later by a worker; sessions and reads in PostgreSQL.

`SESSION_STORE=decoupled` needs DATABASE_URL and TOPIC_ARN, a standard SNS topic (not FIFO). The
database is not needed to accept a write: when it does not answer, the signature of the session
cookie is enough. So a signed-out cookie is refused at once while the database is up, and can
still queue writes, until it expires, while the database is down. Knows the cookies that carry
the order of writes; knows no SQL.

Every message carries the message attribute `kind`, a String, `state` or `orders`. Subscribe both
queues to the topic with RawMessageDelivery=true and FilterPolicy {"kind": ["state"]} resp.
{"kind": ["orders"]} (FilterPolicyScope MessageAttributes). Without raw delivery the worker unwraps
the SNS envelope; without filter policies both queues carry everything and the worker, idempotent
by write id, still applies each write once. No redrive policy is needed; if there is one, its
maxReceiveCount must be high, because a message that arrives too early is held back and may be
received several times. The worker reads VisibilityTimeout from the queue.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from typing_extensions import override

from reference_app.aws.clients import is_fifo
from reference_app.aws.publisher import SnsPublisher
from reference_app.environment import Environment
from reference_app.model.model import (
    NAME,
    Accepted,
    Credentials,
    OutcomeUnknown,
    Session,
    Stream,
    Unavailable,
    Write,
)
from reference_app.model.ordering import MOST_PREDECESSORS, QueuedWrite
from reference_app.outages import CircuitBreaker
from reference_app.postgres.pool import PostgresPool
from reference_app.postgres.schema import session_secret
from reference_app.stores.base import Resources, StoreKind, session_ttl_s
from reference_app.stores.database_sessions import DatabaseSessions

DATABASE_TIMEOUT_S = 0.5
DATABASE_PAUSE_S = 1.0
"""How long a write waits for the database to verify its session, and how long after a failure the
database is not asked again."""


class DecoupledStore(DatabaseSessions):
    """The session store of a decoupled deployment; `ttl_s` slides with use.

    Reads see what a worker has applied so far; what was queued before a sign-out is still applied.
    """

    queues_writes = True

    def __init__(
        self,
        database: PostgresPool,
        publisher: SnsPublisher,
        ttl_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(database, ttl_s)
        self._publisher = publisher
        self._ttl_s = ttl_s
        self._breaker = CircuitBreaker(DATABASE_PAUSE_S, clock)
        self._secret = b""

    async def start(self) -> None:
        """Read the secret that all instances share, and wait for the topic."""
        self._secret = await self.database.run(session_secret)
        await self._publisher.start()

    @override
    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        """Open a new server session. Its writes follow those of the last one, by their cookies."""
        token = self._signed_token(credentials.user)
        signed = Credentials(token, credentials.user, credentials.cookies)
        return await super().sign_in(signed, wid)

    async def write(self, credentials: Credentials, write: Write) -> Accepted:
        """Accept a write: it is durable when this returns."""
        await self._authorize(credentials)
        seen = _seen_writes(credentials.cookies, write)
        after = tuple(wid for wid in seen.values() if wid)[:MOST_PREDECESSORS]
        await self._publisher.publish(QueuedWrite(write, after).to_message(), write.stream)
        cookies = dict.fromkeys(seen, "")  # the new cookie replaces all that it comes after
        cookies[_cookie_name(write)] = f"{write.wid}~{write.user}"
        return Accepted(write.wid, cookies)

    async def health(self) -> Mapping[str, str]:
        """Whether the topic answers."""
        return {"topic": await self._publisher.health()}

    async def _authorize(self, credentials: Credentials) -> None:
        """Raises NotSignedIn, or Unavailable when neither database nor signature decides."""
        if not self._breaker.is_open():
            try:
                await self._sessions.verify(credentials, DATABASE_TIMEOUT_S)
                return
            except (Unavailable, OutcomeUnknown):
                self._breaker.trip()
        if not self._signature_valid(credentials):
            raise Unavailable("the database does not answer and the session cannot be verified")

    def _signed_token(self, user: str) -> str:
        body = f"{secrets.token_urlsafe(18)}.{int(time.time() + self._ttl_s)}"
        return f"{body}.{self._signature(body, user)}"

    def _signature_valid(self, credentials: Credentials) -> bool:
        body, _, signature = credentials.token.rpartition(".")
        expires = body.rpartition(".")[2]
        expected = self._signature(body, credentials.user)
        genuine = hmac.compare_digest(signature.encode(), expected.encode())
        return genuine and int(expires) > time.time()

    def _signature(self, body: str, user: str) -> str:
        return hmac.new(self._secret, f"{body}~{user}".encode(), hashlib.sha256).hexdigest()[:32]


def _cookie_name(write: Write) -> str:
    """A name for each write, so that two parallel acknowledgements do not replace each other."""
    digest = hashlib.blake2b(write.wid.encode(), digest_size=6).hexdigest()
    return f"{_cookie_prefix(write.stream)}{digest}"


def _seen_writes(cookies: Mapping[str, str], write: Write) -> dict[str, str]:
    """Cookie to write id: the last acknowledged writes of this stream that the client has seen.

    Cookies of another user, from an earlier sign-in of the same browser, have an empty write id.
    """
    seen: dict[str, str] = {}
    for name, value in cookies.items():
        if name.startswith(_cookie_prefix(write.stream)):
            wid, _, user = value.partition("~")
            seen[name] = wid if user == write.user and NAME.fullmatch(wid) else ""
    return seen


def _cookie_prefix(stream: Stream) -> str:
    return f"after-{stream}-"


@dataclass(frozen=True, slots=True)
class DecoupledSettings:
    """The store's own settings."""

    topic_arn: str
    ttl_s: float

    @classmethod
    def read(cls, environment: Environment) -> DecoupledSettings:
        """From TOPIC_ARN and SESSION_TTL_S."""
        topic_arn = environment.parsed("TOPIC_ARN", _standard_topic, "")
        return cls(topic_arn, session_ttl_s(environment))


def _standard_topic(text: str) -> str:
    if is_fifo(text):
        raise ValueError(f"{text!r} is a FIFO topic; SESSION_STORE=decoupled-fifo is for those")
    return text


def _connect(settings: DecoupledSettings, resources: Resources) -> DecoupledStore:
    assert resources.database is not None  # DATABASE_URL is needed
    publisher = SnsPublisher(resources.aws, settings.topic_arn)
    return DecoupledStore(resources.database, publisher, settings.ttl_s)


DECOUPLED = StoreKind("decoupled", ("DATABASE_URL", "TOPIC_ARN"), DecoupledSettings.read, _connect)
