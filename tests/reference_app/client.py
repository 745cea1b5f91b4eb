"""A user of the application with a cookie jar, over HTTP or straight into the ASGI application."""

from __future__ import annotations

import asyncio
import http.client
import itertools
import json
from collections.abc import Awaitable, Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

from reference_app.web.application import Application
from reference_app.web.settings import WebSettings

T = TypeVar("T")
Headers = list[tuple[str, str]]
Send = Callable[[str, str, Headers, bytes], "Answer"]
_runs = itertools.count(1)


@dataclass
class Answer:
    status: int
    headers: Headers
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key.lower() == name), "")


@dataclass
class User:
    """One user: a new write id for each write, cookies kept as a browser keeps them."""

    send: Send
    name: str = field(default_factory=lambda: f"t{next(_runs)}-u1")
    cookies: dict[str, str] = field(default_factory=dict)
    last_wid: str = ""
    _seq: int = 0

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        wid: str | None = None,
        headers: dict[str, str] | None = None,
        keep_cookies: bool = True,
    ) -> Answer:
        self._seq += 1
        self.last_wid = wid or f"{self.name}.{self._seq}"
        sent = {"X-Write-Id": self.last_wid, **(headers or {})}
        if self.cookies:
            sent["Cookie"] = "; ".join(f"{k}={v}" for k, v in self.cookies.items())
        raw = (
            body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        )
        answer = self.send(method, path, list(sent.items()), raw)
        if keep_cookies:
            self._keep(answer)
        return answer

    def sign_in(self) -> Answer:
        answer = self.call("POST", "/sign-in", {"user": self.name})
        assert answer.status == 200, answer
        return answer

    def get(self, path: str) -> Any:
        answer = self.call("GET", path)
        assert answer.status == 200, answer
        return answer.json()

    def put(self, path: str, value: Any) -> Answer:
        return self.call("PUT", path, {"value": value})

    def add(self, sku: str, wid: str | None = None) -> Answer:
        return self.call("POST", "/cart/items", {"sku": sku, "quantity": 1}, wid=wid)

    def append(self, article: str, wid: str | None = None) -> Answer:
        return self.call("POST", "/history", {"article": article}, wid=wid)

    def order(self, key: str, wid: str | None = None) -> Answer:
        headers = {"Idempotency-Key": key}
        return self.call("POST", "/orders", {"items": ["a"]}, wid=wid, headers=headers)

    def upload(self, name: str, content: bytes) -> Answer:
        return self.call("PUT", f"/uploads/{name}", content, headers={"Content-Type": "image/png"})

    def _keep(self, answer: Answer) -> None:
        for key, value in answer.headers:
            if key.lower() == "set-cookie":
                name, _, rest = value.partition("=")
                content, *attributes = rest.split("; ")
                self.cookies[name] = content
                if "Max-Age=0" in attributes:
                    del self.cookies[name]


def as_bytes(body: Any) -> bytes:
    if body is None:
        return b""
    return body if isinstance(body, bytes) else json.dumps(body).encode()


def over_http(url: str) -> Send:
    """Every request on a connection of its own."""
    address = urlsplit(url)

    def send(method: str, path: str, headers: Headers, body: bytes) -> Answer:
        connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=20)
        try:
            connection.request(method, path, body, dict(headers))
            response = connection.getresponse()
            return Answer(response.status, response.getheaders(), response.read())
        finally:
            connection.close()

    return send


class Direct:
    """The application in this process, on an event loop of its own, without any server."""

    def __init__(self, **environ: str) -> None:
        self.app = Application(WebSettings.read(environ))
        self._loop = asyncio.new_event_loop()

    def start(self) -> None:
        self._loop.run_until_complete(self.app.start())

    def stop(self) -> None:
        self._loop.run_until_complete(self.app.stop())
        self._loop.close()

    def run(self, job: Awaitable[T]) -> T:
        """What a coroutine of the application returns."""
        return self._loop.run_until_complete(job)

    def settle(self, seconds: float) -> None:
        """Let timers of the application run."""
        self.run(asyncio.sleep(seconds))

    def send(self, method: str, path: str, headers: Headers, body: bytes) -> Answer:
        answer = Answer(0, [], b"")

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            if message["type"] == "http.response.start":
                answer.status = message["status"]
                answer.headers = [(k.decode(), v.decode()) for k, v in message["headers"]]
            answer.body += message.get("body", b"")

        path, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": [(k.lower().encode(), v.encode()) for k, v in headers],
        }
        self._loop.run_until_complete(self.app.asgi(scope, receive, send))
        return answer


@contextmanager
def running(**environ: str) -> Iterator[Direct]:
    """The application in this process, started, and stopped whatever happens."""
    app = Direct(**environ)
    try:
        app.start()
        yield app
    finally:
        app.stop()
