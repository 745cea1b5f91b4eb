"""The search for one order of one object's operations: Wing and Gong's, with Lowe's
just-in-time linearization and memory ("Testing for linearizability", 2017), within a budget.

An operation is put in order only when some answer demands it. A configuration is (position in
the history, operations in order but not yet answered, state); each is visited once. Knows moves
only; knows no model.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import chain, takewhile

from statedrill.check.search.models import ANY, REFUSED, Move, State
from statedrill.history.operation import FOREVER

_CLOCK_EVERY = 256  # configurations between two looks at the clock: some 20 ms
MOST_REMEMBERED = 4_000_000  # configurations of 250 to 800 bytes: 1 to 3 GiB


@dataclass
class Budget:
    """What searches may use together: time until `clock` says `deadline_s`, and memory.

    `states` bounds the configurations that are visited, `most_remembered` those that are kept to
    avoid visiting them again; a search that may keep no more goes on without keeping.
    """

    deadline_s: float
    clock: Callable[[], float]
    states: float = math.inf
    most_remembered: int = MOST_REMEMBERED
    used: int = 0
    remembered: int = 0
    out: bool = False

    def spend(self) -> bool:
        """Take one configuration; False when time or states are used up."""
        self.used += 1
        if self.used % _CLOCK_EVERY == 1:
            self.out = self.clock() >= self.deadline_s
        return not self.out and self.used <= self.states

    def remember(self) -> bool:
        """Take memory for one configuration; False when there is no more."""
        if self.memory_used_up:
            return False
        self.remembered += 1
        return True

    @property
    def memory_used_up(self) -> bool:
        """Whether no more configurations may be kept."""
        return self.remembered >= self.most_remembered


@dataclass(frozen=True)
class SearchResult:
    """Whether there is a legal order.

    `legal` is None when the budget was used up. `stuck` is the answer that no order reached: the
    history up to its `ret` has no legal order (only where `legal` is False).
    """

    legal: bool | None
    stuck: Move | None = None


def search(initial: State, moves: Sequence[Move], budget: Budget) -> SearchResult:
    """Whether some order of `moves` explains all that they showed.

    The order keeps real time: a before b where ret(a) < call(b), strictly (equal stamps are
    concurrent).
    """
    return _Searcher(initial, moves, budget).run()


@dataclass(slots=True)
class _Stop:
    """An answer that the search has to explain, with what may be put in order before it."""

    bit: int
    move: Move
    pure: list[tuple[int, Move]] = field(default_factory=list)
    changing: list[tuple[int, Move]] = field(default_factory=list)
    free: int = 0  # of the free moves, in the order of their call, how many have been called


class _Searcher:
    def __init__(self, initial: State, moves: Sequence[Move], budget: Budget) -> None:
        self.initial, self.budget = initial, budget
        self.free = sorted((each for each in moves if each.ret == FOREVER), key=lambda m: m.call)
        self.stops = _stops([each for each in moves if each.ret != FOREVER], self.free)
        self.useful = _Useful(self.free)
        self.visited: dict[tuple[int, int, State], list[int]] = {}

    def run(self) -> SearchResult:
        furthest = 0
        stack: list[tuple[int, int, int, State]] = [(0, 0, 0, self.initial)]
        while stack:
            position, done, used, state = stack.pop()
            position, done = self._advance(position, done, state)
            if position == len(self.stops):
                return SearchResult(True)
            furthest = max(furthest, position)
            if self._known(position, done, used, state):
                continue
            if not self.budget.spend():
                return SearchResult(None)
            stack.extend(self._next(position, done, used, state))
        return SearchResult(False, self.stops[furthest].move)

    def _advance(self, position: int, done: int, state: State) -> tuple[int, int]:
        """Go on to the next answer that is not explained.

        Putting a pure move in order as soon as the state explains it never costs anything.
        """
        while position < len(self.stops):
            stop = self.stops[position]
            if not done & stop.bit:
                for bit, move in stop.pure:
                    if not done & bit and move.apply(state) is not REFUSED:
                        done |= bit
                if not done & stop.bit:
                    break
            done &= ~stop.bit
            position += 1
        return position, done

    def _known(self, position: int, done: int, used: int, state: State) -> bool:
        """Whether this was tried before with no more free moves used up than now."""
        tried = self.visited.get((position, done, state), [])
        if any(before & ~used == 0 for before in tried):
            return True
        if self.budget.remember():
            rest = [before for before in tried if used & ~before]
            self.visited[position, done, state] = [*rest, used]
        return False

    def _next(
        self, position: int, done: int, used: int, state: State
    ) -> list[tuple[int, int, int, State]]:
        """The configurations one change further, the most promising one last."""
        stop = self.stops[position]
        later = [
            (position, done, used | 1 << number, changed)
            for number, changed in self._free_changes(stop, done, used, state)
        ]
        for bit, move in stop.changing:
            if not done & bit:
                changed = move.apply(state)
                if changed is not REFUSED:
                    later.append((position, done | bit, used, changed))
        if stop.move.pure:
            later.sort(key=lambda each: stop.move.apply(each[3]) is not REFUSED)
        return later

    def _free_changes(
        self, stop: _Stop, done: int, used: int, state: State
    ) -> list[tuple[int, State]]:
        """Of free moves that do the same only the first unused one is tried."""
        changes: list[tuple[int, State]] = []
        twins = set()
        for number in self.useful.before(stop, done):
            move = self.free[number]
            if used >> number & 1 or move.twin in twins:
                continue
            twins.add(move.twin)
            changed = move.apply(state)
            if changed is not REFUSED and changed != state:
                changes.append((number, changed))
        return changes


class _Useful:
    """Which free moves may be worth their place.

    Where a state is one value, a free move counts only if the very next move needs what it gives
    (else leaving it out, or putting it later, explains as much). So only those are tried that
    give what an open move needs, or what another free move needs to give that.
    """

    def __init__(self, free: Sequence[Move]) -> None:
        self._by_value: dict[State, list[int]] | None = {}
        self._chains = {(each.needs, each.gives) for each in free if each.needs is not ANY}
        for number, move in enumerate(free):
            if move.gives is ANY:
                self._by_value = None
                return
            self._by_value.setdefault(move.gives, []).append(number)

    def before(self, stop: _Stop, done: int) -> Iterable[int]:
        """The numbers of the useful free moves that have been called by `stop`, in order."""
        if self._by_value is None:
            return range(stop.free)
        wanted = {
            move.needs
            for bit, move in chain(stop.pure, stop.changing)
            if not done & bit and move.needs is not ANY
        }
        grown = 0
        while grown != len(wanted):
            grown = len(wanted)
            wanted |= {needs for needs, gives in self._chains if gives in wanted}
        return [
            number
            for value in wanted
            for number in takewhile(
                lambda number: number < stop.free, self._by_value.get(value, ())
            )
        ]


def _stops(required: list[Move], free: list[Move]) -> list[_Stop]:
    """Every answer in the order of time, with all that was called and not answered before it."""
    events = sorted(
        [(move.call, 0, number) for number, move in enumerate(required)]
        + [(move.ret, 1, number) for number, move in enumerate(required)]
    )
    stops: list[_Stop] = []
    slots: dict[int, int] = {}
    called = 0
    for time, is_answer, number in events:
        if not is_answer:
            slots[number] = _lowest_unused(slots)
            continue
        while called < len(free) and free[called].call <= time:
            called += 1
        stop = _Stop(1 << slots[number], required[number], free=called)
        for each, slot in slots.items():
            move = required[each]
            (stop.pure if move.pure else stop.changing).append((1 << slot, move))
        # The answered one first among those that the search tries (it takes the last first).
        stop.changing.sort(key=lambda each: each[1] is stop.move)
        stops.append(stop)
        del slots[number]
    return stops


def _lowest_unused(slots: dict[int, int]) -> int:
    taken = set(slots.values())
    return next(slot for slot in range(len(taken) + 1) if slot not in taken)
