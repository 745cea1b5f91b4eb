from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import gevent
import pytest

from statedrill.history.operation import (
    ABSENT,
    ALIEN,
    FOREIGN,
    INITIAL,
    NO_VERSION,
    NOTHING,
    SIGNED_OUT,
)
from statedrill.history.recorder import COLUMNS
from statedrill.load.load_process import LoadProcess, new_recording, session_numbers
from statedrill.load.session.upload_content import upload_content
from statedrill.load.settings import Settings
from statedrill.load.users.actions import UserActions
from statedrill.vocabulary import Kind, Outcome
from tests.load.stub import Request, Shop, Stub, response, serving

RUN = "r7"


class World:
    """A shop, a user, and what was recorded of both."""

    def __init__(self, folder: Path, stub: Stub, shop: Shop) -> None:
        self.folder = folder
        self.stub = stub
        self.shop = shop
        settings = Settings(history=folder, run=RUN, pace_s=0.0, timeout_s=0.3)
        self.process = LoadProcess(settings, new_recording(settings), session_numbers())
        self.attempts: list[tuple[str, str]] = []
        self.process.recording.listener = lambda call, *rest: self.attempts.append(
            (call.op, rest[-1])
        )
        self.user = self.another()

    def another(self) -> UserActions:
        made = UserActions()
        made.session = self.process.session(self.stub.address)
        return made

    def rows(self) -> list[dict[str, Any]]:
        self.process.recording.recorder.flush()  # type: ignore[union-attr]
        lines = (self.folder / "operations-0.jsonl").read_text().splitlines()
        values = [json.loads(line) for line in lines]
        self.names = {
            (each["table"], each["code"]): each["name"] for each in values if "table" in each
        }
        return [dict(zip(COLUMNS, each, strict=True)) for each in values if isinstance(each, list)]

    def last(self) -> dict[str, Any]:
        return self.rows()[-1]

    def misbehave(self, status: str, body: object = None, raw: bytes | None = None) -> None:
        """From now on every response is this one."""
        self.stub.handler = lambda request, sock: response(body, status, raw=raw)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    shop = Shop()
    with serving(shop) as stub:
        made = World(tmp_path, stub, shop)
        yield made
        made.process.close()


def test_signing_in_is_a_write_that_shows_the_server_session(world: World) -> None:
    assert world.user.sign_in()
    row = world.last()
    assert (row["kind"], row["outcome"], row["wid"], row["read_wid"]) == (Kind.SIGN_IN, 0, 1, 1)
    assert (row["ver"], row["server_session"], row["status"], row["attempt"]) == (1, 2, 200, 1)
    assert world.names["op", row["op"]] == "sign-in"
    assert world.names["object", row["object"]] == "session"
    assert world.names["instance", row["instance"]] == "i-1"
    assert row["call"] < row["ret"]


def test_a_write_carries_its_id_and_is_ok_when_the_body_confirms_it(world: World) -> None:
    confirmed = world.user.put("preferences", {"theme": "dark"})
    row, sent = world.last(), world.stub.requests[-1]
    assert sent.wid == confirmed == f"{RUN}.1.{row['wid']}"
    assert json.loads(sent.body) == {"value": {"theme": "dark", "wid": confirmed}}
    assert (row["outcome"], row["read_wid"], row["ver"]) == (Outcome.OK, row["wid"], 1)


def test_a_read_shows_version_and_id(world: World) -> None:
    world.user.read("draft")
    assert (world.last()["read_wid"], world.last()["ver"]) == (INITIAL, 0)
    world.user.put("draft", "dear")
    body = world.user.read("draft")
    row = world.last()
    assert body is not None
    assert body["value"] == "dear"
    assert (row["read_wid"], row["ver"], row["kind"]) == (row["read_wid"], 1, Kind.READ)
    assert (row["wid"], row["attempt"], row["logical"], row["items"]) == (0, 0, 0, None)


def test_a_cart_is_a_set_whose_elements_are_the_ids_of_their_adds(world: World) -> None:
    user = world.user
    first, second = user.add("cart", "tea"), user.add("cart", "mug")
    assert first
    assert second
    added = world.last()
    assert (added["kind"], added["element"]) == (Kind.ADD, added["wid"])
    user.remove("cart", first)
    removed = world.last()
    assert (removed["kind"], removed["element"]) == (Kind.REMOVE, int(first.split(".")[2]))
    assert removed["wid"] == added["wid"] + 1
    user.read("cart")
    assert world.last()["items"] == [int(second.split(".")[2])]
    user.clear("cart")
    assert world.last()["kind"] == Kind.CLEAR
    user.read("cart")
    assert world.last()["items"] == []


def test_a_history_lists_its_entries_in_order(world: World) -> None:
    wids = [world.user.append("history", f"a{n}") for n in range(3)]
    world.user.read("history")
    row = world.last()
    assert row["items"] == [int(str(wid).split(".")[2]) for wid in wids]
    assert row["ver"] == len(row["items"])
    assert row["item_logicals"] is None


def test_an_order_tried_again_carries_a_new_id_and_the_same_key(world: World) -> None:
    shop, lost = world.shop, [True]

    def forgetful(request: Request, sock: Any) -> bytes | None:
        answer = shop(request, sock)
        if request.path == "/orders" and lost.pop():
            lost.append(False)
            return response({"error": "late", "executed": "unknown"}, "500 Oops")
        lost.append(lost.pop() if lost else False)
        return answer

    world.user.sign_in()
    world.stub.handler = forgetful
    confirmed = world.user.order([{"sku": "tea", "quantity": 1}], attempts=3)
    first, second = world.rows()[-2:]
    assert (first["outcome"], second["outcome"]) == (Outcome.UNKNOWN, Outcome.OK)
    assert (first["attempt"], second["attempt"]) == (1, 2)
    assert first["logical"] == second["logical"] > 0
    assert second["wid"] == first["wid"] + 1
    assert second["read_wid"] == first["wid"]  # the first attempt had been applied
    assert confirmed == f"{RUN}.1.{first['wid']}"
    world.user.read("orders")
    orders = world.last()
    assert (orders["items"], orders["item_logicals"]) == ([first["wid"]], [first["logical"]])


def test_attempts_end_with_the_number_the_scenario_gave(world: World) -> None:
    world.user.sign_in()
    world.misbehave("502 Bad Gateway", raw=b"<html>")
    assert world.user.order([], attempts=3) is None
    assert [row["attempt"] for row in world.rows()[-3:]] == [1, 2, 3]


def test_an_upload_is_read_back_and_its_content_checked(world: World) -> None:
    world.user.download("me")
    assert (world.last()["read_wid"], world.last()["ver"]) == (INITIAL, 0)
    wid = world.user.upload("me")
    assert wid is not None
    assert world.user.download("me") == upload_content(wid)
    row = world.last()
    assert world.names["object", row["object"]] == "upload/me"
    assert (row["read_wid"], row["ver"], row["outcome"]) == (int(wid.split(".")[2]), 1, 0)


def test_an_upload_with_the_content_of_another_is_alien(world: World) -> None:
    world.user.upload("me")
    world.shop.state[f"{RUN}-u1", "/uploads/me"]["value"] = upload_content("r0.1.1")
    world.user.download("me")
    assert world.last()["read_wid"] == ALIEN
    assert "not what" in world.last()["note"]


def test_an_upload_whose_content_is_gone_is_absent(world: World) -> None:
    wid = world.user.upload("me")
    world.shop.state[f"{RUN}-u1", "/uploads/me"]["value"] = None
    world.user.download("me")
    row = world.last()
    assert (row["outcome"], row["read_wid"], row["ver"]) == (Outcome.OK, ABSENT, 1)
    assert str(wid) in row["note"]


def test_recommendations_are_a_read_of_the_reading_history_without_items(world: World) -> None:
    world.user.append("history", "a")
    world.user.sign_in()
    shop = world.shop

    def recommending(request: Request, sock: Any) -> bytes | None:
        return shop(Request("GET", "/history", request.headers, b""), sock)

    world.stub.handler = recommending
    world.user.recommendations()
    row = world.last()
    assert world.names["object", row["object"]] == "history"
    assert (row["ver"], row["items"]) == (1, None)


def test_a_queued_write_is_accepted_when_the_body_confirms_it(world: World) -> None:
    world.user.sign_in()
    wid = world.user.session.next_write
    world.misbehave("202 Accepted", {"wid": f"{RUN}.1.{wid}"})
    assert world.user.put("draft", 1)
    row = world.last()
    assert (row["outcome"], row["ver"], row["read_wid"]) == (Outcome.ACCEPTED, NO_VERSION, wid)


@pytest.mark.parametrize(
    ("status", "body", "outcome"),
    [
        ("503 Unavailable", {"error": "e", "executed": False}, Outcome.FAILED),
        ("409 Conflict", {"error": "e", "executed": False}, Outcome.FAILED),
        ("503 Unavailable", {"error": "e", "executed": "unknown"}, Outcome.UNKNOWN),
        ("503 Unavailable", {"error": "e"}, Outcome.UNKNOWN),
        ("500 Oops", {"error": "e", "executed": False}, Outcome.UNKNOWN),
        ("502 Bad Gateway", "<html>", Outcome.UNKNOWN),
        ("404 Not Found", [], Outcome.UNKNOWN),
        ("200 OK", {}, Outcome.UNKNOWN),
        ("200 OK", {"ver": 1, "wid": None}, Outcome.UNKNOWN),
        ("200 OK", {"ver": 1, "wid": "r7.1.999"}, Outcome.UNKNOWN),
        ("202 Accepted", {"wid": "r7.2.1"}, Outcome.UNKNOWN),
        ("301 Moved", {}, Outcome.UNKNOWN),
    ],
)
def test_a_write_that_is_not_confirmed_is_failed_only_when_the_contract_says_so(
    world: World, status: str, body: object, outcome: Outcome
) -> None:
    world.user.sign_in()
    world.misbehave(status, body)
    assert world.user.put("draft", 1) is None
    assert world.last()["outcome"] == outcome
    assert world.last()["status"] == int(status[:3])
    assert world.last()["note"]


@pytest.mark.parametrize(
    "raw",
    [b"", b"not json", b"[]", b"null", b'{"ver": 1}', b'{"ver":1,"wid":null,"items":7}',
     b'{"ver":1,"wid":null,"items":[1]}', b'{"ver":1,"wid":null,"items":[{}]}'],
)  # fmt: skip
def test_a_read_with_a_body_that_is_not_as_agreed_is_dropped(world: World, raw: bytes) -> None:
    world.user.sign_in()
    world.misbehave("200 OK", raw=raw)
    assert world.user.read("cart") is None
    row = world.last()
    assert (row["outcome"], row["read_wid"], row["items"]) == (Outcome.UNKNOWN, NOTHING, None)
    assert "not as agreed" in row["note"]


@pytest.mark.parametrize(
    ("wid", "code"),
    [("r7.1.1", 1), ("r7.2.1", FOREIGN), ("r8.1.1", ALIEN), ("r7.1.0", ALIEN), ("x", ALIEN),
     ("r7.1.x", ALIEN), (7, ALIEN), ("r7.1.99999999999", ALIEN), ("", ALIEN)],
)  # fmt: skip
def test_the_id_a_read_shows_is_own_foreign_or_alien(world: World, wid: Any, code: int) -> None:
    world.user.sign_in()
    world.misbehave("200 OK", {"ver": 3, "wid": wid, "value": 1})
    world.user.read("draft")
    assert (world.last()["read_wid"], world.last()["ver"]) == (code, 3)


def test_a_value_under_the_id_of_another_write_is_alien(world: World) -> None:
    world.user.put("draft", {"text": "one"})
    world.user.put("draft", {"text": "two"})
    kept = world.shop.state[f"{RUN}-u1", "draft"]
    kept["value"] = {"text": "one", "wid": f"{RUN}.1.2"}
    world.user.read("draft")
    assert world.last()["read_wid"] == ALIEN
    assert "under the id" in world.last()["note"]


def test_being_somebody_else_is_a_leak(world: World) -> None:
    world.user.sign_in()
    other = world.another()
    other.sign_in()
    world.user.session.client.cookies.load(other.session.client.cookies.as_dict())
    assert not world.user.session_check()
    row = world.last()
    assert (row["read_wid"], row["server_session"]) == (FOREIGN, 3)
    assert "u2" in row["note"]


def test_signed_in_as_another_user_is_no_confirmation(world: World) -> None:
    world.misbehave("200 OK", {"user": "eve", "session": "p", "ver": 1, "wid": f"{RUN}.1.1"})
    assert not world.user.sign_in()
    assert (world.last()["outcome"], world.last()["read_wid"]) == (Outcome.UNKNOWN, FOREIGN)


def test_a_response_that_names_no_user_is_no_leak(world: World) -> None:
    world.user.session = world.process.session(world.stub.address)
    number = world.user.session.number
    world.misbehave("200 OK", {"wid": f"{RUN}.{number}.1", "ver": 1, "session": "s1"})
    assert world.user.sign_in()
    assert (world.last()["outcome"], world.last()["note"]) == (Outcome.OK, None)


def test_the_answer_to_a_form_is_looked_at_before_the_next_turn_which_then_is_spent(
    world: World,
) -> None:
    turns: list[int] = []
    world.user.wait_turn = lambda: turns.append(len(world.rows()))  # type: ignore[method-assign]
    world.user.sign_in()
    world.user.put("draft", {"text": "a"})
    world.user.read("draft", at_once=True)
    assert turns == [0, 1]
    world.user.read("draft")
    assert turns == [0, 1, 3, 3]


def test_a_user_that_the_server_has_forgotten_signs_in_again_and_goes_on(world: World) -> None:
    user = world.user
    user.add("cart", "tea")
    world.shop.forget_sessions()
    assert user.read("cart") is None
    lost = world.last()
    assert (lost["status"], lost["outcome"], lost["server_session"]) == (401, 1, SIGNED_OUT)
    assert user.read("cart") is not None
    again, read = world.rows()[-2:]
    assert (again["kind"], again["outcome"], again["server_session"]) == (Kind.SIGN_IN, 0, 3)
    assert (read["server_session"], len(read["items"])) == (3, 1)
    assert world.process.recording.counters.line()["sessions_lost"] == 1


def test_a_user_that_signed_out_has_lost_nothing(world: World) -> None:
    world.user.sign_in()
    assert world.user.sign_out()
    assert world.last()["kind"] == Kind.SIGN_OUT
    world.shop.forget_sessions()
    world.user.read("cart")
    assert [row["kind"] for row in world.rows()[-2:]] == [Kind.SIGN_IN, Kind.READ]
    assert world.process.recording.counters.line()["sessions_lost"] == 0


def test_a_user_gives_up_after_so_many_attempts_to_sign_in(world: World) -> None:
    from statedrill.load.users.actions import SignInAbandoned

    world.shop.down = True
    world.user.sign_in_attempts = 2
    with pytest.raises(SignInAbandoned):
        world.user.read("cart")
    assert [row["outcome"] for row in world.rows()] == [Outcome.FAILED, Outcome.FAILED]


def test_coming_back_is_a_new_connection_with_the_same_cookies(world: World) -> None:
    world.user.sign_in()
    assert world.user.come_back()
    assert world.stub.connections == 2
    assert world.last()["server_session"] == 2


def test_a_time_out_is_unknown_and_the_user_goes_on(world: World) -> None:
    world.user.sign_in()
    world.stub.handler = lambda request, sock: None
    assert world.user.add("cart", "tea") is None
    row = world.last()
    assert (row["outcome"], row["status"], row["note"]) == (Outcome.UNKNOWN, 0, "timeout")
    world.stub.handler = world.shop
    assert world.user.read("cart") is not None


def test_a_user_killed_in_flight_leaves_its_operation_on_record(world: World) -> None:
    world.user.sign_in()
    world.stub.handler = lambda request, sock: None
    before = len(world.stub.requests)
    user = gevent.spawn(world.user.add, "cart", "tea")
    while len(world.stub.requests) == before:
        gevent.sleep(0)
    user.kill()
    row = world.last()
    assert (row["outcome"], row["note"]) == (Outcome.UNKNOWN, "the user was stopped")
    assert row["call"] < row["ret"]
    assert row["wid"] == world.user.session.next_write - 1


def test_what_was_never_sent_has_surely_not_been_done(world: World) -> None:
    world.user.sign_in()
    world.user.session.client.drop()
    world.user.session.client._target = "127.0.0.1", 1  # nobody listens there
    assert world.user.add("cart", "tea") is None
    row = world.last()
    assert (row["outcome"], row["status"], row["note"]) == (Outcome.FAILED, 0, "refused")


def test_the_listener_is_called_for_every_attempt_and_the_figures_count_it(world: World) -> None:
    world.user.sign_in()
    world.misbehave("502 Bad Gateway", raw=b"<html>")
    world.user.read("draft")
    assert world.attempts[0] == ("sign-in", "")
    assert world.attempts[1][0] == "read-draft"
    assert world.attempts[1][1].startswith("502")
    line = world.process.recording.counters.line()
    assert (line["requests"], line["errors"], line["sessions"]) == (2, 1, 1)


def test_only_the_first_operation_of_a_session_has_the_due_time(world: World) -> None:
    world.user.session.due = 12345
    world.user.sign_in()
    world.user.read("draft")
    assert [row["due"] for row in world.rows()] == [12345, 0]


def test_the_session_is_on_record_so_that_the_audit_can_come_back(world: World) -> None:
    world.user.add("cart", "tea")
    world.user.upload("me")
    world.user.session.end()
    world.rows()
    line = (world.folder / "sessions-0.jsonl").read_text().splitlines()[-1]
    facts = json.loads(line)
    assert facts["session"] == 1
    assert facts["user"] == f"{RUN}-u1"
    assert facts["objects"] == ["cart", "session", "upload/me"]
    assert (facts["next_write"], facts["signed_in"], facts["ended"]) == (4, True, True)
    assert set(facts["cookies"]) == {"sid"}
    assert len(facts["server_sessions"]) == 1


@pytest.mark.parametrize("call", ["add", "remove", "clear", "append"])
def test_a_scenario_that_names_a_wrong_object_is_refused_at_once(world: World, call: str) -> None:
    with pytest.raises(ValueError, match="works on"):
        getattr(world.user, call)("preferences", *(["x"] if call != "clear" else []))
