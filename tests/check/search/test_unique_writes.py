"""Logs and growing sets of unique elements are decided exactly, without a search."""

from __future__ import annotations

import random

import pytest

from statedrill.check.search.unique_writes import NotUnique, check_unique
from tests.check.search.foreign_histories import (
    MODELS,
    ROUNDS,
    history,
    judged,
    legal_by_trying_all,
    operation,
    random_history,
)


@pytest.mark.parametrize("kind", ["kv-of-appends", "set-of-adds", "append-log"])
def test_unique_elements_are_decided_without_a_search_and_alike(kind: str) -> None:
    chance, model = random.Random(f"unique {kind}"), MODELS.get(kind, kind)
    decided = {True: 0, False: 0}
    for number in range(2 * ROUNDS):
        operations = random_history(chance, kind)
        try:
            found = check_unique(model, operations)
        except NotUnique:
            continue
        wanted = legal_by_trying_all(model, operations)
        assert (found is None) is wanted, f"round {number}: {found} in {operations}"
        decided[wanted] += 1
    assert min(decided.values()) > ROUNDS // 20, decided


def test_a_lost_acknowledged_append_is_shown_with_the_read_that_lacks_it() -> None:
    answer = judged(
        history(
            "append-log",
            operation("append", 1, 1, 2),
            operation("append", 2, 3, 4),
            operation("read", None, 5, 6, (1,)),
        )
    )
    assert answer["outcome"] == "broken"
    assert [each["what"] for each in answer["witness_operations"]] == ["append", "read"]


@pytest.mark.parametrize(
    ("reads", "said"),
    [
        ([(1, 2), (2, 1)], "neither grew"),
        ([(1, 1)], "2 times"),
        ([(1, 9)], "no write wrote"),
    ],
)
def test_a_log_with_another_growth_is_broken(reads: list[tuple[int, ...]], said: str) -> None:
    appends = [operation("append", 1, 1, 10), operation("append", 2, 2, 11)]
    shown = [operation("read", None, 3 + at, 12, each) for at, each in enumerate(reads)]
    answer = judged(history("append-log", *appends, *shown))
    assert answer["outcome"] == "broken"
    assert said in answer["why"][0]
