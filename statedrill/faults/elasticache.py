"""ElastiCache under the names of boto3's elasticache client."""

from __future__ import annotations

from statedrill.faults.failover import test_failover
from statedrill.faults.flush_cache import flush, key_count

__all__ = ("flush", "key_count", "test_failover")
