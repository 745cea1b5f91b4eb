"""The shape of a row in the table of checks, and what a check is given to look at.

Knows no check.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from statedrill.check.checks.marks import Marks
from statedrill.check.checks.session_guarantees import Lanes, by_lane
from statedrill.check.context import Settings
from statedrill.check.index.observations import Case
from statedrill.check.numeric.stable_sort import Array


@dataclass
class Look:
    """What a check may look at: the case, the drill's settings, and what earlier checks found.

    `closer` is the look at the objects that need a closer one; `rows` are its rows here.
    """

    case: Case
    settings: Settings
    found: dict[str, Marks] = field(default_factory=dict)
    closer: Look | None = None
    rows: Array | None = None

    @property
    def lanes(self) -> Lanes:
        """The case's lanes, made once."""
        return self.case.once(by_lane)


@dataclass(frozen=True)
class Check:
    """One check: its name, the primary class of its violations, what it counts, how it looks.

    `by_object`: it looks at each object alone, so that quiet ones can be left out.
    `follows_loss`: its violations on an object whose state was lost are consequences of the loss.
    """

    name: str
    primary: str
    unit: str
    by_object: bool
    follows_loss: bool
    find: Callable[[Look], Marks]
