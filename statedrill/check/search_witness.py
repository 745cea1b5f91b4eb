"""Makes a contradiction small: which operations alone already have no legal order.

Taking a move's constraints away never makes a legal history illegal, so what stays illegal is a
true witness. Knows moves only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from statedrill.check.search_models import Move, State
from statedrill.check.search_order import Budget, search
from statedrill.history import FOREVER

_SECONDS = 2.0  # a smaller witness is worth no more waiting than this
_STATES = 20_000


def shrink(initial: State, moves: Sequence[Move], stuck: Move, budget: Budget) -> list[Move]:
    """The constrained moves of a smallest illegal part found, in the order of their calls.

    Tries each move once: it is freed (or, if pure, left out) wherever the rest stays illegal.
    """
    kept = [_cut(each, stuck.ret) for each in moves if each.call <= stuck.ret]
    kept = [each for each in kept if not (each.pure and each.ret == FOREVER)]
    limit = budget.part(_STATES, _SECONDS)
    for move in sorted(kept, key=lambda each: each.call):
        if move.ret == FOREVER:
            continue
        rest = [each for each in kept if each is not move]
        if not move.pure:
            rest.append(move.freed())
        if search(initial, rest, limit.part(_STATES, _SECONDS)).legal is False:
            kept = rest
        if limit.clock() >= limit.deadline_s:
            break
    left = [each for each in kept if each.ret != FOREVER]
    return sorted(left, key=lambda each: each.call)


def _cut(move: Move, end: int) -> Move:
    """What had not been answered by `end` constrains nothing from then on."""
    return move if move.ret <= end else replace(move, ret=FOREVER)
