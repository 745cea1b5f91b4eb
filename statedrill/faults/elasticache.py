"""ElastiCache under the names of boto3's elasticache client."""

from __future__ import annotations

from statedrill.faults.disrupt_replication import disrupt_replication, restore_replication
from statedrill.faults.failover import test_failover
from statedrill.faults.flush_cache import flush, key_count

__all__ = (
    "disrupt_replication",
    "flush",
    "key_count",
    "restore_replication",
    "test_failover",
)
