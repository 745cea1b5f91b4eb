"""The search for one legal order: the same answer as trying every order, within its budget."""

from __future__ import annotations

import random

import pytest

from statedrill.check.search.models import moves
from statedrill.check.search.wing_gong import Budget, search
from tests.check.search.foreign_histories import (
    ACTIONS,
    MODELS,
    ROUNDS,
    history,
    judged,
    legal_by_trying_all,
    operation,
    random_history,
)


@pytest.mark.parametrize("kind", ACTIONS)
def test_the_search_answers_what_trying_every_order_answers(kind: str) -> None:
    chance, model = random.Random(f"search {kind}"), MODELS.get(kind, kind)
    legal = 0
    for number in range(ROUNDS):
        operations = random_history(chance, kind)
        wanted = legal_by_trying_all(model, operations)
        initial, every = moves(model, operations)
        found = search(initial, every, Budget(1.0, lambda: 0.0))
        assert found.legal is wanted, f"round {number}: {operations}"
        legal += wanted
    print(f"{kind}: {ROUNDS} histories, {legal} of them legal, no mismatch")
    assert ROUNDS // 10 < legal < ROUNDS, "both kinds must occur for the test to mean anything"


def test_a_long_history_of_few_clients_takes_few_states() -> None:
    operations, state = [], 0
    for number in range(5_000):
        if number % 2:
            operations.append(operation("read", None, 3 * number, 3 * number + 4, state))
        else:
            state = number % 5
            operations.append(operation("write", state, 3 * number, 3 * number + 4))
    answer = judged(history("register", *operations))
    assert answer["outcome"] == "held"
    assert answer["states"] < 20_000
