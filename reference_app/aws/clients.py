"""Clients of S3, SNS and SQS with short deadlines, and what their errors mean.

Knows the SDK; knows no bucket, topic or queue.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from contextlib import AsyncExitStack
from typing import Any

from aiobotocore.config import AioConfig
from aiobotocore.session import get_session
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
)

FAILED = (BotoCoreError, ClientError, OSError, asyncio.TimeoutError)
LONG_POLL_S = 10


class AwsClients:
    """Makes the clients of one process and closes them together.

    `arguments` are those of an SDK client: endpoint_url, region_name, aws_access_key_id,
    aws_secret_access_key; the SDK has its own defaults for what is missing.
    """

    def __init__(
        self, arguments: Mapping[str, str], connect_timeout_s: float, command_timeout_s: float
    ) -> None:
        self._arguments = arguments
        self._connect_timeout_s = connect_timeout_s
        self._command_timeout_s = command_timeout_s
        self._stack = AsyncExitStack()

    async def client(self, service: str, attempts: int = 1) -> Any:
        """A client of `s3`, `sns` or `sqs`; `attempts` includes the first one."""
        waits_s = LONG_POLL_S if service == "sqs" else 0
        config = AioConfig(
            connect_timeout=self._connect_timeout_s,
            read_timeout=self._command_timeout_s + waits_s,
            retries={"total_max_attempts": attempts, "mode": "standard"},
            max_pool_connections=32,
            s3={"addressing_style": "path"},  # a local endpoint has no name per bucket
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
        )
        context = get_session().create_client(service, config=config, **self._arguments)
        return await self._stack.enter_async_context(context)

    async def stop(self) -> None:
        """Close every client."""
        await self._stack.aclose()


def surely_not_done(error: BaseException) -> bool:
    """True when the request was never sent, or was refused as wrong (4xx)."""
    if isinstance(error, ConnectTimeoutError | EndpointConnectionError):
        return True
    return 400 <= status_of(error) < 500


def status_of(error: BaseException) -> int:
    """The HTTP status of an error response, or 0 when there was no response."""
    if not isinstance(error, ClientError):
        return 0
    return int(error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def is_fifo(name: str) -> bool:
    """Whether an address or ARN is that of a FIFO topic or queue: on AWS, its name says so."""
    return name.endswith(".fifo")
