from __future__ import annotations

import json
import socket
import stat
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from statedrill.control.server import Arguments, ControlServer, TargetFacts
from statedrill.errors import ClusterError, ControlError

FACTS: TargetFacts = {
    "run": "r1",
    "pid": 1,
    "started": 1.0,
    "load_balancer": "http://127.0.0.2:8080",
    "network": "127.0.0.0/16",
    "names": "",
}


def fail(error: Exception) -> Any:
    def action(_: Arguments) -> dict[str, Any]:
        raise error

    return action


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    control = ControlServer(
        {
            "status": lambda _: {"whole": True},
            "ec2/echo": lambda given: {"given": dict(given)},
            "ec2/refuse": fail(ControlError("no such zone", "zones: a, b, c")),
            "ec2/break": fail(ClusterError("not whole", "see the logs")),
            "ec2/defect": fail(ZeroDivisionError("oops")),
        }
    )
    path = tmp_path / "1-1.json"
    control.start(path, FACTS)
    yield path
    control.close()
    control.close()
    assert not path.exists()


def call(file: Path, action: str, body: bytes | None = b"{}", token: str = "") -> tuple[int, Any]:
    where = json.loads(file.read_text())
    request = urllib.request.Request(f"{where['url']}/{action}", data=body)
    request.add_header("Authorization", f"Bearer {token or where['token']}")
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, json.load(error)


def test_the_control_file_is_private_and_says_where(file: Path) -> None:
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    content = json.loads(file.read_text())
    assert content["run"] == "r1"
    assert content["url"].startswith("http://127.0.0.1:")
    assert len(content["token"]) >= 32


def test_an_action_gets_its_arguments(file: Path) -> None:
    assert call(file, "ec2/echo", b'{"Zone": "b"}') == (200, {"given": {"Zone": "b"}})
    assert call(file, "ec2/echo", b"") == (200, {"given": {}})


def test_status_answers_to_get_too(file: Path) -> None:
    assert call(file, "status", None) == (200, {"whole": True})
    assert call(file, "ec2/echo", None)[0] == 405


def test_nothing_answers_without_the_token(file: Path) -> None:
    for action in ("status", "ec2/echo", "nonsense"):
        code, answer = call(file, action, token="wrong")
        assert code == 401
        assert "control file" in answer["hint"]


def test_a_body_without_a_length_that_can_be_read_is_refused(file: Path) -> None:
    where = json.loads(file.read_text())
    with socket.create_connection(("127.0.0.1", int(where["url"].rpartition(":")[2])), 10) as raw:
        raw.sendall(b"POST /ec2/echo HTTP/1.0\r\nContent-Length: many\r\n\r\n")
        answer = b"".join(iter(lambda: raw.recv(4096), b""))
    assert answer.startswith(b"HTTP/1.0 400 ")
    assert b"'many' is no number" in answer


@pytest.mark.parametrize(
    ("action", "body", "code", "error"),
    [
        ("ec2/nonsense", b"{}", 404, "there is no action 'ec2/nonsense'"),
        ("ec2/refuse", b"{}", 400, "no such zone"),
        ("ec2/break", b"{}", 503, "not whole"),
        ("ec2/defect", b"{}", 500, "ec2/defect failed: ZeroDivisionError('oops')"),
        ("ec2/echo", b"[1]", 400, "the body is no JSON object"),
        ("ec2/echo", b"{", 400, "the body is no JSON"),
    ],
)
def test_what_goes_wrong_is_told_with_a_hint(
    file: Path, action: str, body: bytes, code: int, error: str
) -> None:
    told = call(file, action, body)
    assert told[0] == code
    assert told[1]["error"].startswith(error)
    assert told[1]["hint"]
