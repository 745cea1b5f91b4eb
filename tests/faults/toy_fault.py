"""A fault whose effect outlives the target: a file outside of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

from typing_extensions import override

from statedrill.control.client import fault
from statedrill.faults.base import Fault, FaultTarget, Proof


def toy(path: str) -> dict[str, Any]:
    """Make the file `path`."""
    return fault(Toy.action, Path=path)


@dataclass(frozen=True)
class Arguments:
    path: Annotated[str, "a path"]


class Toy(Fault):
    """Makes a file; undone when the file is gone."""

    name = "toy"
    action = "toy/make-file"
    end_action = "toy/remove-file"
    domain = "storage"
    client = "tests.faults.toy_fault.toy"
    description = "a file is made"
    arguments = Arguments
    phrase = "a file was made"

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self.path = Path(arguments.path)
        self.targets = [self.path.name]

    @override
    def inject(self) -> None:
        self.path.touch()

    @override
    def prove(self) -> Proof:
        return Proof(self.path.exists(), f"{self.path.name} is there")

    @override
    def is_over(self) -> bool:
        return not self.path.exists()

    @override
    def undo_arguments(self) -> Mapping[str, Any]:
        return {"path": str(self.path)}

    @override
    @classmethod
    def undo_left_behind(cls, arguments: Mapping[str, Any]) -> None:
        Path(arguments["path"]).unlink(missing_ok=True)
