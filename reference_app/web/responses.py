"""Requests and responses of the HTTP contract: JSON bodies, cookies, and what each error becomes.

Knows HTTP and the values of the model; knows no path and no store. What an error response says is
true: `executed: false` only when nothing was changed, `"unknown"` when something may have been.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import orjson
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from reference_app.model.model import (
    NotSignedIn,
    ObjectGone,
    Outcome,
    OutcomeUnknown,
    Receipt,
    ShopError,
    Versioned,
)
from reference_app.outages import RateLimitedLog

JSON_LIMIT_BYTES = 128 * 1024


def json_response(fields: Mapping[str, object], status: int = 200) -> Response:
    """A JSON object."""
    return Response(orjson.dumps(fields), status, media_type="application/json")


async def read_body(request: Request, limit_bytes: int) -> bytes:
    """The whole body. Raises HTTPException (413) when it is longer than `limit_bytes`."""
    body = b""
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit_bytes:
            raise HTTPException(413, f"the body is longer than {limit_bytes} bytes")
    return body


async def read_json(request: Request) -> dict[str, Any]:
    """The body as a JSON object. Raises HTTPException (400, 413)."""
    try:
        value = orjson.loads(await read_body(request, JSON_LIMIT_BYTES))
    except orjson.JSONDecodeError as error:
        raise HTTPException(400, "the body is not JSON") from error
    if not isinstance(value, dict):
        raise HTTPException(400, "the body is not a JSON object")
    return value


def set_cookie(response: Response, name: str, value: str) -> None:
    """A cookie for the whole site that scripts cannot read; an empty value deletes it."""
    response.set_cookie(name, value, max_age=None if value else 0, httponly=True)


def write_response(outcome: Outcome) -> Response:
    """What a write was answered: 200 and its version, or 202 for one that is queued."""
    if isinstance(outcome, Receipt):
        return json_response({"ver": outcome.ver, "wid": outcome.wid})
    response = json_response({"wid": outcome.wid}, 202)
    for name, value in outcome.cookies.items():
        set_cookie(response, name, value)
    return response


def object_response(one: Versioned, field: str, json: bytes) -> Response:
    """An object and its version. `json` is JSON text already and is sent as it was stored."""
    wid = b"null" if one.wid is None else b'"%s"' % one.wid.encode()
    body = b'{"ver":%d,"wid":%s,"%s":%s}' % (one.ver, wid, field.encode(), json)
    return Response(body, media_type="application/json")


def absent_response(error: str, record: Versioned) -> Response:
    """404 for an upload: never made, or its object is gone although its record is there."""
    fields = {"ver": record.ver, "wid": record.wid}
    return json_response({"error": error, "executed": False, "absent": True, **fields}, 404)


class ErrorResponses:
    """Turns every error into a response that is true, and logs failures at a limited rate."""

    def __init__(self) -> None:
        self._warnings = RateLimitedLog()

    def handlers(self) -> Mapping[Any, Callable[[Request, Any], Any]]:
        """Starlette's table of exception handlers."""
        return {
            HTTPException: self.refused,
            NotSignedIn: self.not_signed_in,
            ObjectGone: self.object_gone,
            ShopError: self.failed,
            ClientDisconnect: self.incomplete,
            Exception: self.internal_error,
        }

    async def refused(self, request: Request, error: HTTPException) -> Response:
        """A request that is wrong in itself: 4xx."""
        return json_response({"error": error.detail, "executed": False}, error.status_code)

    async def not_signed_in(self, request: Request, error: NotSignedIn) -> Response:
        """401."""
        return json_response({"error": str(error), "executed": False}, 401)

    async def object_gone(self, request: Request, error: ObjectGone) -> Response:
        """404, with the version of the record."""
        return absent_response(str(error), error.versioned)

    async def incomplete(self, request: Request, error: ClientDisconnect) -> Response:
        """400; the client has hung up and will not read it."""
        return json_response({"error": "the body is not complete", "executed": False}, 400)

    async def failed(self, request: Request, error: ShopError) -> Response:
        """500 and "unknown" for a write that may have happened; else 503, and nothing changed."""
        text = str(error)
        self._warnings.warn(type(error).__name__, f"{request.method} {request.url.path}: {text}")
        if isinstance(error, OutcomeUnknown) and request.method != "GET":
            return json_response({"error": text, "executed": "unknown"}, 500)
        return json_response({"error": text, "executed": False}, 503)

    async def internal_error(self, request: Request, error: Exception) -> Response:
        """As `failed`; the server logs the traceback."""
        unknown = OutcomeUnknown(f"internal error ({type(error).__name__})")
        return await self.failed(request, unknown)
