"""A server in a process of its own that kills connections and stalls, and counts exactly.

Prints its address as the first line; ends on SIGTERM with one line of JSON: the requests it
received whole, the ids it executed, the ids it answered whole, and the stall (monotonic ns).

A request counts as received when all of its bytes are here, read or not: a connection that dies
before reading is first looked into (MSG_PEEK), and one that is closed while idle is closed for
writing and read to its end.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import socket
import struct
import sys
import threading
import time
from typing import Any

RESET = struct.pack("ii", 1, 0)
POINTS = ("before reading", "before executing", "before answering", "mid answer", "while idle")


class Server:
    def __init__(self, options: argparse.Namespace) -> None:
        self.options = options
        self.lock = threading.Lock()
        self.dice = random.Random(options.seed)
        self.received = 0
        self.executed: list[str] = []
        self.answered: list[str] = []
        self.reads_answered = 0
        self.kills = dict.fromkeys(POINTS, 0)
        self.first_ns = 0
        self.stall_ns = [0, 0]

    def serve(self, sock: socket.socket) -> None:
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            while self.one(sock):
                pass
        except OSError:
            pass
        finally:
            sock.close()

    def one(self, sock: socket.socket) -> bool:
        """Serve one request; False ends the connection."""
        raw = whole(sock)
        if raw is None:
            return False
        point = self.point()
        with self.lock:
            self.received += 1
            self.first_ns = self.first_ns or time.monotonic_ns()
        if point == "before reading":
            return kill(sock, reset=True)  # with bytes unread
        sock.recv(len(raw), socket.MSG_WAITALL)
        if point == "before executing":
            return self.kill(sock)
        return self.execute(sock, raw, point)

    def execute(self, sock: socket.socket, raw: bytes, point: str | None) -> bool:
        self.work()
        head, _, body = raw.partition(b"\r\n\r\n")
        wid = field(head, b"x-write-id")
        told = response(head, body, wid)
        with self.lock:
            self.executed += [wid] if wid else []
            part = self.dice.randrange(len(told))
        if point in ("before answering", "mid answer"):
            sock.sendall(told[: part if point == "mid answer" else 0])
            return self.kill(sock)
        sock.sendall(told)
        with self.lock:
            self.answered += [wid] if wid else []
            self.reads_answered += not wid
        if point == "while idle":
            self.drain(sock)
        return point is None

    def point(self) -> str | None:
        with self.lock:
            if self.dice.random() >= self.options.kill:
                return None
            point = self.dice.choice(POINTS)
            self.kills[point] += 1
            return point

    def kill(self, sock: socket.socket) -> bool:
        with self.lock:
            reset = self.dice.random() < 0.5
        return kill(sock, reset)

    def drain(self, sock: socket.socket) -> None:
        """Closed while idle: a request that comes all the same was received, and not executed."""
        sock.shutdown(socket.SHUT_WR)
        data = b""
        while part := sock.recv(65536):
            data += part
        with self.lock:
            self.received += data.count(b" HTTP/1.1\r\n")

    def work(self) -> None:
        """Take the service time; a stall holds everybody until it is over."""
        options = self.options
        if options.stall_s:
            now = time.monotonic_ns()
            begin = self.first_ns + round(options.stall_at_s * 1e9)
            end = begin + round(options.stall_s * 1e9)
            self.stall_ns = [begin, end]
            if begin <= now < end:
                time.sleep((end - now) / 1e9)
        if options.service_s:
            time.sleep(options.service_s)

    def counts(self) -> dict[str, Any]:
        with self.lock:
            names = ("received", "executed", "answered", "reads_answered", "kills", "stall_ns")
            return {name: getattr(self, name) for name in names}


def kill(sock: socket.socket, reset: bool) -> bool:
    if reset:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    sock.close()
    return False


def whole(sock: socket.socket) -> bytes | None:
    """The bytes of the next request, all of them here and none of them read; None at the end."""
    size = 1
    while True:
        data = sock.recv(1 << 20, socket.MSG_PEEK)
        if not data:
            return None
        head, end, _ = data.partition(b"\r\n\r\n")
        if end:
            size = len(head) + 4 + int(field(head, b"content-length") or 0)
            if len(data) >= size:
                return data[:size]
        time.sleep(0.0005)


def field(head: bytes, name: bytes) -> str:
    for line in head.split(b"\r\n")[1:]:
        key, _, value = line.partition(b":")
        if key.lower() == name:
            return value.strip().decode()
    return ""


def response(head: bytes, body: bytes, wid: str) -> bytes:
    told: dict[str, Any] = {"ver": 1, "wid": wid or None}
    cookie = b""
    if head.startswith(b"POST /sign-in"):
        told |= {"user": json.loads(body)["user"], "session": "p1"}
        cookie = b"Set-Cookie: sid=s1; Path=/\r\n"
    elif not wid:
        user = "nobody"
        told = {"ver": 0, "wid": None, "value": None, "items": [], "entries": [], "orders": []}
        told |= {"user": user}
    content = json.dumps(told).encode()
    return b"".join([
        b"HTTP/1.1 200 OK\r\nX-Instance-Id: i-1\r\nContent-Length: %d\r\n" % len(content),
        cookie, b"\r\n", content,
    ])  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--kill", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--service-s", type=float, default=0.0)
    parser.add_argument("--stall-at-s", type=float, default=0.0)
    parser.add_argument("--stall-s", type=float, default=0.0)
    server = Server(parser.parse_args())
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    print(f"http://127.0.0.1:{listener.getsockname()[1]}", flush=True)

    def end(*_: object) -> None:
        print(json.dumps(server.counts()), flush=True)
        sys.stdout.close()
        # The threads of the connections end with the process.
        signal.raise_signal(signal.SIGKILL)

    signal.signal(signal.SIGTERM, end)
    while True:
        sock, _ = listener.accept()
        threading.Thread(target=server.serve, args=(sock,), daemon=True).start()


if __name__ == "__main__":
    main()
