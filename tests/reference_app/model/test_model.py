from __future__ import annotations

import json
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from reference_app.model.model import (
    NEVER_WRITTEN,
    Credentials,
    Receipt,
    Write,
    apply_write,
    element,
    find_order,
)

# any text an item may hold: quotes, newlines, what looks like another element
TEXT = st.text(max_size=8) | st.sampled_from(['{"id":"1"', "\n", '"}', "\u2028", "\x00"])
STEPS = st.lists(
    st.tuples(st.just("append"), TEXT)
    | st.tuples(st.just("remove"), st.integers(0, 30).map(str))
    | st.tuples(st.just("clear"), st.just("")),
    max_size=30,
)


def steps_as_writes(steps: list[tuple[str, str]]) -> list[Write]:
    writes = []
    for number, (operation, text) in enumerate(steps):
        data = element(str(number), sku=text) if operation == "append" else text.encode()
        writes.append(Write("u", "cart", operation, f"w{number}", data))  # type: ignore[arg-type]
    return writes


def plain_list(steps: list[tuple[str, str]]) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = []
    for number, (operation, text) in enumerate(steps):
        if operation == "append":
            items.append({"id": str(number), "sku": text})
        elif operation == "remove":
            items = [item for item in items if item["id"] != text]
        else:
            items = []
    return items


@given(STEPS)
def test_a_list_object_is_what_a_plain_list_would_be(steps: list[tuple[str, str]]) -> None:
    one = NEVER_WRITTEN
    for write in steps_as_writes(steps):
        one = apply_write(write, one)
    assert json.loads(one.elements()) == plain_list(steps)
    assert one.ver == len(steps)


def test_removal_takes_the_whole_id_and_not_its_beginning() -> None:
    one = NEVER_WRITTEN
    for identity in ("r.1.1", "r.1.11"):
        one = apply_write(Write("u", "cart", "append", identity, element(identity, sku="a")), one)
    one = apply_write(Write("u", "cart", "remove", "w", b"r.1.1"), one)
    assert [item["id"] for item in json.loads(one.elements())] == ["r.1.11"]


def test_an_order_with_a_known_key_changes_nothing_and_answers_for_the_first() -> None:
    def order(wid: str, key: str) -> Write:
        return Write("u", "orders", "order", wid, element("o" + wid, wid=wid, key=key), key)

    once = apply_write(order("w1", "k"), apply_write(order("w0", "other"), NEVER_WRITTEN))
    assert apply_write(order("w2", "k"), once) is once
    assert find_order(once, "k") == Receipt(2, "w1", repeated=True)
    assert find_order(once, "unknown") is None


def test_the_public_id_tells_two_tokens_apart_and_hides_them() -> None:
    one, other = Credentials.new("u"), Credentials.new("u")
    assert one.session_id != other.session_id
    assert one.session_id not in one.cookie


def test_a_cookie_without_token_or_with_a_strange_user_is_nobody() -> None:
    assert Credentials.of({}) is None
    assert Credentials.of({"sid": "~u"}) is None
    assert Credentials.of({"sid": "token~{u}:x"}) is None
    assert Credentials.of({"sid": "token~u"}) is not None
