"""What a pair of nodes does next when one of them hangs or is gone, decided from what is seen.

Depends on no event, only on what is true now, so that no event can be missed. Pure: knows no
process, no clock and neither SQL nor Valkey.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

IDLE_S = 3600.0
"""To wait until something happens: whatever happens wakes the pair."""


@dataclass(frozen=True)
class Delays:
    """How long the service takes, in seconds: from death to promotion, from loss to a new one.

    `detection_s`: for how long a node that exists must be silent to be taken for dead.
    """

    failover_s: float
    rebuild_s: float
    detection_s: float


@dataclass(frozen=True)
class NodeView:
    """One node as it is now, with times in monotonic seconds.

    `died_at_s` is None while its process exists, `silent_since_s` as long as that answers.
    """

    zone: str
    died_at_s: float | None = None
    silent_since_s: float | None = None

    @property
    def alive(self) -> bool:
        """Whether its process exists."""
        return self.died_at_s is None


@dataclass(frozen=True)
class RestoreView:
    """A restore from a backup to a new node: when it is due, None as long as that is not known.

    `data_lost`: no node has any data left, so that nothing else can bring the service back.
    """

    due_s: float | None
    data_lost: bool


@dataclass(frozen=True)
class PairState:
    """Everything that a decision depends on, apart from the time.

    `standby` is None until it is complete, that is, can take over. `up_since_s` has the zones that
    are up, each with the monotonic time of its return. `keeps_data`: a node that starts again has
    what it had, and only such a node may become the primary. `hurry`: rebuild at once.
    `restore` is the restore that is needed or was ordered, if there is one.
    """

    primary: NodeView
    standby: NodeView | None
    up_since_s: Mapping[str, float]
    delays: Delays
    keeps_data: bool
    standby_lost_at_s: float = 0.0
    standby_lost_zone: str = ""
    hurry: bool = field(default=False, kw_only=True)
    restore: RestoreView | None = field(default=None, kw_only=True)


@dataclass(frozen=True)
class Wait:
    """Do nothing for so many seconds, unless something happens."""

    seconds: float


@dataclass(frozen=True)
class FencePrimary:
    """The primary exists but is silent: make sure that it never acknowledges anything again."""


@dataclass(frozen=True)
class FenceStandby:
    """The standby exists but is silent: end it, so that nobody waits for it."""


@dataclass(frozen=True)
class CloseEndpoint:
    """Close the connections to the dead primary, and refuse new ones."""


@dataclass(frozen=True)
class PromoteStandby:
    """The standby, which is alive, becomes the primary."""


@dataclass(frozen=True)
class RestartPrimary:
    """The dead primary starts again from its own data."""


@dataclass(frozen=True)
class RestartStandby:
    """The dead standby starts again from its own data and becomes the primary."""


@dataclass(frozen=True)
class ReplacePrimary:
    """A new node in `zone`, with what the service keeps beside its nodes, becomes the primary."""

    zone: str


@dataclass(frozen=True)
class RestorePrimary:
    """A new node in `zone`, with what a backup holds, becomes the primary."""

    zone: str


@dataclass(frozen=True)
class DropStandby:
    """The standby is dead: the primary goes on alone."""


@dataclass(frozen=True)
class AddStandby:
    """A new standby is built in `zone`."""

    zone: str


@dataclass(frozen=True)
class Watch:
    """Both nodes are there: look whether they work together."""


Action = (
    Wait
    | FencePrimary
    | FenceStandby
    | CloseEndpoint
    | PromoteStandby
    | RestartPrimary
    | RestartStandby
    | ReplacePrimary
    | RestorePrimary
    | DropStandby
    | AddStandby
    | Watch
)


def decide(state: PairState, now_s: float) -> list[Action]:
    """What to do at `now_s` (monotonic seconds), in this order; then decide again.

    A node is fenced before anything else is done with it or instead of it: nobody may take over
    from a primary that might still acknowledge a write when it wakes up.
    """
    if state.restore and (state.restore.data_lost or _is_due(state.restore, now_s)):
        return _restored(state, state.restore, now_s)
    return _kept(state, now_s)


def _kept(state: PairState, now_s: float) -> list[Action]:
    """What keeps the pair whole with the data that its nodes have."""
    primary, standby, delays = state.primary, state.standby, state.delays
    if _hangs(standby, delays, now_s):
        return [FenceStandby()]
    if primary.died_at_s is not None:
        due_s = max(primary.died_at_s + delays.failover_s, _is_judged_at_s(standby, delays))
        step = Wait(due_s - now_s) if due_s > now_s else _new_primary(state)
        return [CloseEndpoint(), step]
    if _hangs(primary, delays, now_s):
        return [FencePrimary()]
    if primary.silent_since_s is not None:
        return [Wait(_is_judged_at_s(primary, delays) - now_s)]
    if standby is None:
        return [_new_standby(state, now_s)]
    return [Watch()] if standby.alive else [DropStandby()]


def _is_due(restore: RestoreView, now_s: float) -> bool:
    return restore.due_s is not None and restore.due_s <= now_s


def _restored(state: PairState, restore: RestoreView, now_s: float) -> list[Action]:
    """What is left of the pair serves until the restored node takes its place."""
    closing: list[Action] = [CloseEndpoint()] if restore.data_lost else []
    if not _is_due(restore, now_s):
        return [*closing, Wait(IDLE_S if restore.due_s is None else restore.due_s - now_s)]
    zone = _zone_that_is_up(state)
    return [*closing, RestorePrimary(zone) if zone else Wait(IDLE_S)]


def _is_judged_at_s(node: NodeView | None, delays: Delays) -> float:
    """When a silent node is taken for dead; long ago for every other one."""
    if node is None or not node.alive or node.silent_since_s is None:
        return 0.0
    return node.silent_since_s + delays.detection_s


def _hangs(node: NodeView | None, delays: Delays, now_s: float) -> bool:
    return 0.0 < _is_judged_at_s(node, delays) <= now_s


def _new_primary(state: PairState) -> Action:
    """Who serves from now on, alone.

    A standby that is still known has every acknowledged write: a primary goes on without one only
    after `DropStandby`, which forgets it.
    """
    if state.standby and state.standby.alive:
        return PromoteStandby()
    if not state.keeps_data:
        zone = _zone_that_is_up(state)
        return ReplacePrimary(zone) if zone else Wait(IDLE_S)
    if state.primary.zone in state.up_since_s:
        return RestartPrimary()
    if state.standby and state.standby.zone in state.up_since_s:
        return RestartStandby()
    return Wait(IDLE_S)


def _zone_that_is_up(state: PairState) -> str | None:
    """Where a new primary can be: in the zone of the last one, or in another one."""
    candidates = (state.primary.zone, *sorted(state.up_since_s))
    return next((zone for zone in candidates if zone in state.up_since_s), None)


def _new_standby(state: PairState, now_s: float) -> Action:
    """Rebuild in the zone of the lost standby if it is up, else in any other than the primary's."""
    zones = sorted(zone for zone in state.up_since_s if zone != state.primary.zone)
    if not zones:
        return Wait(IDLE_S)
    zone = state.standby_lost_zone if state.standby_lost_zone in zones else zones[0]
    due_s = max(state.standby_lost_at_s, state.up_since_s[zone]) + state.delays.rebuild_s
    if due_s > now_s and not state.hurry:
        return Wait(due_s - now_s)
    return AddStandby(zone)
