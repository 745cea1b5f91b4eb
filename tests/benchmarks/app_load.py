"""A fast HTTP client that plays shop users.

`python -m tests.benchmarks.app_load URL USERS SECONDS`

Runs in a process of its own, so that the application has a processor to itself. Each user has one
connection and a cookie jar, sends its next request as soon as the last one is answered, and
prepares nothing else: a Locust user would need more processor time than the application. Prints
one JSON object: `requests` answered in all, `rate` (1/s) after the warm-up, `failures` (answers
that are not 2xx).
"""

from __future__ import annotations

import asyncio
import itertools
import json
import random
import sys
import time
from dataclasses import dataclass
from typing import cast
from urllib.parse import urlsplit

import uvloop

WARM_UP_S = 0.5
CALLS = (
    ("GET", "/preferences", b""),
    ("PUT", "/draft", b'{"value":{"title":"a letter","text":"dear all"}}'),
    ("GET", "/draft", b""),
    ("GET", "/cart", b""),
    ("POST", "/cart/items", b'{"sku":"tea","quantity":1}'),
    ("GET", "/cart", b""),
    ("GET", "/draft", b""),
    ("DELETE", "/cart", b""),
)
"""Five reads for three writes; the cart is emptied again, so that no call grows with time."""


@dataclass
class Counts:
    requests: int = 0
    failures: int = 0


class User(asyncio.Protocol):
    """One user on one connection: signs in, then repeats CALLS."""

    def __init__(self, host: str, name: str, counts: Counts) -> None:
        self._host = host
        self._name = name
        self._counts = counts
        self._calls = itertools.cycle(CALLS)
        self._seq = itertools.count(1)
        self._cookies: dict[str, str] = {}
        self._cookie_line = ""
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.Transport, transport)
        self._send("POST", "/sign-in", json.dumps({"user": self._name}).encode())

    def data_received(self, data: bytes) -> None:
        self._received += data
        head, blank, body = self._received.partition(b"\r\n\r\n")
        if not blank or len(body) < _content_length(head):
            return
        self._received = b""
        self._counts.requests += 1
        self._counts.failures += not head.startswith(b"HTTP/1.1 2")
        if b"set-cookie" in head:
            self._keep_cookies(head)
        self._send(*next(self._calls))

    def _send(self, method: str, path: str, body: bytes) -> None:
        head = (
            f"{method} {path} HTTP/1.1\r\nHost: {self._host}\r\n{self._cookie_line}"
            f"X-Write-Id: {self._name}.{next(self._seq)}\r\n"
        )
        if body:
            head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        self._transport.write(f"{head}\r\n".encode() + body)

    def _keep_cookies(self, head: bytes) -> None:
        for line in head.decode("latin-1").split("\r\n"):
            key, _, value = line.partition(": ")
            if key.lower() == "set-cookie":
                pair, *attributes = value.split("; ")
                name, _, content = pair.partition("=")
                self._cookies[name] = content
                if "Max-Age=0" in attributes:
                    del self._cookies[name]
        jar = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        self._cookie_line = f"Cookie: {jar}\r\n" if jar else ""


def _content_length(head: bytes) -> int:
    start = head.lower().index(b"content-length: ") + len(b"content-length: ")
    return int(head[start:].partition(b"\r\n")[0])


async def load(url: str, users: int, seconds: float) -> dict[str, float]:
    """Load `url` for `seconds` after the warm-up."""
    address = urlsplit(url)
    host = address.hostname or ""
    counts, run = Counts(), f"b{random.getrandbits(40):x}"
    loop = asyncio.get_running_loop()
    for number in range(users):
        name = f"{run}-u{number}"
        await loop.create_connection(
            lambda name=name: User(address.netloc, name, counts),  # type: ignore[misc]
            host,
            address.port or 80,
        )
    await asyncio.sleep(WARM_UP_S)
    before, begin_s = counts.requests, time.perf_counter()
    await asyncio.sleep(seconds)
    rate = (counts.requests - before) / (time.perf_counter() - begin_s)
    return {"requests": counts.requests, "rate": rate, "failures": counts.failures}


if __name__ == "__main__":
    url, users, seconds = sys.argv[1:]
    print(json.dumps(uvloop.run(load(url, int(users), float(seconds)))))
