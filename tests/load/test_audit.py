from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from statedrill.errors import UNKNOWN, InputError
from statedrill.history.operation import SIGNED_OUT
from statedrill.history.recorder import COLUMNS
from statedrill.load import audit
from statedrill.load.load_process import LoadProcess, new_recording, session_numbers
from statedrill.load.settings import Settings
from statedrill.load.target_health import TargetHealth
from statedrill.load.users.actions import UserActions
from statedrill.vocabulary import Kind
from tests.load.stub import Request, Shop, Stub, response, serving

RUN = "r7"


@pytest.fixture(autouse=True)
def _signals_stay_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    """The audit takes over SIGINT and SIGTERM of its process, which here is that of all tests."""
    monkeypatch.setattr(audit, "end_cleanly", lambda: None)


def load(folder: Path, stub: Stub, users: int, end: bool = True) -> None:
    settings = Settings(history=folder, run=RUN, pace_s=0.0)
    process = LoadProcess(settings, new_recording(settings), session_numbers())
    for _ in range(users):
        user = UserActions()
        user.session = process.session(stub.address)
        user.add("cart", "tea")
        user.upload("me")
        if end:
            user.session.end()
        else:
            user.session.client.drop()
    process.close()


def run(folder: Path, stub: Stub, worker: int, *more: str) -> tuple[int, list[dict[str, Any]]]:
    code = audit.main(
        ["--history", str(folder), "--host", stub.address, "--run", RUN,
         "--worker", str(worker), "--timeout", "5", *more]
    )  # fmt: skip
    lines = (folder / f"operations-{worker}.jsonl").read_text().splitlines()
    values = [json.loads(line) for line in lines]
    assert values[-1]["end"]
    rows = [dict(zip(COLUMNS, each, strict=True)) for each in values if isinstance(each, list)]
    return code, rows


def counts(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 1
    counted = json.loads(lines[0])
    assert isinstance(counted, dict)
    return counted


def test_every_object_of_every_session_is_read_once_more(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Shop()) as stub:
        load(tmp_path, stub, users=5)
        code, rows = run(tmp_path, stub, 1)
    counted = counts(capsys)
    assert code == 0
    assert (counted["sessions"], counted["sessions_read"], counted["objects"]) == (5, 5, 10)
    assert (counted["objects_read"], counted["signed_in_again"]) == (10, 0)
    # the session check, the cart, the upload
    assert len(rows) == counted["attempts"] == 15
    assert {row["session"] for row in rows} == {1, 2, 3, 4, 5}
    assert {row["server_session"] for row in rows} == {2}
    assert {row["kind"] for row in rows} == {Kind.READ}


def test_a_forgotten_session_shows_its_old_cookies_first_and_then_signs_in(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop()
    with serving(shop) as stub:
        load(tmp_path, stub, users=1)
        shop.forget_sessions()
        _, rows = run(tmp_path, stub, 1)
    assert counts(capsys)["signed_in_again"] == 1
    assert [(row["kind"], row["server_session"]) for row in rows] == [
        (Kind.READ, SIGNED_OUT),
        (Kind.SIGN_IN, 3),
        (Kind.READ, 3),
        (Kind.READ, 3),
    ]
    assert rows[1]["wid"] == 4  # three were used before: no id is used twice
    assert len(rows[2]["items"]) == 1


def test_a_second_audit_follows_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop()
    with serving(shop) as stub:
        load(tmp_path, stub, users=2)
        shop.forget_sessions()
        run(tmp_path, stub, 1)
        capsys.readouterr()
        _, rows = run(tmp_path, stub, 2)
    counted = counts(capsys)
    assert (counted["signed_in_again"], counted["sessions_read"]) == (0, 2)
    assert {row["server_session"] for row in rows} == {3}


def test_a_read_that_fails_is_tried_again_and_every_try_is_on_record(tmp_path: Path) -> None:
    shop, left = Shop(), [2]

    def shaky(request: Request, sock: Any) -> bytes | None:
        if request.path == "/cart" and left[0]:
            left[0] -= 1
            return response({"error": "e", "executed": False}, "503 Unavailable")
        return shop(request, sock)

    with serving(shop) as stub:
        load(tmp_path, stub, users=1)
        stub.handler = shaky
        _, rows = run(tmp_path, stub, 1)
    assert [row["status"] for row in rows] == [200, 503, 503, 200, 200]


def test_an_audit_that_cannot_read_ends_in_time_and_says_so(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shop = Shop()
    with serving(shop) as stub:
        load(tmp_path, stub, users=2)
        shop.down = True
        code, _ = run(tmp_path, stub, 1, "--timeout", "0.3")
    counted = counts(capsys)
    assert code == 0
    assert (counted["sessions"], counted["sessions_read"], counted["objects_read"]) == (2, 0, 0)


def test_an_audit_of_a_target_that_is_gone_for_good_ends_at_once_and_says_what_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = Shop()
    missing = ["cache: 0 of 2 nodes"]
    monkeypatch.setenv("STATEDRILL_CONTROL", str(tmp_path / "control.json"))
    monkeypatch.setattr(
        audit, "TargetHealth", lambda patience_s: TargetHealth(patience_s, lambda: missing)
    )
    with serving(shop) as stub:
        load(tmp_path, stub, users=2)
        shop.down = True
        code, rows = run(tmp_path, stub, 1, "--timeout", "60", "--patience", "0.5")
    assert code == UNKNOWN
    assert rows
    said = capsys.readouterr().err
    assert "the target is gone for good (cache: 0 of 2 nodes): 0 of 2 sessions were read" in said


def test_a_session_without_its_last_line_gets_ids_that_were_surely_not_used(
    tmp_path: Path,
) -> None:
    shop = Shop()
    with serving(shop) as stub:
        load(tmp_path, stub, users=1, end=False)
        shop.forget_sessions()
        _, rows = run(tmp_path, stub, 1)
    assert rows[1]["kind"] == Kind.SIGN_IN
    assert rows[1]["wid"] > 1_000_000


def test_all_objects_can_be_asked_for_used_or_not(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with serving(Shop()) as stub:
        load(tmp_path, stub, users=1)
        run(tmp_path, stub, 1, "--objects", "all")
    assert counts(capsys)["objects_read"] == 6


def test_an_unknown_object_is_refused_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no objects named basket"):
        audit.calls_for([], "cart,basket")


def test_a_folder_without_sessions_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--history", str(tmp_path), "--host", "http://127.0.0.1:1", "--run", RUN]
    assert audit.main([*arguments, "--worker", "1"]) == 104
    assert "no session is on record" in capsys.readouterr().err


def test_a_torn_line_is_no_session(tmp_path: Path) -> None:
    (tmp_path / "sessions-0.jsonl").write_text('{"session":1,"t":2}\n{"session":1,"t":1}\n{"sess')
    assert audit.last_lines(tmp_path) == [{"session": 1, "t": 2}]
