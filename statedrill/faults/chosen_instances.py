"""Which instances a fault hits: those that are named, or some, drawn by the drill's seed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from statedrill.errors import ControlError
from statedrill.faults.base import FaultTarget, zone_named
from statedrill.faults.parts import Instance

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


@dataclass(frozen=True)
class Choice:
    """Which instances: those named, or `count` of them, drawn in `zone` or anywhere."""

    instance_ids: Annotated[tuple[str, ...], "a list of instance ids"] = ()
    zone: Annotated[str, "the name of a zone"] = ""
    count: Annotated[int, "a whole number from 1 up"] = 1


def chosen(target: FaultTarget, choice: Choice) -> list[Instance]:
    """The instances and workers that are named, or instances in service that are drawn.

    Raises:
        ControlError: one that is named is not in service, or none is.
    """
    if choice.instance_ids:
        known = {each.id: each for each in target.in_service()}
        if unknown := [each for each in choice.instance_ids if each not in known]:
            raise ControlError(
                f"not in service: {', '.join(unknown)}",
                f"in service are: {', '.join(sorted(known)) or 'none'}",
            )
        return [known[each] for each in dict.fromkeys(choice.instance_ids)]
    if choice.count < 1:
        raise ControlError(f"Count is {choice.count}", "give a whole number from 1 up")
    zone = zone_named(choice.zone, target.capabilities) if choice.zone else None
    found = target.choose_instances(choice.count, zone)
    if not found:
        where = f" in zone {zone}" if zone else ""
        raise ControlError(f"no instance is in service{where}", "wait until one is")
    return list(found)


def in_words(count: int, noun: str = "instance") -> str:
    """`one instance`, `two instances`, `7 instances`."""
    number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
    return f"{number} {noun}{'' if count == 1 else 's'}"
