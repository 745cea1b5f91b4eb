"""Small histories of other tools, at random too, and an oracle that tries every order."""

from __future__ import annotations

import itertools
import os
import random
import time
from collections.abc import Iterator, Sequence
from typing import Any

from statedrill.check.search.judge import ForeignVerdict, judge_foreign
from statedrill.history.formats import ForeignHistory, ForeignOperation
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome

ROUNDS = 60_000 if os.environ.get("STATEDRILL_PROVE") else 1_000


def operation(  # noqa: PLR0917
    action: str,
    value: Any,
    call: int,
    ret: int,
    result: Any = None,
    outcome: Outcome = Outcome.OK,
    key: Any = None,
) -> ForeignOperation:
    ends = FOREVER if outcome is Outcome.UNKNOWN else ret
    return ForeignOperation("1", action, key, value, result, call, ends, outcome, f"line {call}")


def history(model: str, *operations: ForeignOperation) -> ForeignHistory:
    ordered = tuple(sorted(operations, key=lambda each: each.call))
    return ForeignHistory(model, ordered, "here", "test")


def judged(history: ForeignHistory) -> ForeignVerdict:
    """The verdict, with more time than any test needs."""
    return judge_foreign(history, 60.0, time.monotonic)


def legal_by_trying_all(model: str, operations: Sequence[ForeignOperation]) -> bool:
    """Every choice of which unknown operations happened, in every order that keeps real time.

    Written from the definitions alone: it shares nothing with the search.
    """
    needed = [each for each in operations if each.outcome is Outcome.OK]
    maybe = [each for each in operations if each.outcome is Outcome.UNKNOWN]
    return any(
        _explained(model, order)
        for count in range(len(maybe) + 1)
        for chosen in itertools.combinations(maybe, count)
        for order in _orders([*needed, *chosen])
    )


def _orders(left: list[ForeignOperation]) -> Iterator[list[ForeignOperation]]:
    if not left:
        yield []
    for number, each in enumerate(left):
        rest = left[:number] + left[number + 1 :]
        if all(other.ret >= each.call for other in rest):
            for order in _orders(rest):
                yield [each, *order]


def _explained(model: str, order: list[ForeignOperation]) -> bool:
    state: Any = {"kv": "", "set": (), "append-log": ()}.get(model)
    for each in order:
        if each.action in ("read", "get"):
            same = sorted(each.result) == sorted(state) if model == "set" else each.result == state
            if not same:
                return False
        elif each.action == "cas" and each.value[0] != state:
            return False
        else:
            state = _after(model, state, each.action, each.value)
    return True


def random_history(chance: random.Random, model: str) -> list[ForeignOperation]:
    """Up to seven operations with ties, unknown and failed ones, half of them nearly legal."""
    count = chance.randint(1, 7)
    span = chance.choice([4, 8, 16])
    state: Any = {"kv": "", "set": (), "append-log": ()}.get(MODELS.get(model, model))
    found = []
    for number in range(count):
        call = chance.randint(0, span)
        ret = call + chance.randint(0, span // 2)
        action = chance.choice(ACTIONS[model])
        outcome = chance.choices([Outcome.OK, Outcome.UNKNOWN, Outcome.FAILED], [8, 2, 1])[0]
        value = _value(chance, action, number)
        if action in ("read", "get"):
            outcome = Outcome.OK
            found.append(operation(action, None, call, ret, _shown(chance, model, state, found)))
            continue
        found.append(operation(action, value, call, ret, None, outcome))
        if outcome is Outcome.OK or chance.random() < 0.5:
            state = _after(model, state, action, value)
    return found


ACTIONS = {
    "register": ["read", "write"],
    "cas-register": ["read", "write", "cas"],
    "kv": ["get", "append", "put"],
    "kv-of-appends": ["get", "append"],
    "set": ["read", "add", "add", "remove", "clear"],
    "set-of-adds": ["read", "add"],
    "append-log": ["read", "append"],
}
MODELS = {"kv-of-appends": "kv", "set-of-adds": "set"}


def _value(chance: random.Random, action: str, number: int) -> Any:
    if action == "write":
        return chance.randint(1, 3)
    if action == "cas":
        return (chance.randint(1, 3), chance.randint(1, 3))
    if action in ("append", "put"):
        return "abcdefg"[number if chance.random() < 0.9 else 0]
    return number if chance.random() < 0.8 else 0


def _after(model: str, state: Any, action: str, value: Any) -> Any:
    if action == "cas":
        return value[1] if state == value[0] else state
    if action in ("write", "put"):
        return value
    if action == "append":
        return state + (value if model.startswith("kv") else (value,))
    if action == "add":
        return (*state, value) if value not in state else state
    if action == "remove":
        return tuple(each for each in state if each != value)
    return ()


def _shown(chance: random.Random, model: str, state: Any, found: list[ForeignOperation]) -> Any:
    if chance.random() < 0.7 or not found:
        return state
    if model.startswith("set") or model == "append-log":
        everything = [each.value for each in found if each.action in ("add", "append")]
        return tuple(everything[: chance.randint(0, len(everything))])
    if model.startswith("kv"):
        return state[: chance.randint(0, 3)]
    return chance.choice([None, 1, 2, 3])
