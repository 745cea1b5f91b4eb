"""Judges histories of other tools: an independent, budgeted search for one legal order.

Logs and sets of unique elements, and etcd's revisions, are decided exactly without searching;
everything else object by object with the search of `search_order`. When the budget is out the
answer is `unknown`, never a guess. Shares no code with the vectorised checks, so that it can be
their oracle.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any

from statedrill.check.search.etcd import judge_etcd
from statedrill.check.search.minimise import shrink
from statedrill.check.search.models import Move, moves
from statedrill.check.search.unique_writes import Contradiction, NotUnique, check_unique
from statedrill.check.search.wing_gong import Budget, search
from statedrill.history.formats import ForeignHistory, ForeignOperation
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, Outcome

STATES_PER_S = 20_000  # what a slow processor visits of a history with some ten open writes
MOST_WITNESSES = 20  # operations that a contradiction names; nearly all need two to eight
_SHOWS = ("read", "get", "cas")


@dataclass(frozen=True)
class _Ruling:
    outcome: str
    why: str
    found: Contradiction | None = None
    keys: int = 1
    states: int = 0


def judge_foreign(
    history: ForeignHistory,
    budget_s: float = 60.0,
    clock: Callable[[], float] | None = None,
) -> dict[str, Any]:
    """Whether a history is linearizable: `outcome` is held, broken or unknown.

    Also in the answer: `why` (sentences), `model`, `format`, `source`, `operations` and
    `unknown_operations` (counts), `keys`, `states` (configurations visited), `witness` (one
    sentence or None) and `witness_operations` (what, who, call, ret, outcome, where). All
    of it can be said in JSON. A key that is broken is the answer, whatever the others are.

    The budget is for all keys together. It is counted in configurations, STATES_PER_S for each
    second, so that the same history gets the same verdict on every machine; with a `clock`
    (such as `time.monotonic`) the seconds themselves are a limit too.
    """
    budget = Budget(int(budget_s * STATES_PER_S))
    if clock is not None:
        budget = Budget(budget.states, clock() + budget_s, clock)
    if history.model == "etcd":
        return _answer(history, _etcd(history))
    keys: dict[Hashable, list[ForeignOperation]] = defaultdict(list)
    for each in history.operations:
        keys[each.key].append(each)
    undecided: list[Hashable] = []
    for key, operations in keys.items():
        found = _judge_key(history.model, operations, budget)
        if isinstance(found, Contradiction):
            said = f"{_named(key)}{found.sentence}"
            named = Contradiction(said, found.operations)
            return _answer(history, _Ruling(BROKEN, said, named, len(keys), budget.used))
        if not found:
            undecided.append(key)
    outcome, why = _without_contradiction(history, len(keys), undecided)
    return _answer(history, _Ruling(outcome, why, None, len(keys), budget.used))


def _judge_key(
    model: str, operations: Sequence[ForeignOperation], budget: Budget
) -> Contradiction | bool:
    """A contradiction; True where an order was found; False where the budget was out."""
    if model in ("append-log", "set", "kv"):
        try:
            return check_unique(model, operations) or True
        except NotUnique:
            pass
    initial, all_moves = moves(model, operations)
    found = search(initial, all_moves, budget)
    if found.legal is None:
        return False
    if found.legal or found.stuck is None:
        return True
    left = shrink(initial, all_moves, found.stuck)
    shown = tuple(each.operation for each in left[-MOST_WITNESSES:])
    return Contradiction(_no_order(left, found.stuck), shown)


def _no_order(left: Sequence[Move], stuck: Move) -> str:
    if len(left) == 1:
        return "no order of the operations explains what this one shows"
    last = "" if len(left) <= MOST_WITNESSES else f" (the last {MOST_WITNESSES} are shown)"
    return (
        f"no order of all operations explains these {len(left)}{last}; the search went no "
        f"further than {stuck.operation.where}"
    )


def _without_contradiction(
    history: ForeignHistory, keys: int, undecided: Sequence[Hashable]
) -> tuple[str, str]:
    if undecided:
        first = f", the first of them {undecided[0]!r}" if keys > 1 else ""
        return UNKNOWN, f"the budget was out for {len(undecided)} of {keys} objects{first}"
    shows = sum(each.action in _SHOWS and each.outcome is Outcome.OK for each in history.operations)
    if not shows:
        return UNKNOWN, "nothing was read, so nothing was tested"
    return HELD, f"one legal order explains all {shows} operations that show state"


def _etcd(history: ForeignHistory) -> _Ruling:
    found = judge_etcd(history)
    if found.contradiction:
        return _Ruling(BROKEN, found.contradiction.sentence, found.contradiction)
    if not history.operations:
        why = "the watches agree, but no operation is on record"
    elif found.undecided:
        gap = "depend on revisions that are not on record"
        why = f"nothing contradicts, but {found.undecided} answers {gap}"
    else:
        why = "every answer fits the store at its revision, real time, and every watch"
        return _Ruling(HELD, why)
    return _Ruling(UNKNOWN, why)


def _answer(history: ForeignHistory, ruling: _Ruling) -> dict[str, Any]:
    witness = ruling.found.operations if ruling.found else ()
    sentence = None
    if ruling.found:
        said = "; ".join(each.sentence() for each in witness)
        sentence = f"{ruling.found.sentence}: {said}"
    return {
        "outcome": ruling.outcome,
        "why": [ruling.why],
        "model": history.model,
        "format": history.format,
        "source": history.source,
        "operations": len(history.operations),
        "unknown_operations": sum(each.outcome is Outcome.UNKNOWN for each in history.operations),
        "keys": ruling.keys,
        "states": ruling.states,
        "witness": sentence,
        "witness_operations": [_shown(each) for each in witness],
    }


def _shown(operation: ForeignOperation) -> dict[str, Any]:
    open_ended = operation.outcome is Outcome.UNKNOWN
    return {
        "what": operation.action,
        "who": operation.process,
        "object": _plain(operation.key),
        "value": _plain(operation.value),
        "result": _plain(operation.result),
        "call": operation.call,
        "ret": None if open_ended else operation.ret,
        "outcome": operation.outcome.name.lower(),
        "where": operation.where,
    }


def _plain(value: Any) -> Any:
    """The value as JSON can say it: what JSON does not know becomes its text."""
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value if isinstance(value, str | int | float | None) else str(value)


def _named(key: Hashable) -> str:
    return "" if key is None else f"object {key!r}: "
