"""The control address: the only way to break anything of a running target.

HTTP on 127.0.0.1 with a bearer token kept in the control file. Knows names of actions; what an
action does is the target's business.
"""

from __future__ import annotations

import contextlib
import json
import secrets
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, TypedDict

from statedrill.control.control_file import write_control_file
from statedrill.errors import ControlError, StatedrillError

Arguments = Mapping[str, Any]
Action = Callable[[Arguments], Mapping[str, Any]]

_LARGEST_BODY_BYTES = 1_000_000


class TargetFacts(TypedDict):
    """What the control file says beside the address and its token; see `ControlFile`."""

    pid: int
    started: float
    load_balancer: str
    run: str
    network: str
    names: str


class ControlServer:
    """Serves `actions` by name (`ec2/terminate-instances`) until `close()`."""

    def __init__(self, actions: Mapping[str, Action]) -> None:
        self._actions = actions
        self._token = secrets.token_urlsafe(32)
        self._file: Path | None = None
        self._server: ThreadingHTTPServer | None = None

    def start(self, file: Path, facts: TargetFacts) -> None:
        """Listen on a free port and write the control file."""
        actions, token = self._actions, self._token

        class Handler(_Handler):
            def respond(self, action: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
                authorization = self.headers.get("Authorization", "")
                return _respond(actions, token, authorization, action, body)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        # A request lasts while its fault is proved; `close` must not wait for it.
        self._server.daemon_threads = True
        threading.Thread(
            target=self._server.serve_forever, args=(0.05,), name="control", daemon=True
        ).start()
        self._file = file
        url = f"http://127.0.0.1:{self._server.server_address[1]}"
        write_control_file(file, {"url": url, "token": token, **facts})

    def close(self) -> None:
        """Remove the control file and stop listening; idempotent."""
        server, self._server = self._server, None
        if self._file:
            self._file.unlink(missing_ok=True)
        if server:
            server.shutdown()
            server.server_close()


class _Handler(BaseHTTPRequestHandler):
    """Turns a request into the name of an action and a body, and a response into JSON."""

    timeout = 10

    def respond(self, action: str, body: bytes) -> tuple[int, Mapping[str, Any]]:
        raise NotImplementedError

    def do_GET(self) -> None:
        action = self.path.strip("/")
        self._send(*(self.respond(action, b"") if action == "status" else _only_post(action)))

    def do_POST(self) -> None:
        length = self.headers.get("Content-Length") or "0"
        if not length.isdecimal():
            self._send(400, _problem(f"Content-Length: {length!r} is no number", "send a length"))
            return
        body = self.rfile.read(min(int(length), _LARGEST_BODY_BYTES))
        self._send(*self.respond(self.path.strip("/"), body))

    def log_message(self, *_: object) -> None:
        """Log nothing: the target emits an event for what an action did."""

    def _send(self, status: int, response: Mapping[str, Any]) -> None:
        body = json.dumps(response, default=str).encode() + b"\n"
        # The client may have gone meanwhile (an experiment that was stopped): nothing is lost.
        with contextlib.suppress(ConnectionError):
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)


def _respond(
    actions: Mapping[str, Action], token: str, authorization: str, action: str, body: bytes
) -> tuple[int, Mapping[str, Any]]:
    if not secrets.compare_digest(authorization.encode(), f"Bearer {token}".encode()):
        return 401, _problem("the token is missing or wrong", "it stands in the control file")
    if action not in actions:
        return 404, _problem(f"there is no action '{action}'", f"actions: {', '.join(actions)}")
    try:
        return 200, actions[action](_arguments(body))
    except ControlError as error:
        return 400, _problem(error.message, error.hint)
    except StatedrillError as error:
        return 503, _problem(error.message, error.hint)
    except Exception as error:  # a defect of ours, reported to the client
        return 500, _problem(f"{action} failed: {error!r}", "this is a defect of statedrill")


def _only_post(action: str) -> tuple[int, Mapping[str, Any]]:
    return 405, _problem(f"'{action}' does not answer to GET", "use POST")


def _arguments(body: bytes) -> Arguments:
    try:
        arguments = json.loads(body or b"{}")
    except ValueError as error:
        raise ControlError(f"the body is no JSON: {error}", "send a JSON object") from error
    if not isinstance(arguments, dict):
        raise ControlError("the body is no JSON object", 'send one, such as {"Zone": "b"}')
    return arguments


def _problem(error: str, hint: str) -> dict[str, str]:
    return {"error": error, "hint": hint}
