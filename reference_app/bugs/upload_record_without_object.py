"""The second of two systems is never written."""

from __future__ import annotations

from reference_app.aws.object_storage import Blob
from reference_app.bugs.base import Bug
from reference_app.model.model import Credentials, Receipt


class UploadRecordWithoutObject(Bug):
    """Writes only the record of every nth upload."""

    name = "upload-record-without-object"
    description = "every nth upload is recorded and answered, but its object is never stored"
    seen_in = "two-system writes without an order or an outbox; fire-and-forget uploads"
    found_as = ("lost",)
    default_number = 3
    needs = ("DATABASE_URL", "BUCKET")

    async def put_upload(self, credentials: Credentials, name: str, blob: Blob) -> Receipt:
        if not self.every_nth():
            return await self.inner.put_upload(credentials, name, blob)
        await self.inner.session(credentials)
        self.log_injection("only-recorded", blob.wid)
        return await self.inner.record_upload(credentials, name, blob)
