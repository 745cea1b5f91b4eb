"""A web server in this process that misbehaves on demand, and a tiny application for it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import gevent
from gevent.server import StreamServer


@dataclass
class Request:
    method: str
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def wid(self) -> str:
        return self.headers.get("x-write-id", "")


# Gets the request and the socket; returns the bytes to send, or None when it has done it all.
Handler = Callable[[Request, Any], bytes | None]


@dataclass
class Stub:
    """Serves `handler` on a free port of 127.0.0.1 and keeps every request it received whole."""

    handler: Handler
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    address: str = ""

    def serve(self, sock: Any, _: Any) -> None:
        self.connections += 1
        file = sock.makefile("rb")
        try:
            while (request := read_request(file)) is not None:
                self.requests.append(request)
                response = self.handler(request, sock)
                if response is not None:
                    sock.sendall(response)
        except OSError:
            pass  # the handler closed the connection, or the client did
        finally:
            file.close()
            sock.close()


@contextmanager
def serving(handler: Handler, ssl_context: Any = None) -> Iterator[Stub]:
    stub = Stub(handler)
    kwargs = {"ssl_context": ssl_context} if ssl_context else {}
    server = StreamServer(("127.0.0.1", 0), stub.serve, **kwargs)
    server.start()
    scheme = "https" if ssl_context else "http"
    stub.address = f"{scheme}://127.0.0.1:{server.server_port}"
    try:
        yield stub
    finally:
        server.stop(timeout=0)
        gevent.sleep(0)


def read_request(file: Any) -> Request | None:
    line = file.readline()
    if not line:
        return None
    method, path, _ = line.decode().split(" ", 2)
    headers: dict[str, str] = {}
    while (field_line := file.readline().strip()) != b"":
        name, _, value = field_line.decode().partition(":")
        headers[name.lower()] = value.strip()
    body = file.read(int(headers.get("content-length", 0)))
    return Request(method, path, headers, body)


def response(
    body: object, status: str = "200 OK", headers: tuple[str, ...] = (), raw: bytes | None = None
) -> bytes:
    content = json.dumps(body).encode() if raw is None else raw
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(content)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + content


class Shop:
    """The HTTP contract in memory: enough to talk to, honest about every write."""

    def __init__(self) -> None:
        self.sessions: dict[str, str] = {}
        self.state: dict[tuple[str, str], dict[str, Any]] = {}
        self.down = False

    def forget_sessions(self) -> None:
        self.sessions.clear()

    def __call__(self, request: Request, sock: Any) -> bytes | None:
        if self.down:
            return response({"error": "down", "executed": False}, "503 Service Unavailable")
        if request.path == "/sign-in":
            return self._sign_in(request)
        cookie = request.headers.get("cookie", "").removeprefix("sid=")
        user = self.sessions.get(cookie)
        if user is None:
            return response({"error": "not signed in", "executed": False}, "401 Unauthorized")
        shown = (f"X-Session-Id: p-{cookie}", "X-Instance-Id: i-1")
        if request.path == "/session":
            shown_state = {"user": user, "session": f"p-{cookie}", **self._of(user, "session")}
            return response(shown_state, headers=shown)
        if request.path.startswith("/uploads/"):
            return self._upload(request, user, shown)
        return response(self._call(request, user), headers=shown)

    def _sign_in(self, request: Request) -> bytes:
        user = json.loads(request.body)["user"]
        cookie = f"s{len(self.state)}x{len(self.sessions)}"
        self.sessions[cookie] = user
        shown_state = self._write(user, "session", request.wid)
        body = {"user": user, "session": f"p-{cookie}", **shown_state}
        return response(
            body, headers=(f"Set-Cookie: sid={cookie}; Path=/; HttpOnly", "X-Instance-Id: i-1")
        )

    def _call(self, request: Request, user: str) -> dict[str, Any]:
        name = request.path.split("/")[1]
        body = json.loads(request.body) if request.body else {}
        listed = {"cart": "items", "history": "entries", "orders": "orders"}.get(name)
        kept = self._of(user, name)
        if request.method == "GET":
            return {"ver": kept["ver"], "wid": kept["wid"], **self._content(kept, listed)}
        if request.method == "PUT":
            kept["value"] = body["value"]
        elif request.method == "POST":
            key = request.headers["idempotency-key"]
            for each in kept["list"] if name == "orders" else ():
                if each["key"] == key:
                    return {"ver": kept["ver"], "wid": each["wid"]}
            entry = {"id": request.wid, "wid": request.wid, "key": key, **body}
            kept["list"].append(entry)
        elif request.path == "/cart":
            kept["list"].clear()
        else:
            gone = request.path.rsplit("/", 1)[1]
            kept["list"] = [each for each in kept["list"] if each["id"] != gone]
        return self._write(user, name, request.wid)

    def _upload(self, request: Request, user: str, shown: tuple[str, ...]) -> bytes:
        kept = self._of(user, request.path)
        if request.method == "PUT":
            kept["value"] = request.body
            return response(self._write(user, request.path, request.wid), headers=shown)
        if kept["value"] is None:
            absence = {"error": "no such upload", "absent": True, "ver": kept["ver"]}
            return response({**absence, "wid": kept["wid"]}, "404 Not Found", shown)
        about = (f"X-Ver: {kept['ver']}", f"X-Write-Id: {kept['wid']}")
        return response(None, headers=(*shown, *about), raw=kept["value"])

    def _of(self, user: str, name: str) -> dict[str, Any]:
        fresh: dict[str, Any] = {"ver": 0, "wid": None, "value": None, "list": []}
        return self.state.setdefault((user, name), fresh)

    def _write(self, user: str, name: str, wid: str) -> dict[str, Any]:
        kept = self._of(user, name)
        kept["ver"] += 1
        kept["wid"] = wid
        return {"ver": kept["ver"], "wid": wid}

    @staticmethod
    def _content(kept: dict[str, Any], listed: str | None) -> dict[str, Any]:
        return {listed: list(kept["list"])} if listed else {"value": kept["value"]}
