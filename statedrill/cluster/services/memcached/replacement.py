"""When a Memcached node that has failed has a successor. Pure: knows no process and no clock."""

from __future__ import annotations

from statedrill.cluster.services.failover_decisions import IDLE_S, NodeView


def replaced_in_s(
    node: NodeView, zone_up_since_s: float | None, now_s: float, delay_s: float, *, hurry: bool
) -> float:
    """Seconds until a new, empty node takes the place of `node`; 0: now.

    It is due `delay_s` after the node died or became silent, and no earlier than that after its
    zone returned (`zone_up_since_s`; None: the zone is down, and nothing starts there). With
    `hurry` a node that is gone has its successor at once.
    """
    failed_at_s = node.silent_since_s if node.alive else node.died_at_s
    if failed_at_s is None or zone_up_since_s is None:
        return IDLE_S
    if hurry and not node.alive:
        return 0.0
    return max(0.0, max(failed_at_s, zone_up_since_s) + delay_s - now_s)
