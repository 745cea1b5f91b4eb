"""Makes a contradiction small: which operations alone already have no legal order.

Taking a move's constraints away never makes a legal history illegal, so what stays illegal is a
true witness. Knows moves only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from statedrill.check.search.models import ANY, Move, State
from statedrill.check.search.wing_gong import Budget, search
from statedrill.history.operation import FOREVER

_STATES = 20_000  # configurations for one attempt; a smaller witness is worth no more
_COST = 10  # of a configuration, compared with one more move to look at
_WORK = 1_000_000  # for all attempts together: a few seconds


def shrink(initial: State, moves: Sequence[Move], stuck: Move, budget: Budget) -> list[Move]:
    """The constrained moves of a smallest illegal part found, in the order of their calls.

    Ends when the time of `budget` is over, with what is small by then.

    Moves are freed (or, if pure, left out) wherever the rest stays illegal: many at once, then
    halves of what could not be freed together.
    """
    kept = [_cut(each, stuck.ret) for each in moves if each.call <= stuck.ret]
    kept = [each for each in kept if not (each.pure and each.ret == FOREVER)]
    open_chunks = [_constrained(kept)]
    work = 0
    while open_chunks and work < _WORK and budget.clock() < budget.deadline_s:
        chunk = open_chunks.pop()
        rest = _without(chunk, kept)
        attempt = Budget(budget.deadline_s, budget.clock, _STATES)
        legal = search(initial, rest, attempt).legal
        tried_each_time = sum(each.ret == FOREVER and each.gives is ANY for each in rest)
        work += len(kept) + attempt.used * (_COST + tried_each_time)
        if legal is False:
            kept = rest
        elif len(chunk) > 1:
            half = len(chunk) // 2
            open_chunks += [chunk[half:], chunk[:half]]
    return _constrained(kept)


def _constrained(moves: Sequence[Move]) -> list[Move]:
    return sorted((each for each in moves if each.ret != FOREVER), key=lambda each: each.call)


def _without(chunk: Sequence[Move], moves: Sequence[Move]) -> list[Move]:
    """All moves with those of `chunk` freed, or left out where they change nothing."""
    chosen = set(map(id, chunk))
    kept = [each for each in moves if id(each) not in chosen]
    return kept + [each.freed() for each in chunk if not each.pure]


def _cut(move: Move, end: int) -> Move:
    """What had not been answered by `end` constrains nothing from then on."""
    return move if move.ret <= end else replace(move, ret=FOREVER)
