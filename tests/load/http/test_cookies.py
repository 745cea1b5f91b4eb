from __future__ import annotations

import time

import pytest

from statedrill.load.http.cookies import CookieJar, parse, path_matches


def jar(*fields: bytes, secure: bool = False) -> CookieJar:
    made = CookieJar(secure=secure)
    for each in fields:
        made.store(each)
    return made


def test_a_jar_without_cookies_sends_no_line() -> None:
    assert CookieJar().header("/") == b""


def test_the_last_value_of_a_name_counts() -> None:
    assert jar(b"a=1", b"b=2", b"a=3").header() == b"Cookie: a=3; b=2\r\n"


@pytest.mark.parametrize(
    "field",
    [b"a=; Max-Age=0", b"a=x; Max-Age=-5", b"a=; Expires=Thu, 01 Jan 1970 00:00:00 GMT"],
)
def test_a_server_can_delete_a_cookie(field: bytes) -> None:
    assert jar(b"a=1", b"keep=1", field).header() == b"Cookie: keep=1\r\n"


def test_a_deleted_cookie_can_be_set_again_with_the_same_words() -> None:
    made = jar(b"a=1; Path=/", b"a=; Path=/; Max-Age=0")
    made.store(b"a=1; Path=/")
    assert made.header() == b"Cookie: a=1\r\n"


def test_a_cookie_ends_when_its_time_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    made = jar(b"a=1; Max-Age=60", b"b=2")
    assert made.header() == b"Cookie: a=1; b=2\r\n"
    later = time.time() + 61
    monkeypatch.setattr("statedrill.load.http.cookies.time.time", lambda: later)
    assert made.header() == b"Cookie: b=2\r\n"


def test_max_age_beats_expires() -> None:
    field = b"a=1; Expires=Thu, 01 Jan 1970 00:00:00 GMT; Max-Age=60"
    assert jar(field).header() == b"Cookie: a=1\r\n"


def test_a_path_binds_a_cookie_to_a_part_of_the_host() -> None:
    made = jar(b"a=1; Path=/", b"b=2; Path=/cart")
    assert made.header("/cart/items") == b"Cookie: b=2; a=1\r\n"
    assert made.header("/cartoon") == b"Cookie: a=1\r\n"
    assert made.header("/") == b"Cookie: a=1\r\n"


def test_without_a_path_the_folder_of_the_request_counts() -> None:
    made = CookieJar()
    made.store(b"a=1", "/cart/items")
    assert made.header("/cart/x") == b"Cookie: a=1\r\n"
    assert made.header("/history") == b""


def test_a_secure_cookie_needs_a_secure_host() -> None:
    assert jar(b"a=1; Secure").header() == b""
    assert jar(b"a=1; Secure", secure=True).header() == b"Cookie: a=1\r\n"


@pytest.mark.parametrize("field", [b"", b"no equals sign", b"=nameless", b"a=\x01", b";;;"])
def test_what_is_no_cookie_is_ignored(field: bytes) -> None:
    assert parse(field) is None
    assert jar(b"a=1", field).header() == b"Cookie: a=1\r\n"


def test_a_time_that_cannot_be_read_counts_as_none() -> None:
    assert jar(b"a=1; Max-Age=soon; Expires=never").header() == b"Cookie: a=1\r\n"


def test_cookies_can_be_taken_to_another_process() -> None:
    other = CookieJar()
    other.load(jar(b"sid=x", b"seq=4").as_dict())
    assert other.header("/any") == b"Cookie: sid=x; seq=4\r\n"


@pytest.mark.parametrize(
    ("request_path", "cookie_path", "matches"),
    [("/a/b", "/a", True), ("/a", "/a", True), ("/ab", "/a", False), ("/a/b", "/a/", True)],
)
def test_paths_match_by_whole_parts(request_path: str, cookie_path: str, matches: bool) -> None:
    assert path_matches(request_path, cookie_path) is matches
