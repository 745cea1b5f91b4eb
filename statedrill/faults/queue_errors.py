"""SNS and SQS are in trouble: calls are throttled, or are done and then answered with an error."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import fault
from statedrill.faults.api_errors import ApiErrors


def inject_api_throttle_error(percentage: int = 50) -> dict[str, Any]:
    """Refuse a share of all calls to SNS and SQS as throttled; those are not done.

    Raises:
        ControlFailure: the pattern has no queue, or no call was seen to be refused.
    """
    return fault(ThrottleQueue.action, Percentage=percentage)


def inject_api_internal_error(percentage: int = 50) -> dict[str, Any]:
    """Answer a share of all calls to SNS and SQS with an internal error, after they were done.

    Raises:
        ControlFailure: the pattern has no queue, or no answer was seen to be lost.
    """
    return fault(LoseQueueAnswers.action, Percentage=percentage)


class ThrottleQueue(ApiErrors):
    """Nothing was done, and the caller knows."""

    name = "throttle_queue"
    action = "sqs/inject-api-throttle-error"
    domain = service = "queue"
    client = "statedrill.faults.sqs.inject_api_throttle_error"
    description = "a share of the calls to SNS and SQS is refused as throttled"
    error, codes = "throttled", ("RequestThrottled", "Throttling")
    phrase = "SNS and SQS throttled calls"


class LoseQueueAnswers(ApiErrors):
    """It was done, and the caller cannot know: who tries again does it twice."""

    name = "lose_queue_answers"
    action = "sqs/inject-api-internal-error"
    domain = service = "queue"
    client = "statedrill.faults.sqs.inject_api_internal_error"
    description = "a share of the calls to SNS and SQS is done, and then answered with an error"
    error, codes = "failed", ("InternalError",)
    phrase = "answers of SNS and SQS were lost"
