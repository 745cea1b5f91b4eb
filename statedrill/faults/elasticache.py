"""Faults of ElastiCache. Names as in boto3's elasticache client."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import call, fault


def flush() -> dict[str, Any]:
    """Every key of the cache is gone at once.

    A pattern without a cache has nothing to flush; the answer then says so and the drill's
    verdict on this failure is `unknown`.

    Raises:
        ControlFailure: the keys could not be proved to be gone.
    """
    return fault("elasticache/flush")


def test_failover() -> dict[str, Any]:
    """Kill the primary node; the replica is promoted after the usual delay.

    Raises:
        ControlFailure: the pattern has no cache, or the death could not be proved.
    """
    return fault("elasticache/test-failover")


def key_count() -> int:
    """The number of keys that the cache holds now."""
    return int(call("elasticache/key-count").get("keys", 0))
