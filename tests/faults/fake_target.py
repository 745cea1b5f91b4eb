"""A target without processes, for tests of faults: what is broken is a change of plain values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from statedrill.errors import ClusterError
from statedrill.faults.base import Capabilities, Fault
from statedrill.vocabulary import Equipment
from tests.faults.fake_aws import FakeQueues, FakeStorage

ZONES = ("a", "b", "c")


@dataclass(eq=False)
class FakePart:
    name: str
    zone: str
    pid: int
    alive: bool = True
    is_frozen: bool = False
    obeys: bool = True

    @property
    def frozen(self) -> bool:
        return self.alive and self.is_frozen

    def pause(self) -> None:
        self.is_frozen = self.obeys

    def resume(self) -> None:
        self.is_frozen = False


class FakeClock:
    """The clock of an instance."""

    def __init__(self) -> None:
        self.seconds = 0

    def shift(self, seconds: int) -> None:
        self.seconds = seconds


@dataclass(eq=False)
class FakeVolume:
    """The volume of an instance."""

    id: str
    part: FakePart
    taken: bool = False
    obeys: bool = True

    @property
    def detached(self) -> bool:
        return self.taken and self.part.alive

    def detach(self) -> None:
        self.taken = self.obeys

    def reattach(self) -> None:
        self.taken = False


@dataclass(eq=False)
class FakeInstance:
    id: str
    process: FakePart
    address: str = "127.0.0.2"
    port: int = 8080
    accepts_when_dead: bool = False
    clock: FakeClock = field(default_factory=FakeClock)
    share: float = 1.0
    was_told_to_go: bool = False
    volume: FakeVolume | None = None

    @property
    def throttled(self) -> bool:
        return self.process.alive and self.share < 1

    def throttle_cpu(self, share: float) -> None:
        self.share = share
        self.process.pause()

    def unthrottle_cpu(self) -> None:
        self.share = 1.0
        self.process.resume()

    @property
    def zone(self) -> str:
        return self.process.zone

    def accepts_connections(self) -> bool:
        return self.process.alive or self.accepts_when_dead


@dataclass(eq=False)
class FakeNode:
    part: FakePart
    role: str

    @property
    def name(self) -> str:
        return self.part.name

    @property
    def alive(self) -> bool:
        return self.part.alive

    def processes(self) -> dict[int, float]:
        return {self.part.pid: 0.5} if self.alive else {}

    def is_frozen(self) -> bool:
        return self.alive and self.part.is_frozen

    def answers(self) -> bool:
        return self.alive and not self.part.is_frozen

    def freeze(self) -> None:
        self.part.is_frozen = True

    def kill(self) -> None:
        self.part.alive = not self.part.obeys

    def thaw(self) -> None:
        self.part.is_frozen = False


class FakeCache:
    """A primary and a replica that can fail over and be flushed."""

    def __init__(self) -> None:
        self.parts = [FakePart("cache-1", "a", 31), FakePart("cache-2", "b", 32)]
        self.keys, self.expiring = 100, 40
        self.is_filled = False
        self.answers = True
        self.sent = self.received = 1000
        self.replication_is_cut = False

    def nodes(self) -> Sequence[FakeNode]:
        roles = ("primary", "replica")
        return [FakeNode(part, role) for part, role in zip(self.parts, roles, strict=True)]

    def node(self, role: str) -> FakeNode:
        found = [each for each in self.nodes() if each.role == role and each.alive]
        if not found:
            raise ClusterError(f"the cache has no {role} that is alive")
        return found[0]

    def expire_keys(self, match: str, life_s: int) -> tuple[bool, str]:
        if not self.answers:
            raise ClusterError("cache-1 does not answer")
        return self.expiring > 0, f"{self.expiring} keys {match} live for {life_s} s at most"

    def cache_node(self, node_id: str) -> FakeNode:
        if node_id not in ("0001", "0002"):
            raise ClusterError(f"the cache has no node {node_id} that is alive")
        return self.nodes()[int(node_id) - 1]

    def failover(self) -> tuple[str, int]:
        self.parts[0].alive = False
        return self.parts[0].name, self.parts[0].pid

    def flush(self) -> tuple[int, int, str]:
        if not self.answers:
            raise ClusterError("cache-1 does not answer")
        before, self.keys = self.keys, 0
        return before, 0, f"removed {before} keys"

    def fill_memory(self) -> tuple[int, str]:
        self.is_filled = True
        return self.expiring, f"evicted {self.expiring} keys"

    def free_memory(self) -> None:
        self.is_filled = False

    def is_full(self) -> bool:
        return self.is_filled

    def is_healthy(self) -> bool:
        return all(part.alive for part in self.parts)

    def cut_replication(self) -> None:
        self.replication_is_cut = True

    def restore_replication(self) -> None:
        self.replication_is_cut = False
        self.received = self.sent

    def replication_offsets(self) -> tuple[int, int]:
        self.sent += 50
        if not self.replication_is_cut:
            self.received = self.sent
        return self.sent, self.received

    def is_replicating(self) -> bool:
        return self.is_healthy() and not self.replication_is_cut

    def restore(self) -> None:
        for part in self.parts:
            part.alive = True


@dataclass(eq=False)
class FakeLink:
    """A way that takes `delay_s` each way, or loses everything when `cut`."""

    name: str
    zone: str
    delay_s: float = 0.0
    cut: bool = False
    ignores_the_fault: bool = False

    def round_trip_s(self, timeout_s: float) -> float:
        if self.cut:
            raise TimeoutError
        return 2 * self.delay_s + 0.0002


class Memory:
    """A service of which nothing but its being there can be broken."""


@dataclass
class FakeGroup:
    """Instances in any number; what is asked of it happens at once."""

    members: list[FakeInstance]
    desired: int = 3
    obeys: bool = True
    launched: int = 0

    def instances(self) -> Sequence[FakeInstance]:
        return [each for each in self.members if each.process.alive]

    def in_service(self) -> Sequence[FakeInstance]:
        return self.instances()

    def choose(self, count: int) -> Sequence[FakeInstance]:
        return self.in_service()[:count]

    def is_healthy(self) -> bool:
        return len(self.in_service()) == self.desired

    def set_desired(self, desired: int) -> None:
        self.desired = desired
        while self.obeys and len(self.instances()) > desired:
            leaving = self.instances()[-1]
            leaving.was_told_to_go = True
            self.members.remove(leaving)
        while self.obeys and len(self.instances()) < desired:
            self._launch()

    def start_refresh(self) -> None:
        for each in self.instances() if self.obeys else ():
            self.members.remove(each)
            self._launch()

    def cancel_refresh(self) -> None:
        self.obeys = False

    def _launch(self) -> None:
        self.launched += 1
        emptiest = min(ZONES, key=lambda zone: sum(each.zone == zone for each in self.members))
        part = FakePart(f"instance-i-new-{self.launched}", emptiest, 50 + self.launched)
        self.members.append(FakeInstance(f"i-new-{self.launched}", part))


@dataclass
class FakeTarget:
    """Three instances in three zones, and a cache and two workers where it has them."""

    has_cache: bool = True
    has_workers: bool = False
    restores: bool = True
    services: dict[str, object] = field(default_factory=dict)
    zones_down: set[str] = field(default_factory=set)
    zones_impaired: set[str] = field(default_factory=set)
    equipment: frozenset[Equipment] = frozenset()

    def __post_init__(self) -> None:
        parts = [FakePart(f"instance-i-{n}", zone, 10 + n) for n, zone in enumerate(ZONES)]
        self.instances = [FakeInstance(f"i-{n}", part) for n, part in enumerate(parts)]
        self.fleet = FakeGroup(self.instances)
        self.balancer = [FakePart(f"load-balancer-{z}", z, 50 + n) for n, z in enumerate(ZONES)]
        self.balancer_starts_again = True
        self.links = [FakeLink(f"{zone}/{to}", zone) for zone in ZONES for to in ("cache", "aws")]
        parts = [FakePart(f"worker-i-w{n}", zone, 20 + n) for n, zone in enumerate("ab")]
        crew = [FakeInstance(f"i-w{n}", part) for n, part in enumerate(parts)]
        self.crew = FakeGroup(crew if self.has_workers else [], desired=2)
        for n, each in enumerate(self.instances):
            each.volume = FakeVolume(f"vol-{n}", each.process)
        self.cache = FakeCache()
        if self.has_cache:
            self.services["cache"] = self.cache
        self.queues, self.storage = FakeQueues(), FakeStorage()
        self.services |= {"queue": self.queues, "storage": self.storage}

    @property
    def capabilities(self) -> Capabilities:
        kinds = {key: type(service) for key, service in self.services.items()}
        queues = self.queues.made.values()
        dead_letters = tuple(each.name for each in queues if each.max_receive_count)
        return Capabilities("tiny", ZONES, kinds, self.has_workers, dead_letters, volumes=True)

    def missing(self) -> list[str]:
        down = [f"zone {zone} is down" for zone in sorted(self.zones_down)]
        down += [f"zone {zone} is impaired" for zone in sorted(self.zones_impaired)]
        return down + [part.name for part in self._parts() if not part.alive]

    def service(self, key: str) -> object | None:
        return self.services.get(key)

    def running(self, zone: str | None = None) -> Sequence[FakePart]:
        return [p for p in self._parts() if p.alive and zone in (None, p.zone)]

    def group(self) -> FakeGroup:
        return self.fleet

    def workers(self) -> FakeGroup | None:
        return self.crew if self.has_workers else None

    def in_service(self) -> Sequence[FakeInstance]:
        return [each for each in self._all() if each.process.alive]

    def choose_instances(self, count: int, zone: str | None) -> Sequence[FakeInstance]:
        return [each for each in self.fleet.in_service() if zone in (None, each.zone)][:count]

    def load_balancer_nodes(self, zone: str | None = None) -> Sequence[FakePart]:
        return [node for node in self.balancer if node.alive and zone in (None, node.zone)]

    def kill(self, names: Sequence[str]) -> None:
        for node in self.balancer:
            if node.name in names:
                node.pid += 100
                node.alive = self.balancer_starts_again

    def kill_instances(self, ids: Sequence[str]) -> None:
        for each in self._all():
            each.process.alive = each.process.alive and each.id not in ids

    def instances_are_healthy(self) -> bool:
        return all(each.process.alive for each in self._all())

    def stop_zone(self, zone: str) -> None:
        self.zones_down.add(zone)
        for part in self._parts():
            part.alive = part.alive and part.zone != zone

    def start_zone(self, zone: str) -> None:
        self.zones_down.discard(zone)

    def links_across(self, zone: str) -> Sequence[FakeLink]:
        return [link for link in self.links if link.zone == zone]

    def slow_zone(self, zone: str, delay_s: float) -> None:
        self._impair(zone, delay_s, cut=False)

    def cut_zone(self, zone: str) -> None:
        self._impair(zone, 0.0, cut=True)

    def repair_zone(self, zone: str) -> None:
        self._impair(zone, 0.0, cut=False)
        self.zones_impaired.discard(zone)

    def restore(self) -> None:
        for part in self._parts():
            part.alive = part.alive or (self.restores and part.zone not in self.zones_down)

    def wait_until_healthy(self, deadline: float) -> None:
        if missing := self.missing():
            raise ClusterError(f"not whole again: {'; '.join(missing)}")

    def state(self) -> object:
        """Everything that a fault may change, to compare before and after."""
        parts = [(part.name, part.alive, part.frozen) for part in self._parts()]
        links = [(link.name, link.delay_s, link.cut) for link in self.links]
        replicating = (self.cache.replication_is_cut, self.cache.is_filled)
        desired, down = self.fleet.desired, sorted(self.zones_down)
        return parts, desired, down, links, replicating, self.missing(), *self._more_state()

    def _more_state(self) -> tuple[object, ...]:
        clocks = [each.clock.seconds for each in self.instances]
        volumes = [each.volume.detached for each in self.instances if each.volume]
        return clocks, volumes, self.queues.state(), self.storage.state()

    def _impair(self, zone: str, delay_s: float, *, cut: bool) -> None:
        self.zones_impaired.add(zone)
        for link in self.links_across(zone):
            if not link.ignores_the_fault:
                link.delay_s, link.cut = delay_s, cut

    def _parts(self) -> list[FakePart]:
        cache = self.cache.parts if self.has_cache else []
        return [each.process for each in self._all()] + self.balancer + cache

    def _all(self) -> list[FakeInstance]:
        return self.fleet.members + self.crew.members


def assert_nothing_is_left(target: FakeTarget, fault: Fault) -> None:
    """Injected, proved, undone twice and restored: the target is as it was before."""
    before = target.state()
    fault.inject()
    assert fault.prove().proved
    fault.undo()
    fault.undo()
    target.restore()
    assert fault.is_over()
    assert target.state() == before
