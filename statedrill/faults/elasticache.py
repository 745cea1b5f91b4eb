"""ElastiCache under the names of boto3's elasticache client."""

from __future__ import annotations

from statedrill.faults.cache_nodes import (
    pause_cache_node,
    resume_cache_node,
    terminate_cache_node,
)
from statedrill.faults.delete_replication_group import (
    create_replication_group,
    delete_replication_group,
)
from statedrill.faults.disrupt_replication import disrupt_replication, restore_replication
from statedrill.faults.expire_keys import expire_keys
from statedrill.faults.failover import test_failover
from statedrill.faults.fill_cache import fill_memory, free_memory
from statedrill.faults.flush_cache import flush, key_count
from statedrill.faults.freeze_node import freeze_cache_node

__all__ = (
    "create_replication_group",
    "delete_replication_group",
    "disrupt_replication",
    "expire_keys",
    "fill_memory",
    "flush",
    "free_memory",
    "freeze_cache_node",
    "key_count",
    "pause_cache_node",
    "restore_replication",
    "resume_cache_node",
    "terminate_cache_node",
    "test_failover",
)
