"""The decisions of a pair of nodes as a table: what is seen and the time -> what is done."""

from __future__ import annotations

from dataclasses import replace

import pytest

from statedrill.cluster.services.failover_decisions import (
    IDLE_S,
    Action,
    AddStandby,
    CloseEndpoint,
    Delays,
    DropStandby,
    FencePrimary,
    FenceStandby,
    NodeView,
    PairState,
    PromoteStandby,
    ReplacePrimary,
    RestartPrimary,
    RestartStandby,
    RestorePrimary,
    RestoreView,
    Wait,
    Watch,
    decide,
)

DELAYS = Delays(failover_s=3.0, rebuild_s=2.0, detection_s=1.0)
NO_STANDBY = None


def pair(  # one row of the table
    primary: str = "a",
    standby: str | None = "b",
    *,
    up: str = "abc",
    dead: str = "",
    silent: str = "",
    keeps_data: bool = True,
    lost: str = "b",
    hurry: bool = False,
    restore: RestoreView | None = None,
) -> PairState:
    """Nodes by their zones; those in `dead` died at 10 s, those in `silent` are silent since then.

    `lost` is where a standby was until 10 s. Every zone of `up` is up since the beginning.
    """

    def view(zone: str) -> NodeView:
        return NodeView(zone, 10.0 if zone in dead else None, 10.0 if zone in silent else None)

    return PairState(
        primary=view(primary),
        standby=view(standby) if standby else None,
        up_since_s=dict.fromkeys(up, 0.0),
        delays=DELAYS,
        keeps_data=keeps_data,
        standby_lost_at_s=10.0,
        standby_lost_zone=lost,
        hurry=hurry,
        restore=restore,
    )


ORDERED, DUE = RestoreView(None, data_lost=False), RestoreView(20.0, data_lost=False)
LOST, LOST_DUE = RestoreView(None, data_lost=True), RestoreView(20.0, data_lost=True)


TABLE: list[tuple[str, PairState, float, list[Action]]] = [
    # a restore was ordered
    ("the pair serves while no backup reaches the point", pair(restore=ORDERED), 60, [Watch()]),
    ("the pair serves until the restore is due", pair(restore=DUE), 19, [Watch()]),
    (
        "it fails over meanwhile",
        pair(restore=DUE, dead="a"),
        19,
        [CloseEndpoint(), PromoteStandby()],
    ),
    ("the restored node replaces a pair that serves", pair(restore=DUE), 20, [RestorePrimary("a")]),
    ("in a zone that is up", pair(restore=DUE, up="bc"), 20, [RestorePrimary("b")]),
    ("nowhere while no zone is up", pair(restore=DUE, up=""), 20, [Wait(IDLE_S)]),
    (
        "what has no data left is not started again",
        pair(restore=LOST, dead="ab"),
        60,
        [CloseEndpoint(), Wait(IDLE_S)],
    ),
    (
        "nor before the restore is due",
        pair(restore=LOST_DUE, dead="ab", hurry=True),
        19,
        [CloseEndpoint(), Wait(1.0)],
    ),
    (
        "the restored node replaces what is lost",
        pair(restore=LOST_DUE, dead="ab"),
        20,
        [CloseEndpoint(), RestorePrimary("a")],
    ),
    ("both are there", pair(), 60, [Watch()]),
    ("both are there while somebody waits for it", pair(hurry=True), 60, [Watch()]),
    # the standby is lost
    ("a dead standby is dropped at once", pair(dead="b"), 10, [DropStandby()]),
    ("a rebuild takes its time", pair(standby=NO_STANDBY), 10.5, [Wait(1.5)]),
    ("a rebuild in the old zone", pair(standby=NO_STANDBY), 12, [AddStandby("b")]),
    ("elsewhere when that zone is down", pair(standby=NO_STANDBY, up="ac"), 12, [AddStandby("c")]),
    (
        "never in the primary's zone",
        pair(primary="b", standby=NO_STANDBY, lost="b"),
        12,
        [AddStandby("a")],
    ),
    ("no other zone is up", pair(standby=NO_STANDBY, up="a"), 60, [Wait(IDLE_S)]),
    (
        "a rebuild begins when its zone returns",
        replace(pair(standby=NO_STANDBY), up_since_s={"a": 0.0, "b": 50.0}),
        51,
        [Wait(1.0)],
    ),
    (
        "and not before the zone was up for long enough",
        replace(pair(standby=NO_STANDBY), up_since_s={"a": 0.0, "b": 50.0}),
        52,
        [AddStandby("b")],
    ),
    # the primary is lost
    ("a failover takes its time", pair(dead="a"), 11, [CloseEndpoint(), Wait(2.0)]),
    ("the standby is promoted", pair(dead="a"), 13, [CloseEndpoint(), PromoteStandby()]),
    (
        "even when its zone is said to be down: it is alive",
        pair(dead="a", up="ac"),
        13,
        [CloseEndpoint(), PromoteStandby()],
    ),
    # a node exists but is silent
    ("a primary may be silent for a moment", pair(silent="a"), 10.5, [Wait(0.5)]),
    ("a primary that hangs is fenced", pair(silent="a"), 11, [FencePrimary()]),
    (
        "also when nobody can take over: it starts again",
        pair(standby=NO_STANDBY, silent="a"),
        11,
        [FencePrimary()],
    ),
    (
        "no standby is built from a silent primary",
        pair(standby=NO_STANDBY, silent="a"),
        10.5,
        [Wait(0.5)],
    ),
    ("and takes over like one that died", pair(dead="a"), 13, [CloseEndpoint(), PromoteStandby()]),
    ("a standby may be silent for a moment", pair(silent="b"), 10.5, [Watch()]),
    ("a standby that hangs is fenced", pair(silent="b"), 11, [FenceStandby()]),
    ("of two that hang the primary is the second", pair(silent="ab"), 11, [FenceStandby()]),
    (
        "a silent standby is not promoted",
        replace(pair(dead="a"), standby=NodeView("b", None, 12.5)),
        13,
        [CloseEndpoint(), Wait(0.5)],
    ),
    (
        "but fenced",
        replace(pair(dead="a"), standby=NodeView("b", None, 12.5)),
        13.5,
        [FenceStandby()],
    ),
    # both are lost
    ("wait for the failover first", pair(dead="ab"), 12, [CloseEndpoint(), Wait(1.0)]),
    ("the primary has its data", pair(dead="ab"), 13, [CloseEndpoint(), RestartPrimary()]),
    (
        "so has a standby that is still known",
        pair(dead="ab", up="bc"),
        13,
        [CloseEndpoint(), RestartStandby()],
    ),
    ("no zone with the data", pair(dead="ab", up="c"), 60, [CloseEndpoint(), Wait(IDLE_S)]),
    (
        "a primary that went on alone is the only one with the data",
        pair(standby=NO_STANDBY, dead="a", up="bc"),
        60,
        [CloseEndpoint(), Wait(IDLE_S)],
    ),
    (
        "and comes back with its zone",
        pair(standby=NO_STANDBY, dead="a"),
        60,
        [CloseEndpoint(), RestartPrimary()],
    ),
    # nothing is kept on disk
    (
        "a replica is promoted",
        pair(dead="a", keeps_data=False),
        13,
        [CloseEndpoint(), PromoteStandby()],
    ),
    (
        "without one an empty primary takes its place",
        pair(dead="ab", keeps_data=False),
        13,
        [CloseEndpoint(), ReplacePrimary("a")],
    ),
    (
        "in any zone that is up",
        pair(dead="ab", up="c", keeps_data=False),
        13,
        [CloseEndpoint(), ReplacePrimary("c")],
    ),
    (
        "or when one is up again",
        pair(dead="ab", up="", keeps_data=False),
        60,
        [CloseEndpoint(), Wait(IDLE_S)],
    ),
    # restoring races with faults: the rebuild does not wait, the failover does
    ("restore rebuilds at once", pair(standby=NO_STANDBY, hurry=True), 10.1, [AddStandby("b")]),
    (
        "restore waits for a failover",
        pair(dead="a", hurry=True),
        11,
        [CloseEndpoint(), Wait(2.0)],
    ),
    ("restore drops a dead standby first", pair(dead="b", hurry=True), 10, [DropStandby()]),
    (
        "restore before any other zone is back",
        pair(standby=NO_STANDBY, up="a", hurry=True),
        10.1,
        [Wait(IDLE_S)],
    ),
]


@pytest.mark.parametrize(
    ("state", "now_s", "actions"),
    [pytest.param(*row, id=name) for name, *row in TABLE],
)
def test_what_is_seen_decides_what_is_done(
    state: PairState, now_s: float, actions: list[Action]
) -> None:
    assert decide(state, now_s) == actions


def test_a_pair_that_keeps_data_never_serves_from_an_empty_node() -> None:
    for up in ("", "a", "b", "c", "ab", "ac", "bc", "abc"):
        for dead in ("a", "ab"):
            for standby in (NO_STANDBY, "b"):
                actions = decide(pair(standby=standby, dead=dead, up=up), 60)
                assert not [each for each in actions if isinstance(each, ReplacePrimary)]
