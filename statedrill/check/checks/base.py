"""The shape of a check: what it is given, what it returns, and what it says of itself.

A check is one class in a file of its own and one line of the table in `checks/__init__.py`. Knows
no check.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from enum import Enum
from functools import cache
from typing import Annotated, Any, ClassVar, Generic, Literal, Self, TypeVar, get_type_hints

import numpy as np

from statedrill.check.aggregate import Crash
from statedrill.check.clauses import Clause
from statedrill.check.context import CheckContext
from statedrill.check.index.describe import Describer, Explanation
from statedrill.check.index.fast_path import CleanObjects
from statedrill.check.index.observations import Observations
from statedrill.check.numeric.arrays import NEVER, Array
from statedrill.history.store import Part

Unit = Literal["reads", "writes", "orders", "elements", "objects", "sessions"]
Doubt = Literal["record", "audit", "sessions"]

Mask = Annotated[Array, False]
"""Per row whether something is so."""
Moment = Annotated[Array, NEVER]
"""Per row a tick; NEVER where there is none."""


class Scope(Enum):
    """What a check looks at together; it may be given less than the whole table."""

    RESPONSE = "each response by itself"
    OBJECT = "all operations on one object of one session"
    SESSION = "all operations of one session"


@dataclass(frozen=True)
class CheckInput:
    """What a check is given: the observations of some sessions, and what is known of the drill."""

    observations: Observations
    context: CheckContext


@dataclass(kw_only=True, eq=False)
class CheckResult:
    """Which rows a check could judge, and which of them break its definition.

    Each thing that is counted has one row that stands for it: a read, a write, the first row of
    an object or of a session. `consequences` are violations that follow from a lost state, and
    `undecided` those that may follow from one; they were taken out of `violation`. Subclasses may
    add arrays; each is annotated as `Mask` or `Moment`.
    """

    opportunity: Mask
    violation: Mask
    consequences: Mask
    undecided: Mask

    @classmethod
    def of(cls, size: int, **arrays: Array) -> Self:
        """The result with these arrays; the others are empty, `size` entries long."""
        empty = {
            name: np.full(size, nothing)
            for name, nothing in cls._arrays().items()
            if name not in arrays
        }
        return cls(**empty, **arrays)

    def require(self, size: int) -> None:
        """Raises ValueError where an array has not `size` entries."""
        for name in self._arrays():
            if (found := len(getattr(self, name))) != size:
                raise ValueError(f"`{name}` has {found} entries for {size} rows")

    def put(self, rows: Array, found: Self) -> None:
        """Takes over what was `found` when only `rows` were looked at."""
        for name in self._arrays():
            array = getattr(self, name).copy()  # others may hold the same array
            array[rows] = getattr(found, name)
            setattr(self, name, array)

    @classmethod
    def _arrays(cls) -> dict[str, Any]:
        """The arrays of a result, and what stands in each where there is nothing."""
        result: Any = cls
        return _declared(result)


@cache
def _declared(result: Any) -> dict[str, Any]:
    hints = get_type_hints(result, include_extras=True)
    return {name: hint.__metadata__[0] for name, hint in hints.items()}


@dataclass(kw_only=True, eq=False)
class ResultWithAccepted(CheckResult):
    """`only_accepted` are reads that break the definition only as if accepted meant visible:
    they missed a write that was queued, not confirmed. They are counted apart.
    """

    only_accepted: Mask


R = TypeVar("R", bound=CheckResult)


class Check(ABC, Generic[R]):
    """One check. `name`, `class_` and `unit` stand in verdict.json: `class_` is the primary class
    of a violation that no earlier check of the table sees, `unit` what is counted.

    `term` and `meaning` are the entry of the report's glossary. `clause` is the clause of the
    promise that it decides. A check with a `harm` breaks the clause "survives", too: the words
    follow the number of violations; `{acknowledged}` and `{sessions}` stand for the totals.
    `doubts` are the uncertainties that leave room for violations which were not seen: with any of
    them a finding without violation is unknown. `consequence_of_loss`: on an object whose state
    was lost, violations follow from the loss.
    """

    name: ClassVar[str]
    class_: ClassVar[str]
    unit: ClassVar[Unit]
    term: ClassVar[str]
    meaning: ClassVar[str]
    scope: ClassVar[Scope] = Scope.OBJECT
    clause: ClassVar[Clause | None] = None
    harm: ClassVar[str] = ""
    doubts: ClassVar[tuple[Doubt, ...]] = ("record",)
    consequence_of_loss: ClassVar[bool] = False
    result_type: type[CheckResult] = CheckResult

    @abstractmethod
    def find(self, given: CheckInput) -> R:
        """The opportunities and violations in `given`."""

    @abstractmethod
    def explain(self, given: CheckInput, result: R, row: int, describe: Describer) -> Explanation:
        """The operations (at most four) and the sentence that prove a violation of what `find`
        returned for `given`; `row` is the operation that showed it (`shown_by`).
        """

    def clean_opportunities(self, clean: CleanObjects) -> R | None:
        """What `find` would return on clean objects, where nothing can be broken, worked out
        without looking; None: not known, `find` has to look at every object.

        Asked only where the scope is one object.
        """
        return None

    def shown_by(self, given: CheckInput, result: R, row: int) -> int:
        """The row of the operation that showed the violation for which `row` stands."""
        return row


@dataclass
class CheckResults:
    """What every check found in `given`; `crashes` are the checks that raised, by name.

    `part` has the rows that were looked at, `bounded` says in which column. `suspects` are the
    results on suspect objects alone, `suspect_rows` their rows here; None where every check looked
    at every row.
    """

    given: CheckInput
    part: Part
    bounded: bool
    by_name: dict[str, CheckResult] = field(default_factory=dict)
    crashes: dict[str, Crash] = field(default_factory=dict)
    suspects: CheckResults | None = None
    suspect_rows: Array | None = None

    def of(self, check: type[Check[R]]) -> R:
        """The result of one check."""
        result: R = self.by_name[check.name]  # type: ignore[assignment]
        return result
