"""RDS under the names of chaosaws.rds.actions."""

from __future__ import annotations

from statedrill.faults.failover import failover_db_cluster

__all__ = ("failover_db_cluster",)
