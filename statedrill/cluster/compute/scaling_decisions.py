"""What an Auto Scaling group does next, decided from what it sees and the time.

Replaces what died, or what the load balancer finds unhealthy, once that is noticed, launches into
the least populated zone that is up, and terminates what it has too many of in the fullest one.
After a zone's return, and when every instance is to be replaced by a new one, it launches before it
terminates, one by one. A volume stays in its zone and is attached to one instance: with volumes an
instance is launched where its volume is, once that zone is up and the predecessor has ended. Pure:
knows no process, no clock and no chance.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum


class InstanceState(StrEnum):
    """The life of an instance, in the order in which it passes through these states."""

    LAUNCHING = "launching"
    READY = "ready"
    REGISTERED = "registered"
    DEAD = "dead"
    TERMINATING = "terminating"
    TERMINATED = "terminated"


ACTIVE = frozenset({InstanceState.LAUNCHING, InstanceState.READY, InstanceState.REGISTERED})
"""The states in which an instance counts for its zone."""


@dataclass(frozen=True)
class Member:
    """One instance as the group sees it.

    `since_s` is the monotonic time of its newest state; `in_service` whether it does its work now;
    `outdated` whether an instance refresh is to replace it; `unhealthy_since_s` since when the
    load balancer has found it unhealthy, None while it does not.
    """

    id: str
    zone: str
    state: InstanceState
    since_s: float
    in_service: bool
    outdated: bool = False
    unhealthy_since_s: float | None = None

    @property
    def active(self) -> bool:
        """Whether it counts for its zone."""
        return self.state in ACTIVE


@dataclass(frozen=True)
class VolumeState:
    """A volume as the group sees it.

    `attached` while an instance has it that the group has not forgotten yet; `kept` when the group
    was scaled in, and needs it only if it is scaled out again.
    """

    id: str
    zone: str
    attached: bool = False
    kept: bool = False


@dataclass(frozen=True)
class GroupState:
    """Everything that a decision depends on, apart from the time.

    `zones` are those that are up; `ids_left` is how many instances can still be launched;
    `rebalance_at_s` is when to rebalance (monotonic seconds), None when nothing is to be
    rebalanced; `detection_s` is how long a death, or a failed health check, goes unnoticed;
    `volumes` are None for a group whose instances have none.
    """

    members: tuple[Member, ...]
    desired: int
    zones: tuple[str, ...]
    ids_left: int
    detection_s: float
    rebalance_at_s: float | None = None
    volumes: tuple[VolumeState, ...] | None = None

    def is_complete(self) -> bool:
        """Whether the desired number is in service and nothing is under way."""
        return (
            len(self.members) == self.desired
            and all(member.in_service and not member.outdated for member in self.members)
            and self.rebalance_at_s is None
        )

    def is_settled(self) -> bool:
        """Whether every instance is in service: no launch, death or termination is under way."""
        return all(member.in_service for member in self.members)

    def population(self) -> dict[str, int]:
        """How many active instances each zone that is up has."""
        counted = Counter(member.zone for member in self.members if member.active)
        return {zone: counted[zone] for zone in self.zones}

    def emptiest_zone(self) -> str | None:
        """Where to launch next; None when no zone is up."""
        population = self.population()
        return min(self.zones, key=lambda zone: population[zone], default=None)


@dataclass(frozen=True)
class Reap:
    """Forget an instance that has been dead for long enough to be noticed."""

    id: str


@dataclass(frozen=True)
class TerminateUnhealthy:
    """End an instance that hangs, without draining: it would not answer its last requests."""

    id: str


@dataclass(frozen=True)
class Launch:
    """Launch an instance in `zone`, with this volume of it (a new one when None), if it has any."""

    zone: str
    volume: str | None = None


@dataclass(frozen=True)
class TerminateOneOf:
    """Terminate one of these instances; which one is left to chance."""

    ids: tuple[str, ...]


@dataclass(frozen=True)
class TerminateOutdated:
    """Terminate an instance whose successor needs its volume."""

    id: str


@dataclass(frozen=True)
class FinishRebalance:
    """The zones are balanced again."""


Action = Reap | TerminateUnhealthy | Launch | TerminateOneOf | TerminateOutdated | FinishRebalance


def decide(state: GroupState, now_s: float) -> list[Action]:
    """What to do at `now_s` (monotonic seconds), in this order."""
    noticed_s = now_s - state.detection_s
    reaped = [
        member
        for member in state.members
        if member.state is InstanceState.DEAD and member.since_s <= noticed_s
    ]
    unhealthy = [
        member
        for member in state.members
        if member.unhealthy_since_s is not None and member.unhealthy_since_s <= noticed_s
        if member.state is InstanceState.REGISTERED
    ]
    gone = (*reaped, *unhealthy)
    left = replace(state, members=tuple(m for m in state.members if m not in gone))
    launches = list(_replacements(left, now_s))
    actions: list[Action] = [
        *(Reap(member.id) for member in reaped),
        *(TerminateUnhealthy(member.id) for member in unhealthy),
        *launches,
    ]
    settled = not launches and not unhealthy
    if settled and (step := _one_too_many(left) or _rebalance(left, now_s) or _refresh(left)):
        actions.append(step)
    return actions


def _replacements(state: GroupState, now_s: float) -> Iterator[Launch]:
    """A launch for each instance that is missing, as far as zones, volumes and ids go."""
    staying = [m for m in state.members if m.state is not InstanceState.TERMINATING]
    missing = max(0, min(state.desired - len(staying), state.ids_left))
    if state.volumes is not None:
        found = list(_free_volumes(state.volumes, state.desired, state.zones))[:missing]
        yield from (Launch(volume.zone, volume.id) for volume in found)
        # A volume that cannot be attached yet is waited for; it is not replaced by an empty one.
        needed = sum(not volume.kept or volume in found for volume in state.volumes)
        missing = min(missing - len(found), state.desired - needed)
    for _ in range(missing):
        zone = state.emptiest_zone()
        if zone is None:
            return
        yield Launch(zone)
        launched = Member("", zone, InstanceState.LAUNCHING, now_s, in_service=False)
        state = replace(state, members=(*state.members, launched))


def _free_volumes(
    volumes: Sequence[VolumeState], desired: int, zones: Collection[str]
) -> Iterator[VolumeState]:
    """The volumes that can be attached now: all that lost their instance, and of those that were
    kept as many as `desired` exceeds the others.
    """
    free = [each for each in volumes if not each.attached and each.zone in zones]
    yield from (each for each in free if not each.kept)
    needed = sum(not each.kept for each in volumes)
    yield from [each for each in free if each.kept][: max(0, desired - needed)]


def _one_too_many(state: GroupState) -> Action | None:
    """The termination of one instance when more than the desired number are in service.

    An outdated one where there is one, and then one of the fullest zones.
    """
    active = [member for member in state.members if member.active]
    if len(active) <= state.desired or not all(member.in_service for member in active):
        return None
    candidates = [member for member in active if member.outdated] or active
    population = Counter(member.zone for member in active)
    fullest = max(population[member.zone] for member in candidates)
    return TerminateOneOf(tuple(sorted(m.id for m in candidates if population[m.zone] == fullest)))


def _rebalance(state: GroupState, now_s: float) -> Action | None:
    """The next step towards zones of equal size; None while it is not due or one is under way."""
    if state.rebalance_at_s is None or now_s < state.rebalance_at_s:
        return None
    population = state.population()
    if not population or not state.is_settled():
        return None
    if state.volumes is not None:
        return FinishRebalance()  # an instance belongs where its volume is
    if max(population.values()) - min(population.values()) > 1:
        zone = state.emptiest_zone()
        return Launch(zone) if zone and state.ids_left else None
    return FinishRebalance()


def _refresh(state: GroupState) -> Action | None:
    """The launch of the successor of an outdated instance, in its zone; None while one is due.

    Rebalancing comes first. A successor that takes over the volume is launched afterwards.
    """
    outdated = sorted((m.zone, m.id) for m in state.members if m.outdated and m.zone in state.zones)
    if not outdated or state.rebalance_at_s is not None or not state.is_settled():
        return None
    if not state.ids_left:
        return None
    zone, instance_id = outdated[0]
    return Launch(zone) if state.volumes is None else TerminateOutdated(instance_id)
