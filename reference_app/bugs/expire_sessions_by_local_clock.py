"""Each instance compares the end of a session with its own clock."""

from __future__ import annotations

import time

from reference_app.aws.object_storage import Blob
from reference_app.bugs.base import Bug
from reference_app.model.model import (
    Credentials,
    NotSignedIn,
    Outcome,
    Receipt,
    Session,
    Versioned,
    Write,
)


class ExpireSessionsByLocalClock(Bug):
    """Writes the end of a session into its cookie, and refuses the cookie after it."""

    name = "expire-sessions-by-local-clock"
    description = (
        "the session cookie carries the wall-clock time at which it ends; an instance whose clock "
        "is ahead takes it for expired"
    )
    seen_in = "tokens (JWT) checked without leeway; hosts whose time synchronisation has stopped"
    found_as = ("session-lost",)
    default_number = 86_400
    number_means = "seconds that a session lives"

    async def sign_in(self, credentials: Credentials, wid: str) -> tuple[Credentials, Session]:
        credentials.token = f"{credentials.token}.{int(time.time()) + self.number}"
        return await self.inner.sign_in(credentials, wid)

    async def session(self, credentials: Credentials) -> Session:
        self._check_end(credentials)
        return await self.inner.session(credentials)

    async def read(self, credentials: Credentials, name: str) -> Versioned:
        self._check_end(credentials)
        return await self.inner.read(credentials, name)

    async def write(self, credentials: Credentials, write: Write) -> Outcome:
        self._check_end(credentials)
        return await self.inner.write(credentials, write)

    async def recommendations(self, credentials: Credentials) -> tuple[Versioned, bytes]:
        self._check_end(credentials)
        return await self.inner.recommendations(credentials)

    async def put_upload(self, credentials: Credentials, name: str, blob: Blob) -> Receipt:
        self._check_end(credentials)
        return await self.inner.put_upload(credentials, name, blob)

    async def get_upload(
        self, credentials: Credentials, name: str
    ) -> tuple[Versioned, Blob | None]:
        self._check_end(credentials)
        return await self.inner.get_upload(credentials, name)

    def _check_end(self, credentials: Credentials) -> None:
        """Raises NotSignedIn. A cookie without a time, as the decoupled store makes it, lives."""
        end = credentials.token.rpartition(".")[2]
        if end.isdecimal() and int(end) <= time.time():
            self.log_injection("expired", credentials.user, credentials.session_id)
            raise NotSignedIn("the session has expired")
