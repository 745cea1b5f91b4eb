"""When a failed node has a successor, as a table: what is seen and the time -> seconds to wait."""

from __future__ import annotations

import pytest

from statedrill.cluster.services.failover_decisions import IDLE_S, NodeView
from statedrill.cluster.services.memcached.replacement import replaced_in_s

DEAD, SILENT, WELL = NodeView("a", 10.0), NodeView("a", None, 10.0), NodeView("a")


@pytest.mark.parametrize(
    ("node", "zone_up_since_s", "now_s", "hurry", "due_s"),
    [
        (WELL, 0.0, 50.0, False, IDLE_S),
        (WELL, 0.0, 50.0, True, IDLE_S),
        (DEAD, 0.0, 11.0, False, 3.0),
        (DEAD, 0.0, 14.0, False, 0.0),
        (DEAD, 0.0, 99.0, False, 0.0),
        (DEAD, 0.0, 11.0, True, 0.0),
        # one that hangs may still wake up, whoever is in a hurry
        (SILENT, 0.0, 11.0, False, 3.0),
        (SILENT, 0.0, 11.0, True, 3.0),
        (SILENT, 0.0, 14.0, False, 0.0),
        # nothing starts in a zone that is down, and a zone that returned needs time, too
        (DEAD, None, 99.0, False, IDLE_S),
        (DEAD, None, 99.0, True, IDLE_S),
        (SILENT, None, 99.0, False, IDLE_S),
        (DEAD, 20.0, 21.0, False, 3.0),
        (DEAD, 20.0, 24.0, False, 0.0),
        (DEAD, 20.0, 21.0, True, 0.0),
    ],
)
def test_a_node_has_its_successor_when_it_was_gone_for_long_enough(
    node: NodeView, zone_up_since_s: float | None, now_s: float, hurry: bool, due_s: float
) -> None:
    assert replaced_in_s(node, zone_up_since_s, now_s, 4.0, hurry=hurry) == due_s
