"""S3: one bucket of the region, played by MiniStack, with versions of its objects if wanted."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from typing_extensions import override

from statedrill.cluster.services.base import ServiceContext
from statedrill.cluster.services.ministack import MiniStack, MiniStackService
from statedrill.inputs.services import StorageOptions


class Bucket(MiniStackService):
    """The bucket that the options name."""

    kind, key, options = "s3", "storage", StorageOptions
    apis = ("s3",)

    def __init__(self, context: ServiceContext, options: StorageOptions) -> None:
        super().__init__(context)
        self._name, self._versioning = options.bucket, options.versioning
        self._registry = context.cluster.registry
        self._markers: dict[str, str] = {}  # key -> version of its delete marker

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        return {**super().environment(zone), "BUCKET": self._name}

    @override
    def _create(self, ministack: MiniStack) -> None:
        ministack.call("s3", "create_bucket", Bucket=self._name)
        self._markers = {}
        if self._versioning:
            enabled = {"Status": "Enabled"}
            self._call("put_bucket_versioning", VersioningConfiguration=enabled)

    def delete_objects(self) -> tuple[int, int]:
        """Delete every object; how many there were, and how many of those can still be read.

        Raises:
            ClusterError: the bucket does not answer, or keeps no versions.
        """
        before = self._keys()
        for key in before:
            self._markers[key] = self._call("delete_object", Key=key)["VersionId"]
        return len(before), len(before & self._keys())

    def undelete_objects(self) -> None:
        """Remove the delete markers that `delete_objects` left; idempotent.

        Raises:
            ClusterError: the bucket does not answer.
        """
        if not self._markers:
            return
        began_ns, removed = time.monotonic_ns(), len(self._markers)
        while self._markers:
            key, version = next(iter(self._markers.items()))
            self._call("delete_object", Key=key, VersionId=version)
            del self._markers[key]
        self._registry.emit(
            "restore",
            service=self.key,
            began=began_ns,
            point=began_ns,
            position=f"{removed} delete markers removed",
        )

    def markers(self) -> int:
        """How many delete markers of `delete_objects` are left."""
        return len(self._markers)

    def _keys(self) -> set[str]:
        keys: set[str] = set()
        more: dict[str, str] = {}
        while True:
            page = self._call("list_objects_v2", **more)
            keys.update(each["Key"] for each in page.get("Contents", []))
            if not page.get("IsTruncated"):
                return keys
            more = {"ContinuationToken": page["NextContinuationToken"]}

    def _call(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._ministack.call("s3", operation, Bucket=self._name, **parameters)
