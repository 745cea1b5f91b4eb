"""Uploaded objects in S3; knows one bucket and nothing of records or users."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from reference_app.aws.clients import FAILED, AwsClients, status_of
from reference_app.model.model import Unavailable
from reference_app.outages import describe, retry_until_ready

ATTEMPTS = 2
"""A key is written once with one content, so putting it twice is putting it once."""


@dataclass(frozen=True, slots=True)
class Blob:
    """An object as it was stored; `wid` comes from its metadata."""

    body: bytes
    content_type: str
    wid: str


class ObjectStorage:
    """Objects of one bucket."""

    def __init__(self, aws: AwsClients, bucket: str) -> None:
        self._aws = aws
        self._bucket = bucket
        self._s3: Any = None

    async def start(self) -> None:
        """Wait until the bucket is there."""
        self._s3 = await self._aws.client("s3", ATTEMPTS)
        await retry_until_ready(self._head, f"bucket {self._bucket}", FAILED)

    async def put(self, key: str, blob: Blob) -> None:
        """Store an object, which no client can see before its record. Raises Unavailable."""
        try:
            await self._s3.put_object(
                Bucket=self._bucket,
                Key=key,
                Body=blob.body,
                ContentType=blob.content_type,
                Metadata={"wid": blob.wid},
            )
        except FAILED as error:
            raise Unavailable(f"the object store does not answer ({describe(error)})") from error

    async def get(self, key: str) -> Blob | None:
        """The object, or None when it is not there. Raises Unavailable."""
        try:
            found = await self._s3.get_object(Bucket=self._bucket, Key=key)
            async with found["Body"] as stream:
                body = await stream.read()
        except ClientError as error:
            if status_of(error) == 404:
                return None
            raise Unavailable(f"the object store refuses ({describe(error)})") from error
        except FAILED as error:
            raise Unavailable(f"the object store does not answer ({describe(error)})") from error
        return Blob(body, found["ContentType"], found["Metadata"].get("wid", ""))

    async def health(self) -> str:
        """`ok`, or what is wrong."""
        try:
            await self._head()
        except FAILED as error:
            return describe(error)
        return "ok"

    async def _head(self) -> None:
        await self._s3.head_bucket(Bucket=self._bucket)
