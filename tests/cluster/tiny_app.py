"""An application of one's own: sessions in memory, nothing but the standard library."""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

SEEN: dict[str, int] = {}
UNDER_WAY: list[str] = []


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path == "/health":
            return self.answer({"status": "ok"})
        if self.path == "/environment":
            return self.answer(dict(os.environ))
        if self.path == "/busy":
            return self.answer({"under_way": len(UNDER_WAY)})
        if self.path == "/slow":
            UNDER_WAY.append(self.path)
            time.sleep(0.3)
            UNDER_WAY.pop()
        user = self.path.strip("/")
        SEEN[user] = SEEN.get(user, 0) + 1
        return self.answer({"instance": os.environ["INSTANCE_ID"], "visits": SEEN[user]})

    def answer(self, value: dict) -> None:
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        pass


if os.environ.get("FAIL") == "birth":
    sys.exit("cannot start: the table of contents is missing")
if os.environ.get("FAIL") == "never ready":
    print("still loading", flush=True)
    signal.pause()
server = ThreadingHTTPServer((os.environ["HOST"], int(os.environ["PORT"])), Handler)
signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=server.shutdown).start())
server.serve_forever(poll_interval=0.05)
