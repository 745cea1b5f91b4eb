from __future__ import annotations

from dataclasses import replace

import pytest

from statedrill.cluster.services.failover_decisions import IDLE_S, NodeView
from statedrill.cluster.services.postgres.replica_decisions import (
    Build,
    Drop,
    End,
    Follow,
    ReplicaAction,
    ReplicaDelays,
    ReplicaState,
    Serve,
    WaitFor,
    Withdraw,
    decide_replica,
)

NOW = 100.0
WELL = ReplicaState(
    node=NodeView("c"),
    zone_up_since_s=0.0,
    leader="database-2",
    follows="database-2",
    is_served=True,
    delays=ReplicaDelays(rebuild_s=2.0, detection_s=3.0, patience_s=10.0),
)
GONE = replace(WELL, node=None, follows="", is_served=False, lost_at_s=99.0)

CASES: dict[str, tuple[ReplicaState, list[ReplicaAction]]] = {
    "one that follows and is served is left alone": (WELL, [WaitFor(IDLE_S)]),
    "a new one is served": (replace(WELL, is_served=False), [Serve()]),
    "one that is silent for a moment stays at the endpoint": (
        replace(WELL, node=NodeView("c", silent_since_s=98.0)),
        [WaitFor(IDLE_S)],
    ),
    "a new one that is silent is not served": (
        replace(WELL, node=NodeView("c", silent_since_s=98.0), is_served=False),
        [WaitFor(IDLE_S)],
    ),
    "one that is silent for long is ended": (
        replace(WELL, node=NodeView("c", silent_since_s=97.0)),
        [End()],
    ),
    "a dead one leaves the endpoint before it is thrown away": (
        replace(WELL, node=NodeView("c", died_at_s=99.5)),
        [Withdraw(), Drop()],
    ),
    "the next one is not built before its time": (GONE, [WaitFor(1.0)]),
    "the next one is built in time": (replace(GONE, lost_at_s=98.0), [Build()]),
    "the next one is built at once in a hurry": (replace(GONE, hurry=True), [Build()]),
    "a zone that returned counts from its return": (
        replace(GONE, lost_at_s=50.0, zone_up_since_s=99.5),
        [WaitFor(1.5)],
    ),
    "nothing is built in a zone that is down": (
        replace(GONE, lost_at_s=50.0, zone_up_since_s=None, hurry=True),
        [WaitFor(IDLE_S)],
    ),
    "nothing is built while there is nobody to follow": (
        replace(GONE, lost_at_s=50.0, leader=None, hurry=True),
        [WaitFor(IDLE_S)],
    ),
    "it follows whoever leads now": (replace(WELL, leader="database-3"), [Follow()]),
    "it serves what it has while nobody leads": (
        replace(WELL, leader=None, idle_since_s=50.0),
        [WaitFor(IDLE_S)],
    ),
    "one that lags is served all the same": (
        replace(WELL, idle_since_s=91.0),
        [WaitFor(IDLE_S)],
    ),
    "one that receives nothing for long is ended": (replace(WELL, idle_since_s=90.0), [End()]),
    "one in a zone that is cut off leaves the endpoint": (
        replace(WELL, zone_up_since_s=None),
        [Withdraw()],
    ),
    "one in a zone that is cut off does not come back to the endpoint": (
        replace(WELL, zone_up_since_s=None, is_served=False),
        [WaitFor(IDLE_S)],
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_of_a_read_replica(name: str) -> None:
    state, expected = CASES[name]
    assert decide_replica(state, NOW) == expected
