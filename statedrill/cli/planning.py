"""The plans behind a command line: that of one drill, or one for each cell of a comparison.

Knows the local target, which is the only one that the command line has; starts nothing.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, NamedTuple

from statedrill.errors import CannotPlay, InputError
from statedrill.inputs.options import Options

if TYPE_CHECKING:
    from statedrill.plan.plan import Plan


class Cells(NamedTuple):
    """The cells of a comparison: the plans of those that can be played, and why others cannot.

    The key of `impossible` is the pattern and the experiment.
    """

    plans: list[Plan]
    impossible: dict[tuple[str, str], str]


def plan_of(chosen: Options) -> Plan:
    """The plan of one drill on the local target.

    Raises:
        InputError: names every problem of every input at once.
    """
    from statedrill.cluster.offer import local_offer
    from statedrill.plan.plan import make_plan

    run_id = f"r{secrets.token_hex(3)}"
    created = datetime.now(UTC).isoformat(timespec="seconds")
    return make_plan(chosen, run_id, created, local_offer())


def plans_of(cells: Iterable[Options]) -> Cells:
    """The plans of several drills; those whose pattern has nothing to break are apart.

    Raises:
        InputError: an input of a cell is wrong, or no cell is left to play.
    """
    found = Cells([], {})
    for chosen in cells:
        try:
            found.plans.append(plan_of(chosen))
        except CannotPlay as refused:
            why = "; ".join(refused.problems)
            found.impossible[refused.pattern, refused.experiment] = why
    if not found.plans:
        reasons = [f"{' under '.join(cell)}: {why}" for cell, why in found.impossible.items()]
        raise InputError("no drill can be played", "choose other experiments", reasons)
    return found
