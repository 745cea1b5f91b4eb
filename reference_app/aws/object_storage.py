"""Uploaded objects in S3; knows one bucket and nothing of records or users."""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from reference_app.aws.clients import FAILED, Aws, brief, status_of
from reference_app.model.model import Unavailable

logger = logging.getLogger(__name__)
ATTEMPTS = 2
"""A key is written once with one content, so putting it twice is putting it once."""
RETRY_START_S = 0.2


@dataclass(frozen=True, slots=True)
class Blob:
    """An object as it was stored; `wid` comes from its metadata."""

    body: bytes
    content_type: str
    wid: str


class Blobs:
    """Objects of one bucket."""

    def __init__(self, aws: Aws, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket
        self._s3: Any = None

    async def start(self) -> None:
        """Wait until the bucket is there."""
        self._s3 = await self._aws.client("s3", ATTEMPTS)
        waiting = False
        while True:
            try:
                await self._s3.head_bucket(Bucket=self._bucket)
                return
            except FAILED as error:
                if not waiting:
                    logger.warning("waiting for bucket %s (%s)", self._bucket, brief(error))
                waiting = True
                await asyncio.sleep(RETRY_START_S)

    async def put(self, key: str, blob: Blob) -> None:
        """Store an object nobody can see before its record. Raises Unavailable."""
        try:
            await self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=blob.body,
                ContentType=blob.content_type,
                Metadata={"wid": blob.wid},
            )
        except FAILED as error:
            raise Unavailable(f"the object store does not answer ({brief(error)})") from error

    async def get(self, key: str) -> Blob | None:
        """The object, or None when it is not there. Raises Unavailable."""
        try:
            answer = await self._s3.get_object(Bucket=self._bucket, Key=key)
            async with answer["Body"] as stream:
                body = await stream.read()
        except ClientError as error:
            if status_of(error) == 404:
                return None
            raise Unavailable(f"the object store refuses ({brief(error)})") from error
        except FAILED as error:
            raise Unavailable(f"the object store does not answer ({brief(error)})") from error
        return Blob(body, answer["ContentType"], answer["Metadata"].get("wid", ""))

    async def health(self) -> str:
        """`ok`, or what is wrong."""
        try:
            await self._s3.head_bucket(Bucket=self._bucket)
        except FAILED as error:
            return brief(error)
        return "ok"
