"""Every setting of web and worker, read from the environment once; knows no connection.

For whoever deploys this application:

Both processes: `python -m reference_app.web`, `python -m reference_app.worker`; SIGTERM stops
gracefully; a wrong setting is one line on stderr and exit code 2; both may be started before
their services are there and keep trying (GET /health answers 503 until then).

    HOST, PORT             address to listen on (web: 127.0.0.1, 8080; worker: PORT only if set,
                           it then serves GET /health and nothing else)
    INSTANCE_ID, ZONE      shown by /health
    SESSION_STORE          memory | valkey | decoupled
    SESSION_TTL_S          86400, slides with use
    DATABASE_URL           postgresql://user:password@host:5432/name  (one fixed endpoint; needed
                           for orders, uploads and all of `decoupled`; tables are made by itself;
                           ?sslmode=disable spares a round trip per connection where TLS is not
                           wanted)
    DATABASE_POOL          connections per process, 8
    CACHE_URL              redis://host:6379/0 (the store of `valkey`; else only a look-aside cache)
    AWS_ENDPOINT_URL, AWS_REGION, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
    BUCKET                 S3 bucket of the uploads; must exist
    TOPIC_ARN              SNS topic (web of `decoupled`); standard, not FIFO
    QUEUE_URL              SQS queue of state writes (worker)
    ORDERS_QUEUE_URL       SQS queue of orders (worker; optional: without it orders come through
                           QUEUE_URL)
    CONNECT_TIMEOUT_S      1
    COMMAND_TIMEOUT_S      2
    KEEP_ALIVE_S           75: longer than the load balancer keeps an idle connection, so that the
                           balancer never sends a request into one that is just being closed
    CACHE_WAIT_REPLICAS    0: how many replicas must have a write of `valkey` before it is answered
    BUGS                   empty; see reference_app/bugs.py

Queues and subscriptions of `decoupled`: every message carries the message attribute `kind`,
a String, `state` or `orders`. Subscribe both queues to the topic with
RawMessageDelivery=true and FilterPolicy {"kind": ["state"]} resp. {"kind": ["orders"]}
(FilterPolicyScope MessageAttributes). Without raw delivery the worker unwraps the SNS envelope;
without filter policies both queues carry everything and the worker, idempotent by write id,
applies each write once all the same. No redrive policy is needed; if there is one, its
maxReceiveCount must be high, because a message that came too early is held back and may be
received several times. The worker reads VisibilityTimeout from the queue.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, cast
from urllib.parse import urlsplit

from reference_app.bugs.table import Planted, parse_bugs

T = TypeVar("T")
STORES = ("memory", "valkey", "decoupled")


class SettingsError(Exception):
    """A setting is wrong or missing; the text names every problem, in one line."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The environment of one process, checked; all `_s` in seconds, empty text for not set."""

    host: str
    port: int | None
    instance_id: str
    zone: str
    session_store: str
    session_ttl_s: float
    database_url: str
    database_pool: int
    cache_url: str
    bucket: str
    topic_arn: str
    queue_url: str
    orders_queue_url: str
    aws: Mapping[str, str]
    connect_timeout_s: float
    command_timeout_s: float
    keep_alive_s: int
    cache_wait_replicas: int
    bugs: tuple[Planted, ...]

    @classmethod
    def of_web(cls, environ: Mapping[str, str]) -> Settings:
        """Settings of the web process. Raises SettingsError naming every problem."""
        needed = {"valkey": ("CACHE_URL",), "decoupled": ("DATABASE_URL", "TOPIC_ARN")}
        return _read(environ, needed.get(environ.get("SESSION_STORE", "memory"), ()))

    @classmethod
    def of_worker(cls, environ: Mapping[str, str]) -> Settings:
        """Settings of the worker. Raises SettingsError naming every problem."""
        return _read(environ, ("DATABASE_URL", "QUEUE_URL"))


def _read(environ: Mapping[str, str], needed: tuple[str, ...]) -> Settings:
    reader = _Reader(environ)
    reader.need(needed)
    settings = Settings(
        host=reader.text("HOST", "127.0.0.1"),
        port=reader.checked("PORT", "", _port),
        instance_id=reader.text("INSTANCE_ID", "local"),
        zone=reader.text("ZONE", "local"),
        session_store=reader.checked("SESSION_STORE", "memory", _one_of(STORES)),
        session_ttl_s=reader.checked("SESSION_TTL_S", "86400", _positive),
        database_url=reader.checked("DATABASE_URL", "", _url("postgresql", "postgres")),
        database_pool=reader.checked("DATABASE_POOL", "8", _count(1)),
        cache_url=reader.checked("CACHE_URL", "", _url("redis", "rediss")),
        bucket=reader.text("BUCKET"),
        topic_arn=reader.text("TOPIC_ARN"),
        queue_url=reader.checked("QUEUE_URL", "", _url("http", "https")),
        orders_queue_url=reader.checked("ORDERS_QUEUE_URL", "", _url("http", "https")),
        aws=_aws(reader),
        connect_timeout_s=reader.checked("CONNECT_TIMEOUT_S", "1", _positive),
        command_timeout_s=reader.checked("COMMAND_TIMEOUT_S", "2", _positive),
        keep_alive_s=reader.checked("KEEP_ALIVE_S", "75", _count(1)),
        cache_wait_replicas=reader.checked("CACHE_WAIT_REPLICAS", "0", _count(0)),
        bugs=reader.checked("BUGS", "", parse_bugs),
    )
    if reader.problems:
        raise SettingsError("; ".join(reader.problems))
    return settings


def _aws(reader: _Reader) -> dict[str, str]:
    """Arguments of an SDK client; whatever is not set is left to the SDK's own defaults."""
    names = {
        "endpoint_url": "AWS_ENDPOINT_URL",
        "region_name": "AWS_REGION",
        "aws_access_key_id": "AWS_ACCESS_KEY_ID",
        "aws_secret_access_key": "AWS_SECRET_ACCESS_KEY",
    }
    values = {argument: reader.text(name) for argument, name in names.items()}
    return {argument: value for argument, value in values.items() if value}


class _Reader:
    """Reads one variable after the other and collects what is wrong."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        self._environ = environ
        self.problems: list[str] = []

    def text(self, name: str, default: str = "") -> str:
        return self._environ.get(name, "").strip() or default

    def need(self, names: tuple[str, ...]) -> None:
        missing = [name for name in names if not self.text(name)]
        self.problems += [f"{name} is not set" for name in missing]

    def checked(self, name: str, default: str, check: Callable[[str], T]) -> T:
        """The checked value; a wrong one is noted as a problem and never used."""
        try:
            return check(self.text(name, default))
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return cast(T, None)


def _port(text: str) -> int | None:
    if not text:
        return None
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise ValueError(f"{text!r} is not a port (1 to 65535)")
    return int(text)


def _positive(text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise ValueError(f"{text!r} is not a positive number of seconds")
    return number


def _count(least: int) -> Callable[[str], int]:
    def check(text: str) -> int:
        if not text.isdigit() or int(text) < least:
            raise ValueError(f"{text!r} is not a whole number from {least} up")
        return int(text)

    return check


def _one_of(choices: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text not in choices:
            raise ValueError(f"{text!r} is none of {', '.join(choices)}")
        return text

    return check


def _url(*schemes: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        if text and (urlsplit(text).scheme not in schemes or not urlsplit(text).hostname):
            raise ValueError(f"{text!r} is not a {schemes[0]}:// URL with a host")
        return text

    return check
