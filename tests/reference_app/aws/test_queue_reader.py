from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from reference_app.aws.queue_reader import Delivery, SqsReader
from reference_app.model.model import Write
from reference_app.model.ordering import QueuedWrite

STANDARD, FIFO = "http://q/state", "http://q/state.fifo"


class FakeSqs:
    """Delivers what it is told to, once, and remembers what was deleted and given back."""

    def __init__(self, *messages: dict[str, Any]) -> None:
        self.messages = list(messages)
        self.deleted: list[str] = []
        self.given_back: list[str] = []

    async def get_queue_attributes(self, **_: Any) -> dict[str, Any]:
        return {"Attributes": {"RedrivePolicy": "{}"}}

    async def receive_message(self, **_: Any) -> dict[str, Any]:
        found, self.messages = self.messages, []
        return {"Messages": found}

    async def delete_message_batch(self, **given: Any) -> None:
        self.deleted += [each["ReceiptHandle"] for each in given["Entries"]]

    async def change_message_visibility_batch(self, **given: Any) -> None:
        self.given_back += [each["ReceiptHandle"] for each in given["Entries"]]


def message(user: str, wid: str, group: str = "") -> dict[str, Any]:
    body = QueuedWrite(Write(user, "draft", "set", wid)).to_message()
    return {
        "MessageId": wid,
        "Body": body,
        "ReceiptHandle": f"receipt of {wid}",
        "Attributes": {"MessageGroupId": group or user},
    }


def received(sqs: FakeSqs, url: str) -> list[Delivery]:
    return asyncio.run(SqsReader(sqs, url, 30).receive())


def order(deliveries: list[Delivery]) -> list[tuple[str, tuple[str, ...]]]:
    return [(each.queued.write.wid, each.queued.after) for each in deliveries]


def test_what_a_fifo_queue_delivers_at_once_comes_after_the_one_before_it_in_its_group() -> None:
    sqs = FakeSqs(message("u", "1"), message("v", "2"), message("u", "3"), message("u", "4", "w"))
    assert order(received(sqs, FIFO)) == [("1", ()), ("2", ()), ("3", ("1",)), ("4", ())]


def test_a_standard_queue_says_nothing_about_the_order() -> None:
    sqs = FakeSqs(message("u", "1"), message("u", "2"))
    assert order(received(sqs, STANDARD)) == [("1", ()), ("2", ())]


def test_a_repetition_in_the_same_group_waits_for_nobody_and_nobody_for_it() -> None:
    sqs = FakeSqs(message("u", "1"), message("u", "2"), message("u", "1"), message("u", "3"))
    assert order(received(sqs, FIFO)) == [("1", ()), ("2", ("1",)), ("3", ("2",))]


def test_what_is_no_write_goes_back_and_its_group_goes_on() -> None:
    strange = {**message("u", "1"), "Body": "hello"}
    sqs = FakeSqs(strange, message("u", "2"))

    async def game() -> list[Delivery]:
        await (reader := SqsReader(sqs, FIFO, 30)).start()
        return await reader.receive()

    assert order(asyncio.run(game())) == [("2", ())]
    assert sqs.given_back == ["receipt of 1"]


@pytest.mark.parametrize(("url", "deleted"), [(FIFO, ["1"]), (STANDARD, ["1", "2"])])
def test_a_fifo_queue_is_not_asked_to_delete_what_it_delivers_again_by_now(
    url: str, deleted: list[str]
) -> None:
    sqs = FakeSqs(message("u", "1"), message("u", "2"))

    async def game() -> None:
        reader = SqsReader(sqs, url, 30)
        first, second = await reader.receive()
        await reader.delete([first, replace(second, expires_s=second.expires_s - 30)])

    asyncio.run(game())
    assert sqs.deleted == [f"receipt of {wid}" for wid in deleted]


def test_a_receipt_of_a_fifo_queue_is_as_old_as_the_question() -> None:
    """The reply may be late, and the queue counts from when it gave it."""
    sqs = FakeSqs(message("u", "1"))

    async def game() -> tuple[float, float]:
        reader, asked_s = SqsReader(sqs, FIFO, 30), asyncio.get_running_loop().time()
        receiving = sqs.receive_message

        async def slowly(**given: Any) -> dict[str, Any]:
            found = await receiving(**given)
            await asyncio.sleep(0.05)
            return found

        sqs.receive_message = slowly  # type: ignore[method-assign]
        (delivery,) = await reader.receive()
        return asked_s + 30.05, delivery.expires_s

    latest_s, expires_s = asyncio.run(game())
    assert expires_s < latest_s
