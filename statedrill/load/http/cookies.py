"""A cookie jar for one host: names, values, paths, life times and deletion (RFC 6265, host-only).

Built for speed where nothing changes: the `Cookie` field is made once and kept until a cookie
changes. Knows no HTTP beyond that; `Domain` and `SameSite` mean nothing to a client of one host.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

_NEVER = float("inf")


@dataclass(frozen=True, slots=True)
class Cookie:
    """One cookie; `ends` is the unix time in seconds at which it expires."""

    name: str
    value: str
    path: str = "/"
    ends: float = _NEVER
    secure: bool = False


class CookieJar:
    """The cookies of one browser at one host; `secure`: the host may be sent secure cookies."""

    def __init__(self, secure: bool = False) -> None:
        self.secure = secure
        self.changes = 0
        self._cookies: dict[tuple[str, str], Cookie] = {}
        self._stored: dict[bytes, Cookie] = {}
        self._header: bytes | None = b""
        self._first_end = _NEVER

    def store(self, field: bytes, request_path: str = "/") -> None:
        """Store the value of one `Set-Cookie` field; a malformed one is ignored, as browsers do."""
        known = self._stored.get(field)
        if known is not None and self._cookies.get((known.name, known.path)) is known:
            return
        cookie = parse(field, request_path)
        if cookie is None:
            return
        self._stored.clear()
        if cookie.ends == _NEVER:
            self._stored[field] = cookie
        self._cookies[cookie.name, cookie.path] = cookie
        self._changed()

    def header(self, path: str = "/") -> bytes:
        """The line `Cookie: ...` for a request of `path`, with its CRLF; empty without cookies."""
        if self._first_end != _NEVER and self._first_end <= time.time():
            self._changed()
        if self._header is not None:
            return self._header
        return _line([each for each in self._cookies.values() if path_matches(path, each.path)])

    def as_dict(self) -> dict[str, str]:
        """Names and values, for coming back later in another process."""
        return {cookie.name: cookie.value for cookie in self._cookies.values()}

    def load(self, cookies: Mapping[str, str]) -> None:
        """Restore names and values that `as_dict` returned; their path is the whole host."""
        for name, value in cookies.items():
            self._cookies[name, "/"] = Cookie(name, value)
        self._changed()

    def _changed(self) -> None:
        now = time.time()
        self.changes += 1
        self._cookies = {
            key: cookie
            for key, cookie in self._cookies.items()
            if cookie.ends > now and (self.secure or not cookie.secure)
        }
        kept = list(self._cookies.values())
        self._first_end = min((cookie.ends for cookie in kept), default=_NEVER)
        # One line serves every path while no cookie is limited to a part of the host.
        self._header = _line(kept) if all(cookie.path == "/" for cookie in kept) else None


def parse(field: bytes, request_path: str = "/") -> Cookie | None:
    """The cookie in the value of a `Set-Cookie` field; None when it is not one."""
    first, *attributes = field.decode("latin-1").split(";")
    name, equals, value = first.partition("=")
    name, value = name.strip(), value.strip()
    if not equals or not name or any(ord(letter) < 32 for letter in name + value):
        return None
    settings = {
        key.strip().lower(): setting.strip()
        for key, _, setting in (attribute.partition("=") for attribute in attributes)
    }
    path = settings.get("path", "")
    if not path.startswith("/"):
        path = request_path.rpartition("/")[0] or "/"
    return Cookie(name, value, path, _end(settings), "secure" in settings)


def path_matches(request_path: str, cookie_path: str) -> bool:
    """RFC 6265, section 5.1.4."""
    if cookie_path in (request_path, "/"):
        return True
    return request_path.startswith(cookie_path) and (
        cookie_path.endswith("/") or request_path[len(cookie_path)] == "/"
    )


def _end(settings: Mapping[str, str]) -> float:
    """`Max-Age` has precedence over `Expires`; a value that cannot be read counts as absent."""
    try:
        return time.time() + int(settings["max-age"])
    except (KeyError, ValueError, OverflowError):
        pass
    try:
        return parsedate_to_datetime(settings["expires"]).timestamp()
    except (KeyError, ValueError, OverflowError, TypeError, IndexError, OSError):
        return _NEVER


def _line(cookies: list[Cookie]) -> bytes:
    """Longer paths come first, as RFC 6265 (section 5.4) wants."""
    ordered = sorted(cookies, key=lambda cookie: -len(cookie.path))
    text = "; ".join(f"{cookie.name}={cookie.value}" for cookie in ordered)
    return b"Cookie: " + text.encode("latin-1") + b"\r\n" if text else b""
