"""MiniStack: one process that answers as S3, SNS and SQS of the region.

It is regional: no zone takes it down, and its contents live as long as its process. Knows how it
is started; knows no bucket, topic or queue.
"""

from __future__ import annotations

import importlib.util
import shutil
import sys
import threading
from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, ClassVar

from typing_extensions import override

from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.services.aws_proxy import AwsProxy
from statedrill.cluster.services.base import Requirement, Service, ServiceContext
from statedrill.errors import ClusterError, MissingPart
from statedrill.vocabulary import Equipment

ACCOUNT, REGION = "000000000000", "us-east-1"

_PORT, _HOST_NUMBER, _EDGE = 4566, 70, "aws"
_HELLO = b"GET / HTTP/1.0\r\n\r\n"
_START_TIMEOUT_S = 15.0
_CALL_TIMEOUT_S = 5.0


def ministack_command() -> tuple[str, ...]:
    """The command that runs MiniStack in the foreground.

    Raises:
        MissingPart: package ministack is not installed.
    """
    if importlib.util.find_spec("ministack") is None:
        raise MissingPart("MiniStack (S3, SNS, SQS) is not installed", "pip install ministack")
    return (sys.executable, "-m", "ministack")


class MiniStack:
    """The process that the AWS services of one cluster share; started by the first of them."""

    def __init__(self, context: ServiceContext) -> None:
        network, self._registry = context.cluster.network, context.cluster.registry
        self.host, self.port = network.regional_address(_HOST_NUMBER), network.port(_PORT)
        self._address = context.address
        address = (self.host, self.port)
        self._proxy: AwsProxy | None = None
        if Equipment.AWS_PROXY in context.cluster.equipment:
            self._proxy = AwsProxy(context.cluster, network.port(_PORT), address)
            address = (self._proxy.host, self._proxy.port)
        context.edges.announce(_EDGE, address, _HOST_NUMBER, _HELLO)
        self._folder = self._registry.folder / "aws"
        self._lock = threading.Lock()
        self._session: Any = None
        self._clients: dict[str, Any] = {}
        self._process = self._registry.process(
            "aws",
            "aws",
            "region",
            ministack_command(),
            env=self._settings(),
            ready=lambda: accepts(self.host, self.port),
        )

    @property
    def url(self) -> str:
        """Where it is spoken to past every edge and proxy."""
        return f"http://{self.host}:{self.port}"

    def endpoint_url(self, zone: str) -> str:
        """Where an instance in `zone` speaks to every one of the services."""
        host, port = self._address(zone, _EDGE)
        return f"http://{host}:{port}"

    @property
    def run(self) -> int | None:
        """What tells one life of the process from the next; None while it is not there."""
        return self._process.pid if self._process.alive else None

    @property
    def proxy(self) -> AwsProxy:
        """The proxy before it.

        Raises:
            ClusterError: it was started without one.
        """
        if self._proxy is None:
            raise ClusterError("there is no proxy before S3, SNS and SQS that could answer errors")
        return self._proxy

    def can_be_reached(self) -> bool:
        """Whether its process is there, and the proxy before it if it has one."""
        return self._process.alive and (self._proxy is None or self._proxy.alive)

    def environment(self, zone: str) -> dict[str, str]:
        """What any AWS SDK in `zone` needs to know."""
        return {
            "AWS_ENDPOINT_URL": self.endpoint_url(zone),
            "AWS_REGION": REGION,
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def start(self) -> None:
        """Start it when it is not there; returns when it listens.

        Raises:
            ClusterError: its address is in use, or it did not start.
        """
        with self._lock:
            if self._proxy and not self._proxy.alive:
                self._proxy.start()
            if self._process.alive:
                return
            self._close_clients()  # their connections lead to a process that is gone
            require_free(self.host, self.port)
            self._folder.mkdir(parents=True, exist_ok=True)
            self._process.start(_START_TIMEOUT_S)

    def call(self, service: str, operation: str, **parameters: Any) -> dict[str, Any]:
        """The answer to one operation of `service` (`s3`, `sns`, `sqs`), named as in boto3.

        Raises:
            ClusterError: it does not answer, or refuses.
        """
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415 - see _client

        try:
            answer: dict[str, Any] = getattr(self._client(service), operation)(**parameters)
        except ClientError as error:
            raise ClusterError(f"{service} refused {operation}: {error}") from error
        except BotoCoreError as error:
            raise ClusterError(f"{service} does not answer: {error}") from error
        return answer

    def stop(self) -> None:
        """End it at once and throw everything away; idempotent."""
        if self._proxy:
            self._proxy.stop()
        self._process.kill()
        self._process.wait_gone()
        with self._lock:
            self._close_clients()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _client(self, service: str) -> Any:
        """A client of boto3, which may be used by several threads at once."""
        # boto3 takes a third of a second: it is imported while PostgreSQL starts, not before.
        import boto3  # noqa: PLC0415
        from botocore.config import Config  # noqa: PLC0415

        with self._lock:
            if service not in self._clients:
                config = Config(
                    connect_timeout=_CALL_TIMEOUT_S,
                    read_timeout=_CALL_TIMEOUT_S,
                    retries={"total_max_attempts": 1},
                )
                self._session = self._session or boto3.session.Session()
                self._clients[service] = self._session.client(
                    service,
                    endpoint_url=self.url,
                    region_name=REGION,
                    aws_access_key_id="test",
                    aws_secret_access_key="test",
                    config=config,
                )
            return self._clients[service]

    def _close_clients(self) -> None:
        for client in self._clients.values():
            client.close()
        self._clients.clear()

    def _settings(self) -> dict[str, str]:
        """MiniStack's environment; without these it would listen on every interface."""
        return {
            "SERVICES": "s3,sns,sqs",
            "BIND_HOST": self.host,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_HOST": self.host,
            "MINISTACK_ACCOUNT_ID": ACCOUNT,
            "MINISTACK_REGION": REGION,
            "SFTP_ENABLED": "0",
            "IOT_MTLS_ENABLED": "0",
            # It ends containers that it believes to be its own: let it find none.
            "DOCKER_HOST": "unix:///nonexistent",
            "S3_PERSIST": "0",
            "PERSIST_STATE": "0",
            "LOCALSTACK_PERSISTENCE": "0",
            "LOG_LEVEL": "WARNING",
            "TMPDIR": str(self._folder),
        }


class MiniStackService(Service):
    """A service that MiniStack plays: it has resources, which are gone when MiniStack is.

    `apis` are the services of AWS that it stands for, as they are named in signatures.
    """

    apis: ClassVar[tuple[str, ...]]
    requires = (Requirement("MiniStack", lambda: " ".join(ministack_command()[1:])),)

    def __init__(self, context: ServiceContext) -> None:
        self._ministack = context.shared(MiniStack)
        self._created_in: int | None = None

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        return self._ministack.environment(zone)

    @override
    def start(self) -> None:
        self._ministack.start()
        run = self._ministack.run
        if run != self._created_in:
            self._create(self._ministack)
            self._created_in = run

    @override
    def is_healthy(self) -> bool:
        return self._ministack.can_be_reached() and self._ministack.run == self._created_in

    def api_errors(self) -> Mapping[str, int]:
        """The share of calls, in percent, that end in an error now: `<api>.<error>` -> share."""
        errors = self._ministack.proxy.errors()
        return {key: share for key, share in errors.items() if key.partition(".")[0] in self.apis}

    def set_api_error(self, error: str, percentage: int) -> None:
        """Let `percentage` of its calls be `throttled`, `failed` (though done) or `silent`."""
        for api in self.apis:
            self._ministack.proxy.set_error(api, error, percentage)

    def probe_apis(self) -> Mapping[str, tuple[int, str]]:
        """What a call that changes nothing is answered now, by API: status and body, or 0.

        Raises:
            ClusterError: there is nobody who could answer.
        """
        return {api: self._ministack.proxy.probe(api) for api in self.apis}

    @override
    def stop(self) -> None:
        self._ministack.stop()

    @abstractmethod
    def _create(self, ministack: MiniStack) -> None:
        """Make its resources in a MiniStack that has none of them."""
