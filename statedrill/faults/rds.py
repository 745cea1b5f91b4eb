"""Faults of RDS. Names as in chaosaws.rds.actions."""

from __future__ import annotations

from typing import Any

from statedrill.control.client import fault


def failover_db_cluster() -> dict[str, Any]:
    """Kill the primary; the synchronous standby is promoted after the usual delay.

    Raises:
        ControlFailure: the pattern has no database, or the death could not be proved.
    """
    return fault("rds/failover-db-cluster")
