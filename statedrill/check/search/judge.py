"""Judges histories of other tools: an independent, budgeted search for one legal order.

Logs and sets of unique elements, and etcd's revisions, are decided exactly, without a search;
everything else object by object with the search of `wing_gong` (docs/definitions.md#foreign).
When the budget is used up the answer is `unknown`, never a guess. Shares no code with the
vectorised checks, so that it can be their oracle.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass
from typing import Any, TypedDict

from statedrill.check.search.etcd import judge_etcd
from statedrill.check.search.minimise import shrink
from statedrill.check.search.models import Move, moves
from statedrill.check.search.unique_writes import Contradiction, NotUnique, check_unique
from statedrill.check.search.wing_gong import MOST_REMEMBERED, Budget, search
from statedrill.history.formats import ForeignHistory, ForeignOperation
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, Outcome, VerdictOutcome

MOST_WITNESSES = 20  # operations that a contradiction names; nearly all need two to eight
_READING = ("read", "get", "cas")


class WitnessOperation(TypedDict):
    """One operation of a contradiction; `ret` is None where the outcome is unknown."""

    what: str
    who: str
    object: Any
    value: Any
    result: Any
    call: int
    ret: int | None
    outcome: str
    where: str


class ForeignVerdict(TypedDict):
    """Whether a history is linearizable; all of it can be written as JSON.

    `outcome` is held, broken or unknown; `why` are sentences; `operations`, `unknown_operations`
    and `keys` are counts, `states` the configurations that the search visited.
    """

    outcome: VerdictOutcome
    why: list[str]
    model: str
    format: str
    source: str
    operations: int
    unknown_operations: int
    keys: int
    states: int
    witness: str | None
    witness_operations: list[WitnessOperation]


@dataclass(frozen=True)
class _Decision:
    outcome: VerdictOutcome
    why: str
    contradiction: Contradiction | None = None
    keys: int = 1
    states: int = 0


def judge_foreign(
    history: ForeignHistory,
    budget_s: float,
    clock: Callable[[], float],
    begun_s: float | None = None,
    most_remembered: int = MOST_REMEMBERED,
) -> ForeignVerdict:
    """Whether `history` is linearizable. A key that is broken is the answer, whatever others are.

    The budget is time on `clock` from `begun_s` (default: now) on, for all keys together.
    `most_remembered` bounds the memory of the search (see `Budget`).
    """
    if history.model == "etcd":
        return _verdict(history, _etcd(history))
    begun_s = clock() if begun_s is None else begun_s
    budget = Budget(begun_s + budget_s, clock, most_remembered=most_remembered)
    keys: dict[Hashable, list[ForeignOperation]] = defaultdict(list)
    for each in history.operations:
        keys[each.key].append(each)
    undecided: list[Hashable] = []
    for key, operations in keys.items():
        found = _judge_key(history.model, operations, budget)
        if isinstance(found, Contradiction):
            sentence = f"{_named(key)}{found.sentence}"
            named = Contradiction(sentence, found.operations)
            return _verdict(history, _Decision(BROKEN, sentence, named, len(keys), budget.used))
        if not found:
            undecided.append(key)
    if undecided:
        why = _out_of_budget(budget_s, budget, undecided, len(keys))
        return _verdict(history, _Decision(UNKNOWN, why, None, len(keys), budget.used))
    outcome, why = _without_contradiction(history)
    return _verdict(history, _Decision(outcome, why, None, len(keys), budget.used))


def _judge_key(
    model: str, operations: Sequence[ForeignOperation], budget: Budget
) -> Contradiction | bool:
    """A contradiction; True where an order was found; False where the budget was used up."""
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
    left = shrink(initial, all_moves, found.stuck, budget)
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


def _out_of_budget(
    budget_s: float, budget: Budget, undecided: Sequence[Hashable], keys: int
) -> str:
    first = f", the first of them {undecided[0]!r}" if keys > 1 else ""
    memory = ""
    if budget.memory_used_up:
        memory = (
            f"; before that the search had used up its memory of {budget.most_remembered:,} "
            "configurations and visited some more than once"
        )
    return (
        f"the budget of {budget_s:g} s was out for {len(undecided)} of {keys} objects"
        f"{first}{memory}"
    )


def _without_contradiction(history: ForeignHistory) -> tuple[VerdictOutcome, str]:
    shows = sum(
        each.action in _READING and each.outcome is Outcome.OK for each in history.operations
    )
    if not shows:
        return UNKNOWN, "nothing was read, so nothing was tested"
    return HELD, f"one legal order explains all {shows} operations that show state"


def _etcd(history: ForeignHistory) -> _Decision:
    found = judge_etcd(history)
    if found.contradiction:
        return _Decision(BROKEN, found.contradiction.sentence, found.contradiction)
    if not history.operations:
        return _Decision(UNKNOWN, "the watches agree, but no operation is on record")
    if found.undecided:
        gap = "depend on revisions that are not on record"
        return _Decision(UNKNOWN, f"nothing contradicts, but {found.undecided} answers {gap}")
    return _Decision(
        HELD, "every answer fits the store at its revision, real time, and every watch"
    )


def _verdict(history: ForeignHistory, decision: _Decision) -> ForeignVerdict:
    contradiction = decision.contradiction
    witness = contradiction.operations if contradiction else ()
    sentence = None
    if contradiction:
        operations = "; ".join(each.sentence() for each in witness)
        sentence = f"{contradiction.sentence}: {operations}"
    return {
        "outcome": decision.outcome,
        "why": [decision.why],
        "model": history.model,
        "format": history.format,
        "source": history.source,
        "operations": len(history.operations),
        "unknown_operations": sum(each.outcome is Outcome.UNKNOWN for each in history.operations),
        "keys": decision.keys,
        "states": decision.states,
        "witness": sentence,
        "witness_operations": [_witness_operation(each) for each in witness],
    }


def _witness_operation(operation: ForeignOperation) -> WitnessOperation:
    return {
        "what": operation.action,
        "who": operation.process,
        "object": _json_value(operation.key),
        "value": _json_value(operation.value),
        "result": _json_value(operation.result),
        "call": operation.call,
        "ret": None if operation.outcome is Outcome.UNKNOWN else operation.ret,
        "outcome": operation.outcome.name.lower(),
        "where": operation.where,
    }


def _json_value(value: Any) -> Any:
    """The value as JSON can write it: what JSON does not know becomes its text."""
    if isinstance(value, tuple):
        return [_json_value(each) for each in value]
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value if isinstance(value, str | int | float | None) else str(value)


def _named(key: Hashable) -> str:
    return "" if key is None else f"object {key!r}: "
