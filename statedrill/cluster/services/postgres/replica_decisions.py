"""What is done next about one read replica, decided from what is seen.

Depends on no event, only on what is true now, so that no event can be missed. Pure: knows no
process, no clock and no SQL.
"""

from __future__ import annotations

from dataclasses import dataclass

from statedrill.cluster.services.failover_decisions import IDLE_S, NodeView


@dataclass(frozen=True)
class ReplicaDelays:
    """In seconds: from the loss of a replica to a new one; how long one must be silent to be taken
    for dead; how long one may live without receiving anything before it is replaced.
    """

    rebuild_s: float
    detection_s: float
    patience_s: float


@dataclass(frozen=True)
class ReplicaState:
    """Everything that a decision depends on, apart from the time (monotonic seconds).

    `node` is None while there is none. `zone_up_since_s` is None while the replica's zone is down
    or cut off. `leader` is the node that it ought to follow (None: nobody is there), `follows` the
    one that it does; `idle_since_s` is since when it receives nothing from it. `is_served`: the
    reader endpoint leads to it. `hurry`: rebuild at once.
    """

    node: NodeView | None
    zone_up_since_s: float | None
    leader: str | None
    follows: str
    is_served: bool
    delays: ReplicaDelays
    lost_at_s: float = 0.0
    idle_since_s: float | None = None
    hurry: bool = False


@dataclass(frozen=True)
class WaitFor:
    """Do nothing for so many seconds, unless something happens."""

    seconds: float


@dataclass(frozen=True)
class End:
    """It exists, but is silent or receives nothing: end it, to replace it."""


@dataclass(frozen=True)
class Withdraw:
    """The reader endpoint leads to it no more."""


@dataclass(frozen=True)
class Drop:
    """It is dead: throw its data away."""


@dataclass(frozen=True)
class Build:
    """A new one, from a backup of the leader."""


@dataclass(frozen=True)
class Follow:
    """It follows the leader from now on."""


@dataclass(frozen=True)
class Serve:
    """The reader endpoint leads to it."""


ReplicaAction = WaitFor | End | Withdraw | Drop | Build | Follow | Serve


def decide_replica(state: ReplicaState, now_s: float) -> list[ReplicaAction]:
    """What to do at `now_s`, in this order; then decide again.

    A replica stays in its zone, as RDS's does. How far it is behind decides nothing: one that lags
    is read from all the same.
    """
    node, delays = state.node, state.delays
    if node is None:
        return [_build(state, now_s)]
    if not node.alive:
        return [Withdraw(), Drop()]
    is_idle = state.leader is not None and _since(state.idle_since_s, now_s) >= delays.patience_s
    if is_idle or _since(node.silent_since_s, now_s) >= delays.detection_s:
        return [End()]
    return [_of_living(state, node)]


def _of_living(state: ReplicaState, node: NodeView) -> ReplicaAction:
    if state.zone_up_since_s is None:
        return Withdraw() if state.is_served else WaitFor(IDLE_S)
    if state.leader not in {None, state.follows}:
        return Follow()
    if not state.is_served and node.silent_since_s is None:
        return Serve()
    return WaitFor(IDLE_S)


def _since(moment_s: float | None, now_s: float) -> float:
    return 0.0 if moment_s is None else now_s - moment_s


def _build(state: ReplicaState, now_s: float) -> ReplicaAction:
    if state.zone_up_since_s is None or state.leader is None:
        return WaitFor(IDLE_S)
    due_s = max(state.lost_at_s, state.zone_up_since_s) + state.delays.rebuild_s
    return Build() if state.hurry or now_s >= due_s else WaitFor(due_s - now_s)
