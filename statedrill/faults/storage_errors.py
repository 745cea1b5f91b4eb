"""S3 is in trouble: calls are refused with SlowDown, or wait for an answer until they time out."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import fault
from statedrill.faults.api_errors import ApiErrors


def inject_api_throttle_error(percentage: int = 50) -> dict[str, Any]:
    """Refuse a share of all calls to S3 with 503 SlowDown; those are not done.

    Raises:
        ControlFailure: the pattern has no storage, or no call was seen to be refused.
    """
    return fault(ThrottleStorage.action, Percentage=percentage)


def inject_api_unavailable_error(percentage: int = 100) -> dict[str, Any]:
    """Keep a share of all calls to S3 waiting, as when its VPC endpoint is lost; none is done.

    Who still waits when an SDK with a usual limit has given up is refused with 503.

    Raises:
        ControlFailure: the pattern has no storage, or no call was seen to wait.
    """
    return fault(LoseStorageEndpoint.action, Percentage=percentage)


class ThrottleStorage(ApiErrors):
    """Nothing was done, and the caller knows; SDKs try again by themselves."""

    name = "throttle_storage"
    action = "s3/inject-api-throttle-error"
    domain = service = "storage"
    client = "statedrill.faults.s3.inject_api_throttle_error"
    description = "a share of the calls to S3 is refused with 503 SlowDown"
    error, codes = "throttled", ("SlowDown",)
    phrase = "S3 asked to slow down"


class LoseStorageEndpoint(ApiErrors):
    """Nothing is done, and callers wait until they give up or are refused."""

    name = "lose_storage_endpoint"
    action = "s3/inject-api-unavailable-error"
    domain = service = "storage"
    client = "statedrill.faults.s3.inject_api_unavailable_error"
    description = "a share of the calls to S3 times out, as when its VPC endpoint is lost"
    error, codes = "silent", ()
    phrase = "S3 could not be reached"
