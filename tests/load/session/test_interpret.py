"""Whatever a server answers is one operation on record, and never the end of a user."""

from __future__ import annotations

import time
from typing import Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from statedrill.history.operation import LAST_ID
from statedrill.load.http.client import HttpClient
from statedrill.load.http.cookies import CookieJar
from statedrill.load.http.response import Response
from statedrill.load.recording.recording import Recording
from statedrill.load.session.interpret import WriteIds
from statedrill.load.session.session import Session
from statedrill.load.users.actions import UserActions
from statedrill.vocabulary import Outcome

IDS = ["r7.1.1", "r7.1.2", "r7.1.3", "r7.2.1", "r8.1.1", "", "r7.1." + "9" * 5000, "r7.9999.x"]
json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 2**40) | st.text(max_size=5) | st.sampled_from(IDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["wid", "ver", "value", "items", "entries", "orders", "id", "key",
                             "user", "session", "absent", "executed", "error"]),
            inner, max_size=6,
        )
    ),
    max_leaves=12,
)  # fmt: skip
bodies = json_values.map(orjson.dumps) | st.binary(max_size=30)
fields = st.dictionaries(
    st.sampled_from([b"x-session-id", b"x-instance-id", b"x-ver", b"x-write-id"]),
    st.binary(max_size=8) | st.sampled_from([each.encode() for each in IDS]) | st.just(b"9" * 9000),
)
statuses = st.sampled_from([0, 200, 200, 200, 201, 202, 204, 301, 400, 401, 404, 409, 500, 503])


class Scripted(HttpClient):
    """A client that sends nothing and gets the responses it was given."""

    script: tuple[int, bytes, dict[bytes, bytes]]

    def exchange(self, line: bytes, fields: bytes, body: bytes = b"", path: str = "/") -> None:
        self.response = Response()
        self.response.status, content, self.response.fields = self.script
        self.response._parts.append(content)
        self.error = "" if self.response.status else "closed early"
        self.sent = True
        self.call = time.monotonic_ns()
        self.ret = self.call + 1


def new_user(rows: list[tuple[Any, ...]]) -> UserActions:
    recording = Recording("r7")
    recording.write = rows.append
    made = UserActions()
    made.session = Session(1, Scripted("http://127.0.0.1:1"), recording)
    made.session.signed_in = True
    return made


CALLS: list[Any] = [
    lambda user: user.session.sign_in(),
    lambda user: user.sign_out(),
    lambda user: user.session_check(),
    lambda user: user.read("preferences"),
    lambda user: user.read("cart"),
    lambda user: user.read("history"),
    lambda user: user.read("orders"),
    lambda user: user.recommendations(),
    lambda user: user.put("draft", {"a": 1}),
    lambda user: user.add("cart", "tea"),
    lambda user: user.remove("cart", "r7.1.1"),
    lambda user: user.clear("cart"),
    lambda user: user.append("history", "a"),
    lambda user: user.order([]),
    lambda user: user.upload("me"),
    lambda user: user.download("me"),
]


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(CALLS), statuses, bodies, fields)
def test_every_answer_makes_one_row_that_can_be_stored(
    call: Any, status: int, body: bytes, header: dict[bytes, bytes]
) -> None:
    rows: list[tuple[Any, ...]] = []
    user = new_user(rows)
    user.session.client.script = (status, body, header)  # type: ignore[attr-defined]
    call(user)
    assert len(rows) == 1
    row = rows[0]
    orjson.dumps(row)
    outcome, wid, read_wid, ver = row[7], row[8], row[9], row[11]
    assert outcome in list(Outcome)
    assert 0 <= ver < 2**32
    assert all(0 <= each < 2**32 for each in [wid, read_wid, *(row[18] or []), *(row[19] or [])])
    if outcome in (Outcome.OK, Outcome.ACCEPTED) and wid:
        assert status in (200, 201, 202)
        assert read_wid == wid, "a write is confirmed by its own id only"
    if outcome == Outcome.FAILED:
        assert status in (400, 401, 404, 409, 503)
        assert b'"executed":false' in body


@given(st.lists(st.binary(max_size=60) | st.sampled_from([
    b"a=1; Max-Age=" + b"9" * 400, b"a=1; Expires=Mon, 99 Foo 0000 99:99:99 GMT",
    b"a=1; Expires=Mon, 01 Jan 0001 00:00:00 GMT", b"a=1; Path=", b"a=1; Max-Age=1e9",
])))  # fmt: skip
def test_no_set_cookie_line_breaks_the_jar(lines: list[bytes]) -> None:
    jar = CookieJar()
    for line in lines:
        jar.store(line, "/x/y")
    header = jar.header("/x/y")
    assert header == b"" or header.startswith(b"Cookie: ")
    assert header.count(b"\r\n") == (1 if header else 0)
    orjson.dumps(jar.as_dict())


@given(st.text(max_size=20) | st.sampled_from(IDS))
def test_an_id_is_always_a_number_that_fits(text: str) -> None:
    ids = WriteIds("r7", 1)
    assert 0 <= ids.number(text) < 2**32
    assert 0 <= ids.logical(text) < 2**32


@given(st.integers(1, LAST_ID))
def test_an_own_id_is_read_back(number: int) -> None:
    ids = WriteIds("r7", 1)
    assert ids.number(ids.text(number)) == number
    assert ids.logical(ids.key(number)) == number
