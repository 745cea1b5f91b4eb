"""A witness is small, and is itself without a legal order."""

from __future__ import annotations

import random

import pytest

from statedrill.history.formats import ForeignOperation
from statedrill.history.operation import FOREVER
from statedrill.vocabulary import Outcome
from tests.check.search.foreign_histories import (
    ROUNDS,
    history,
    judged,
    legal_by_trying_all,
    operation,
    random_history,
)


@pytest.mark.parametrize("kind", ["register", "cas-register", "kv", "set"])
def test_a_witness_is_itself_without_a_legal_order(kind: str) -> None:
    chance = random.Random(f"witness {kind}")
    seen = 0
    for _ in range(ROUNDS // 2):
        operations = random_history(chance, kind)
        answer = judged(history(kind, *operations))
        if answer["outcome"] != "broken":
            continue
        seen += 1
        named = {each["where"] for each in answer["witness_operations"]}
        lines = [each.where for each in operations]
        if len(set(lines)) < len(lines):
            continue  # two operations of one call stamp cannot be told apart here
        # What the witness does not name may happen at any time or never; what began after its
        # last answer cannot have mattered.
        last = max(each["ret"] for each in answer["witness_operations"])
        freed = [
            each if each.where in named else _freed(each)
            for each in operations
            if each.where in named or (each.action not in ("read", "get") and each.call <= last)
        ]
        assert not legal_by_trying_all(kind, freed), answer["witness"]
    assert seen > ROUNDS // 50


def _freed(each: ForeignOperation) -> ForeignOperation:
    if each.outcome is not Outcome.OK:
        return each
    return operation(each.action, each.value, -1, FOREVER, None, Outcome.UNKNOWN)


def test_a_witness_is_found_at_the_end_of_a_long_history() -> None:
    operations = []
    for number in range(1, 3_000):
        operations.append(operation("write", number, 4 * number, 4 * number + 1))
        operations.append(operation("read", None, 4 * number + 2, 4 * number + 3, number))
    stale = operation("read", None, 20_000, 20_001, 1_500)
    answer = judged(history("register", *operations, stale))
    assert answer["outcome"] == "broken"
    assert len(answer["witness_operations"]) <= 3
    assert answer["witness_operations"][-1]["result"] == 1_500
