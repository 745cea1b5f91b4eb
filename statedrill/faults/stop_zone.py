"""Everything in one availability zone dies at once, and nothing starts there until it is back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Self

from typing_extensions import override

from statedrill.control.client import call, fault
from statedrill.errors import ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, zone_named
from statedrill.faults.parts import Part


def stop_zone(az: str) -> dict[str, Any]:
    """Everything in zone `az` dies at once, primaries of database and cache included.

    Raises:
        ControlFailure: no such zone, or its death could not be proved.
    """
    return fault(StopZone.action, Zone=az)


def start_zone(az: str) -> dict[str, Any]:
    """Zone `az` comes back, empty-handed but for its volumes.

    Raises:
        ControlFailure: no such zone.
    """
    response = call(StopZone.end_action, Zone=az)
    return {**response, "was_down": bool(response.get("ended"))}


def stop_shard_zone(az: str) -> dict[str, Any]:
    """As `stop_zone`, for patterns whose users belong to the volume that is there (shards).

    Raises:
        ControlFailure: no such zone, or its death could not be proved.
    """
    return fault(StopShardZone.action, Zone=az)


def start_shard_zone(az: str) -> dict[str, Any]:
    """Zone `az` comes back, and its volumes with it.

    Raises:
        ControlFailure: no such zone.
    """
    return call(StopShardZone.end_action, Zone=az)


@dataclass(frozen=True)
class Arguments:
    """Which zone, such as `b` or `us-east-1b`."""

    zone: Annotated[str, "the name of a zone"]


class StopZone(Fault):
    """A zone goes down; its undoing brings it back, and the target fills it at AWS's pace."""

    name = "stop_zone"
    action = "ec2/stop-zone"
    end_action = "ec2/start-zone"
    domain = "zone"
    client = "statedrill.faults.ec2.stop_zone"
    description = "everything in one zone dies at once, primaries included, until start_zone"
    arguments = Arguments
    phrase = "a whole zone went down"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._target, self._zone = target, zone_named(arguments.zone, target.capabilities)
        if self._zone in target.zones_down:
            raise ControlError(
                f"zone {self._zone} is down already", f"bring it back: {self.end_action}"
            )
        if self._zone in target.zones_impaired:  # what starts again in there would be alone
            raise ControlError(
                f"the network of zone {self._zone} is slow or cut off", "repair it first: `restore`"
            )
        self.zone = self._zone
        self._hit = target.running(self._zone)
        self.targets = [part.name for part in self._hit]

    @override
    def inject(self) -> None:
        self._target.stop_zone(self._zone)

    @override
    def prove(self) -> Proof:
        """Every process that ran there is gone, and no other runs there."""
        left = [p.name for p in (*self._hit, *self._target.running(self._zone)) if p.alive]
        sentence = f"still running: {', '.join(left)}" if left else _ended(self._hit)
        return Proof(bool(self._hit) and not left, f"zone {self._zone}: {sentence}")

    @override
    def is_over(self) -> bool:
        return self._zone not in self._target.zones_down and not self._target.missing()

    @override
    def undo(self) -> None:
        self._target.start_zone(self._zone)

    @classmethod
    @override
    def ended_by(
        cls, arguments: Arguments, opened: Sequence[Self], capabilities: Capabilities
    ) -> Sequence[Self]:
        zone = zone_named(arguments.zone, capabilities)
        return [each for each in opened if each.zone == zone]


class StopShardZone(StopZone):
    """The same where it leaves users without any instance, until the zone is back."""

    name = "stop_shard_zone"
    action = "ec2/stop-shard-zone"
    end_action = "ec2/start-shard-zone"
    client = "statedrill.faults.ec2.stop_shard_zone"
    description = "everything in one zone dies at once, the only home of a shard's users included"
    phrase = "the zone of a shard went down"

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        if capabilities.shards:
            return ""
        return f"nothing to break: pattern {capabilities.pattern} has no shards"


def _ended(hit: Sequence[Part]) -> str:
    pids = ", ".join(f"{part.name} (pid {part.pid})" for part in hit)
    return f"gone: {pids}" if hit else "nothing to break: nothing was running there"
