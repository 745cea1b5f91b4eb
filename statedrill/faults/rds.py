"""RDS under the names of chaosaws.rds.actions."""

from __future__ import annotations

from statedrill.faults.delay_replicas import catch_up_db_replicas, delay_db_replicas
from statedrill.faults.delete_db_instance import delete_db_instance
from statedrill.faults.exhaust_db_connections import (
    exhaust_db_connections,
    release_db_connections,
)
from statedrill.faults.failover import failover_db_cluster
from statedrill.faults.fill_db_storage import extend_db_storage, fill_db_storage
from statedrill.faults.freeze_node import freeze_db_node
from statedrill.faults.reboot_db_instance import reboot_db_instance
from statedrill.faults.wipe_table import restore_db_instance_to_point_in_time, wipe_table

__all__ = (
    "catch_up_db_replicas",
    "delay_db_replicas",
    "delete_db_instance",
    "exhaust_db_connections",
    "extend_db_storage",
    "failover_db_cluster",
    "fill_db_storage",
    "freeze_db_node",
    "reboot_db_instance",
    "release_db_connections",
    "restore_db_instance_to_point_in_time",
    "wipe_table",
)
