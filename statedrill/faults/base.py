"""What every fault has in common: its row in the table, its life, and what it may ask of a target.

A fault is one class in one file, listed in `FAULTS` of this package; the control address, the
refusals of a plan and `statedrill list` follow from the class. This module is imported by
experiments too, so it imports nothing heavy, and no kind of target.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple, Protocol, Self

from statedrill.errors import ControlError
from statedrill.faults.link import Link
from statedrill.faults.parts import Instance, InstanceGroup, Part
from statedrill.vocabulary import Equipment

_POLL_S = 0.02


class Proof(NamedTuple):
    """Whether the fault really happened, and the sentence that says how that was seen."""

    proved: bool
    sentence: str


@dataclass(frozen=True)
class Capabilities:
    """What there is to break in a pattern on a kind of target, known before anything starts.

    `services` has the class of each service that the pattern uses, by its key; `workers` says
    whether it has workers beside its instances; `dead_letters` names the queues of which messages
    can become dead letters; `read_replicas` says how many the database has; `volumes` says whether
    its instances have volumes, and `shards` whether its users belong to them; `backed_up` has the
    keys of the services that can be restored.
    """

    pattern: str
    zones: tuple[str, ...]
    services: Mapping[str, type]
    workers: bool = False
    dead_letters: tuple[str, ...] = ()
    read_replicas: int = 0
    volumes: bool = False
    shards: bool = False
    backed_up: Collection[str] = ()

    def why_not(self, service: str, ability: type, verb: str) -> str:
        """Why `service` cannot be `verb` ("flushed"), which takes `ability`; empty when it can."""
        kind = self.services.get(service)
        if kind is None:
            return f"nothing to break: pattern {self.pattern} has no {service}"
        if not issubclass(kind, ability):
            return f"the {service} of pattern {self.pattern} cannot be {verb}"
        return ""


class FaultTarget(Protocol):
    """What faults can see and break. Methods that wait for something raise ClusterError."""

    @property
    def capabilities(self) -> Capabilities:
        """What there is to break."""

    @property
    def equipment(self) -> Collection[Equipment]:
        """What it was started with beyond what every target has."""

    @property
    def zones_down(self) -> Collection[str]:
        """The zones that are down now."""

    def missing(self) -> list[str]:
        """What keeps the target from being healthy, in words; empty when it is healthy."""

    def service(self, key: str) -> object | None:
        """The service with this key in pattern files; None when the pattern does not use it."""

    def running(self, zone: str | None = None) -> Sequence[Part]:
        """Every process that is alive, in one zone or in all."""

    def group(self) -> InstanceGroup:
        """The group of the application's instances."""

    def workers(self) -> InstanceGroup | None:
        """The group of workers; None when the pattern has none."""

    def in_service(self) -> Sequence[Instance]:
        """Every instance and worker that does its work now."""

    def choose_instances(self, count: int, zone: str | None) -> Sequence[Instance]:
        """`count` instances in service (fewer when there are fewer), drawn by the drill's seed."""

    def load_balancer_nodes(self, zone: str | None = None) -> Sequence[Part]:
        """The load balancer's nodes that serve, in one zone or in all."""

    def kill(self, names: Sequence[str]) -> None:
        """SIGKILL the processes with these names at once; does not wait until they are gone."""

    def kill_instances(self, ids: Sequence[str]) -> None:
        """SIGKILL these instances at once; returns when their processes are gone."""

    def instances_are_healthy(self) -> bool:
        """Whether every group has its full number of instances, all of them healthy."""

    def stop_zone(self, zone: str) -> None:
        """Everything in `zone` dies at once; nothing starts there until `start_zone`."""

    def start_zone(self, zone: str) -> None:
        """`zone` can be used again; idempotent."""

    @property
    def zones_impaired(self) -> Collection[str]:
        """The zones whose network is slow or cut now."""

    def links_across(self, zone: str) -> Sequence[Link]:
        """Every way between `zone` and what lies outside of it, as things are now."""

    def slow_zone(self, zone: str, delay_s: float) -> None:
        """Whatever enters or leaves `zone` takes `delay_s` longer, until `repair_zone`."""

    def cut_zone(self, zone: str) -> None:
        """Nothing enters or leaves `zone` until `repair_zone`; what runs there goes on."""

    def repair_zone(self, zone: str) -> None:
        """The network of `zone` is as before; idempotent."""

    def restore(self) -> None:
        """Bring back everything that died, without AWS's delays."""

    def wait_until_healthy(self, deadline: float) -> None:
        """Return when nothing is missing; `deadline` is in monotonic seconds."""


class Fault(ABC):
    """One thing broken: an object is made for each injection, aimed at something that exists.

    The class is a row of the table. `name` stands in events and verdicts, `action` is the path on
    the control address, `domain` the failure domain that a promise names, `client` the function
    that an experiment calls (`<module>.<function>`), `description` its line in `statedrill list`.
    `equipment` is what a target must have been started with.
    `arguments` is a dataclass: its fields are the arguments of the action, in AWS's spelling
    (`instance_ids` is `InstanceIds`). `end_action` takes the same arguments and undoes the fault
    when an experiment wants that.

    An object has the `targets` it is aimed at, their `zone` if it is one, and the `phrase` that
    reports print after "when" ("a whole zone went down").
    """

    name: ClassVar[str]
    action: ClassVar[str]
    domain: ClassVar[str]
    description: ClassVar[str]
    client: ClassVar[str]
    arguments: ClassVar[type]
    end_action: ClassVar[str] = ""
    equipment: ClassVar[frozenset[Equipment]] = frozenset()

    targets: Sequence[str]
    zone: str | None = None
    phrase: str

    @abstractmethod
    def __init__(self, target: FaultTarget, arguments: Any) -> None:
        """Choose what is hit; nothing is broken yet.

        Raises:
            ControlError: there is no such thing now, or it is broken already.
        """

    @classmethod
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        """Why this fault can never happen there; empty when it can."""
        return ""

    @classmethod
    def why_refused(cls, arguments: Mapping[str, Any], capabilities: Capabilities) -> str:
        """Why `client` called with these arguments would be refused; empty where that is not known.

        A text with `${` is a variable of the experiment, which has no value yet.
        """
        zone = arguments.get("az")
        if isinstance(zone, str) and "${" not in zone and zone[-1:] not in capabilities.zones:
            return f"there is no zone '{zone}'; zones: {', '.join(capabilities.zones)}"
        return ""

    @abstractmethod
    def inject(self) -> None:
        """Break it.

        Raises:
            ClusterError: it could not be broken.
        """

    @abstractmethod
    def prove(self) -> Proof:
        """See whether it really happened; may wait for that (see `wait_for`)."""

    @abstractmethod
    def is_over(self) -> bool:
        """Whether what it took away is there again, and nothing is left to undo."""

    def undo(self) -> None:
        """Take it back; idempotent. By default all of it can be undone without the target."""
        self.undo_left_behind(self.undo_arguments())

    def undo_arguments(self) -> Mapping[str, Any]:
        """What `undo_left_behind` needs, as JSON; written down before `inject` and after it."""
        return {}

    @classmethod  # noqa: B027 - most faults leave nothing behind
    def undo_left_behind(cls, arguments: Mapping[str, Any]) -> None:
        """Take back what outlives the target's processes; idempotent.

        Called with the `undo_arguments` of a fault whose target is gone, perhaps in a later
        program. By default there is nothing: what died with the target needs no undoing.

        Raises:
            OSError, ClusterError: it could not be taken back.
        """

    @classmethod
    def ended_by(
        cls, arguments: Any, opened: Sequence[Self], capabilities: Capabilities
    ) -> Sequence[Self]:
        """Those of the `opened` faults of this kind that `end_action` with `arguments` ends.

        Raises:
            ControlError: the arguments name nothing that there is.
        """
        return opened


def zone_named(name: str, capabilities: Capabilities) -> str:
    """The letter of a zone given as AWS names it: us-east-1b is b.

    Raises:
        ControlError: there is no such zone.
    """
    if name[-1:] not in capabilities.zones:
        raise ControlError(f"there is no zone '{name}'", f"zones: {', '.join(capabilities.zones)}")
    return name[-1:]


def wait_for(condition: Callable[[], bool], seconds: float) -> bool:
    """Whether `condition` becomes true within `seconds`; for proofs that take a moment."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(_POLL_S)
    return True
