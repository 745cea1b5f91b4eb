from __future__ import annotations

import json
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reference_app.model.model import Write, element
from reference_app.model.ordering import QueuedWrite, parse_message, ready_to_apply


def queued(wid: str, *after: str, user: str = "u") -> QueuedWrite:
    return QueuedWrite(Write(user, "history", "append", wid, element(wid, article="a")), after)


def wids(writes: list[QueuedWrite]) -> list[str]:
    return [one.write.wid for one in writes]


def test_what_came_too_early_waits_for_the_one_before_it() -> None:
    assert wids(ready_to_apply([queued("3", "2"), queued("1")], [])) == ["1"]
    assert wids(ready_to_apply([queued("3", "2"), queued("2", "1")], ["u~1"])) == ["2", "3"]


def test_a_write_whose_acknowledgement_was_lost_does_not_let_others_pass() -> None:
    lost, sent_again, next_one = queued("1-lost"), queued("1"), queued("2", "1")
    assert wids(ready_to_apply([next_one, lost], [])) == ["1-lost"]
    assert wids(ready_to_apply([next_one, lost, sent_again], [])) == ["1-lost", "1", "2"]
    assert wids(ready_to_apply([lost], ["u~1", "u~2"])) == ["1-lost"]


def test_a_write_after_two_parallel_ones_waits_for_both() -> None:
    assert ready_to_apply([queued("3", "1", "2")], ["u~2"]) == []
    assert wids(ready_to_apply([queued("3", "1", "2"), queued("2"), queued("1")], [])) == [
        "2",
        "1",
        "3",
    ]


def test_the_same_write_id_of_another_user_is_another_write() -> None:
    assert ready_to_apply([queued("2", "1")], ["other~1"]) == []
    assert wids(ready_to_apply([queued("2", "1"), queued("1", user="other")], [])) == ["1"]


def test_an_overdue_write_is_applied_with_what_waits_behind_it() -> None:
    in_order = ready_to_apply([queued("4", "3"), queued("3", "2")], [], frozenset({"u~3"}))
    assert wids(in_order) == ["3", "4"]


@given(
    sessions=st.lists(st.integers(1, 12), min_size=1, max_size=3),
    lost_acks=st.integers(0, 4),
    seed=st.integers(0, 2**32),
)
def test_any_delivery_at_least_once_in_any_order_is_applied_once_and_in_order(
    sessions: list[int], lost_acks: int, seed: int
) -> None:
    """A worker that receives batches at random, some of them twice, and holds what it must."""
    chance = random.Random(seed)
    acknowledged: list[list[QueuedWrite]] = []
    for user, length in enumerate(sessions):
        chain = [queued("0", user=f"u{user}")]
        chain += [queued(str(n), str(n - 1), user=f"u{user}") for n in range(1, length)]
        acknowledged.append(chain)
    sent = [one for chain in acknowledged for one in chain]
    lost = [
        queued(f"{one.write.wid}-lost", *one.after, user=one.write.user)
        for one in chance.sample(sent, min(lost_acks, len(sent)))
    ]
    in_queue = {one.name: one for one in sent + lost}
    effects: list[QueuedWrite] = []
    while in_queue:
        batch = chance.choices(list(in_queue.values()), k=4)
        applied = [one.name for one in effects]
        new = dict.fromkeys(one for one in batch if one.name not in applied)
        effects += ready_to_apply(new, applied)
        for one in batch:
            if one in effects and chance.random() < 0.7:  # else deleting failed: it comes again
                in_queue.pop(one.name, None)
    assert sorted(one.name for one in effects) == sorted(one.name for one in sent + lost)
    for chain in acknowledged:
        assert [one for one in effects if one in chain] == chain


def test_a_message_is_read_back_as_it_was_written_raw_or_in_an_envelope() -> None:
    one = QueuedWrite(Write("u", "draft", "set", "w", '"ü\\n"'.encode(), "k", "again"), ("v", "x"))
    assert parse_message(one.to_message()) == one
    envelope = {"Type": "Notification", "Message": one.to_message()}
    assert parse_message(json.dumps(envelope)) == one


@pytest.mark.parametrize("body", ["", "no json", "[]", "{}", '{"Type":"Notification"}', "null"])
def test_a_message_of_somebody_else_is_told_apart(body: str) -> None:
    with pytest.raises(ValueError, match="not a queued write"):
        parse_message(body)
