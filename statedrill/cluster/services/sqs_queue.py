"""One SQS queue of the region with its dead-letter queue, played by MiniStack.

Knows attributes, depths and the way of a message between the two; knows no topic and no consumer.
Its `name` is that of the pattern file; AWS, and its address, add an ending if it is FIFO.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping, Sequence
from typing import Any

from statedrill.cluster.services.ministack import ACCOUNT, REGION, MiniStack
from statedrill.errors import ClusterError
from statedrill.inputs.services import aws_name, dead_letter_name

_DEPTHS = (
    "ApproximateNumberOfMessages",
    "ApproximateNumberOfMessagesNotVisible",
    "ApproximateNumberOfMessagesDelayed",
)
_BATCH = 10
_MARK = "statedrill"
_CONSUMERS_POLL_S = 0.3
"""MiniStack moves messages to a dead-letter queue while a consumer polls."""
_REDRIVE_LIMIT_S = 30.0


class SqsQueue:
    """A queue; it has a dead-letter queue if `max_receive_count` says when a message goes there."""

    def __init__(
        self,
        ministack: MiniStack,
        name: str,
        visibility_s: int,
        max_receive_count: int | None = None,
        fifo: bool = False,
    ) -> None:
        self._ministack, self.name, self.fifo = ministack, name, fifo
        self.visibility_s, self.max_receive_count = visibility_s, max_receive_count
        self._aws_name = aws_name(name, fifo)
        self._dead_letter_name = aws_name(dead_letter_name(name), fifo)

    @property
    def has_dead_letters(self) -> bool:
        """Whether a message can end in a dead-letter queue."""
        return self.max_receive_count is not None

    @property
    def arn(self) -> str:
        """Its name for other services."""
        return _arn(self._aws_name)

    def url(self, base: str) -> str:
        """Its address for who finds the services at `base`."""
        return f"{base}/{ACCOUNT}/{self._aws_name}"

    def create(self) -> None:
        """Make it and its dead-letter queue in a MiniStack that has neither.

        Raises:
            ClusterError: it does not answer, or the queue got another address than it must have.
        """
        kind = {"FifoQueue": "true"} if self.fifo else {}
        attributes = {"VisibilityTimeout": str(self.visibility_s), **kind}
        if self.max_receive_count is not None:
            self._sqs("create_queue", QueueName=self._dead_letter_name, Attributes=kind)
            policy = {
                "deadLetterTargetArn": _arn(self._dead_letter_name),
                "maxReceiveCount": self.max_receive_count,
            }
            attributes["RedrivePolicy"] = json.dumps(policy)
        made = self._sqs("create_queue", QueueName=self._aws_name, Attributes=attributes)[
            "QueueUrl"
        ]
        if made != self._url:
            raise ClusterError(f"queue {self.name} got the address {made}")

    def depth(self) -> int:
        """Messages that are visible, in flight or delayed; dead letters are none of them."""
        return self._depth_of(self._url)

    def waiting(self) -> int:
        """Messages that are neither received nor delayed; those of a group that waits, too."""
        return self._depth_of(self._url, _DEPTHS[:1])

    def dead_letters(self) -> int:
        """Messages in its dead-letter queue."""
        return self._depth_of(self._dead_letter_url) if self.has_dead_letters else 0

    def visibility_timeout(self) -> int:
        """For how many seconds a message that was received is hidden now."""
        name = "VisibilityTimeout"
        found = self._sqs("get_queue_attributes", QueueUrl=self._url, AttributeNames=[name])
        return int(found["Attributes"][name])

    def set_visibility_timeout(self, seconds: int) -> None:
        """Hide what is received from now on for `seconds`."""
        attributes = {"VisibilityTimeout": str(seconds)}
        self._sqs("set_queue_attributes", QueueUrl=self._url, Attributes=attributes)

    def receive(self, visibility_s: int) -> tuple[str, str, str] | None:
        """Receive a message, which nobody else can do for `visibility_s`; None: none came.

        Returns its id, its message group and its receipt.
        """
        found = self._sqs(
            "receive_message",
            QueueUrl=self._url,
            MaxNumberOfMessages=1,
            VisibilityTimeout=visibility_s,
            WaitTimeSeconds=1,
            AttributeNames=["MessageGroupId"],
        )
        for each in found.get("Messages", []):
            return str(each["MessageId"]), _group_of(each), str(each["ReceiptHandle"])
        return None

    def hide(self, receipt: str, seconds: int) -> None:
        """Hide what was received for `seconds` from now on.

        Raises:
            ClusterError: it is not there any more.
        """
        self._sqs(
            "change_message_visibility",
            QueueUrl=self._url,
            ReceiptHandle=receipt,
            VisibilityTimeout=seconds,
        )

    def send_marked(self, body: str) -> str:
        """Put a message into it; returns the mark that it has from then on.

        An attribute, as a message gets another id when somebody moves it. In a FIFO queue it is in
        a group of its own, and stands in nobody's way.
        """
        mark = secrets.token_hex(4)
        self._sqs(
            "send_message",
            QueueUrl=self._url,
            MessageBody=body,
            MessageAttributes={_MARK: {"DataType": "String", "StringValue": mark}},
            **self._place(mark, mark),
        )
        return mark

    def has_dead_letter(self, mark: str) -> bool:
        """Whether the message with this mark is in its dead-letter queue."""
        found = self._take_dead_letters()
        self._give_back(found)
        return mark in map(_mark, found)

    def delete_dead_letter(self, mark: str) -> bool:
        """Delete the message with this mark from its dead-letter queue; whether it was there."""
        found = self._take_dead_letters()
        marked = [each for each in found if _mark(each) == mark]
        self._delete(marked)
        self._give_back([each for each in found if each not in marked])
        return bool(marked)

    def redrive(self) -> int:
        """Move every dead letter without a mark back, until none has come for a moment; how many.

        As StartMessageMoveTask, which MiniStack does not have: they get new ids and new counts. A
        FIFO queue has them in their groups, behind what came meanwhile, and under new
        deduplication ids: it would swallow the old ones for five minutes. Those with a mark can
        never be applied, and would come again.

        Raises:
            ClusterError: MiniStack does not answer, or there is no end to the dead letters.
        """
        moved, deadline, quiet_s = 0, time.monotonic() + _REDRIVE_LIMIT_S, 0.0
        marked: list[dict[str, Any]] = []
        while self.has_dead_letters and quiet_s < _CONSUMERS_POLL_S:
            received = self._receive_dead_letters()
            marked += filter(_mark, received)
            if batch := [each for each in received if not _mark(each)]:
                entries = [
                    {
                        "Id": str(number),
                        "MessageBody": each["Body"],
                        "MessageAttributes": each.get("MessageAttributes", {}),
                        **self._place(_group_of(each), each["MessageId"]),
                    }
                    for number, each in enumerate(batch)
                ]
                sent = self._sqs("send_message_batch", QueueUrl=self._url, Entries=entries)
                self._delete([batch[int(each["Id"])] for each in sent.get("Successful", ())])
                moved, quiet_s = moved + len(batch), 0.0
            else:
                time.sleep(_CONSUMERS_POLL_S / 3)
                quiet_s += _CONSUMERS_POLL_S / 3
            if time.monotonic() > deadline:
                raise ClusterError(f"queue {self.name}: {moved} dead letters moved, and more come")
        self._give_back(marked)
        return moved

    @property
    def _url(self) -> str:
        return self.url(self._ministack.url)

    @property
    def _dead_letter_url(self) -> str:
        return f"{self._ministack.url}/{ACCOUNT}/{self._dead_letter_name}"

    def _place(self, group: str, deduplication_id: str) -> dict[str, str]:
        """What must be said of every message that is sent to a FIFO queue."""
        if not self.fifo:
            return {}
        return {"MessageGroupId": group, "MessageDeduplicationId": deduplication_id}

    def _depth_of(self, url: str, names: Sequence[str] = _DEPTHS) -> int:
        found = self._sqs("get_queue_attributes", QueueUrl=url, AttributeNames=list(names))
        return sum(int(found["Attributes"][each]) for each in names)

    def _take_dead_letters(self) -> list[dict[str, Any]]:
        """Every dead letter that is visible; nobody else sees them for a while."""
        return [each for batch in iter(self._receive_dead_letters, []) for each in batch]

    def _receive_dead_letters(self) -> list[dict[str, Any]]:
        if not self.has_dead_letters:
            return []
        found = self._sqs(
            "receive_message",
            QueueUrl=self._dead_letter_url,
            MaxNumberOfMessages=_BATCH,
            MessageAttributeNames=["All"],
            AttributeNames=["MessageGroupId"],
        )
        return list(found.get("Messages", []))

    def _give_back(self, letters: Sequence[dict[str, Any]]) -> None:
        self._in_batches("change_message_visibility_batch", letters, VisibilityTimeout=0)

    def _delete(self, letters: Sequence[dict[str, Any]]) -> None:
        self._in_batches("delete_message_batch", letters)

    def _in_batches(self, operation: str, letters: Sequence[dict[str, Any]], **more: int) -> None:
        for start in range(0, len(letters), _BATCH):
            entries = [
                {"Id": str(place), "ReceiptHandle": each["ReceiptHandle"], **more}
                for place, each in enumerate(letters[start : start + _BATCH])
            ]
            self._sqs(operation, QueueUrl=self._dead_letter_url, Entries=entries)

    def _sqs(self, operation: str, **parameters: Any) -> dict[str, Any]:
        return self._ministack.call("sqs", operation, **parameters)


def _group_of(message: dict[str, Any]) -> str:
    """The message group of a received message; empty in a standard queue."""
    return str(message.get("Attributes", {}).get("MessageGroupId", ""))


def _mark(message: Mapping[str, Any]) -> str:
    """The mark of a message; empty when it has none."""
    attributes = message.get("MessageAttributes", {})
    return str(attributes.get(_MARK, {}).get("StringValue", ""))


def _arn(queue: str) -> str:
    return f"arn:aws:sqs:{REGION}:{ACCOUNT}:{queue}"
