"""An application that is not ours: standard library only, two kinds of state, in memory.

Speaks the part of the contract that it needs: sign-in, preferences, cart, health.
"""

import http.cookies
import json
import os
import secrets
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

if os.environ.get("MOOD") == "bad":
    sys.exit("this application has no mood to work today")

lock = threading.Lock()
users = {}  # cookie -> user
kept = {}  # (user, object) -> {"ver", "wid", ...}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, body, *cookies):
        data = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        if self.sid:
            self.send_header("X-Session-Id", self.sid[:8])
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.end_headers()
        self.wfile.write(data)

    def handle_any(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length) or b"{}")
        wid = self.headers.get("X-Write-Id")
        cookie = http.cookies.SimpleCookie(self.headers.get("Cookie", "")).get("sid")
        self.sid = cookie.value if cookie and cookie.value in users else None
        with lock:
            self.act(self.command, self.path, body, wid)

    def act(self, method, path, body, wid):  # noqa: PLR0911 - one answer a call
        if path == "/health":
            return self.answer(503 if os.environ.get("MOOD") == "ill" else 200, {})
        if path == "/sign-in":
            self.sid = secrets.token_hex(8)
            users[self.sid] = body["user"]
            mine = kept.setdefault((body["user"], "session"), {"ver": 0})
            mine.update(ver=mine["ver"] + 1, wid=wid)
            return self.answer(
                200, {"user": body["user"], **mine}, f"sid={self.sid}; Path=/; HttpOnly"
            )
        if not self.sid:
            return self.answer(401, {"error": "not signed in", "executed": False})
        user = users[self.sid]
        if path == "/session":
            return self.answer(200, {"user": user, **kept[user, "session"]})
        if path == "/preferences":
            mine = kept.setdefault((user, path), {"ver": 0, "wid": None, "value": None})
            if method == "PUT":
                mine.update(ver=mine["ver"] + 1, wid=wid, value=body["value"])
            return self.answer(200, mine)
        cart = kept.setdefault((user, "cart"), {"ver": 0, "wid": None, "items": []})
        if path == "/cart/items" and method == "POST":
            cart["items"].append({"id": wid, "sku": body["sku"], "quantity": 1})
            cart.update(ver=cart["ver"] + 1, wid=wid)
        elif not (path == "/cart" and method == "GET"):
            return self.answer(404, {"error": "no such thing", "executed": False})
        return self.answer(200, cart)

    do_GET = do_POST = do_PUT = do_DELETE = handle_any

    def log_message(self, *args):
        pass


ThreadingHTTPServer.daemon_threads = True
ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler).serve_forever()
