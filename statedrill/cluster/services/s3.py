"""S3: one bucket of the region, played by MiniStack."""

from __future__ import annotations

from collections.abc import Mapping

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
        self._name = options.bucket

    @override
    def environment(self, zone: str) -> Mapping[str, str]:
        return {**super().environment(zone), "BUCKET": self._name}

    @override
    def _create(self, ministack: MiniStack) -> None:
        ministack.call("s3", "create_bucket", Bucket=self._name)
