"""The search for one legal order: the same answer as trying every order, and a true witness."""

from __future__ import annotations

import itertools
import os
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from statedrill.check.search.judge import judge_foreign
from statedrill.check.search.models import moves
from statedrill.check.search.unique_writes import NotUnique, check_unique
from statedrill.check.search.wing_gong import Budget, search
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


def outcome_of(model: str, *operations: ForeignOperation) -> str:
    return str(judge_foreign(history(model, *operations))["outcome"])


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


@pytest.mark.parametrize("kind", ACTIONS)
def test_the_search_answers_what_trying_every_order_answers(kind: str) -> None:
    chance, model = random.Random(f"search {kind}"), MODELS.get(kind, kind)
    legal = 0
    for number in range(ROUNDS):
        operations = random_history(chance, kind)
        wanted = legal_by_trying_all(model, operations)
        initial, every = moves(model, operations)
        found = search(initial, every, Budget(10**6))
        assert found.legal is wanted, f"round {number}: {operations}"
        legal += wanted
    print(f"{kind}: {ROUNDS} histories, {legal} of them legal, no mismatch")
    assert ROUNDS // 10 < legal < ROUNDS, "both kinds must occur for the test to mean anything"


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


@pytest.mark.parametrize("kind", ["register", "cas-register", "kv", "set"])
def test_a_witness_is_itself_without_a_legal_order(kind: str) -> None:
    chance = random.Random(f"witness {kind}")
    seen = 0
    for _ in range(ROUNDS // 2):
        operations = random_history(chance, kind)
        answer = judge_foreign(history(kind, *operations))
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


def test_a_stale_read_is_broken_and_its_witness_is_three_operations() -> None:
    answer = judge_foreign(
        history(
            "register",
            operation("write", 1, 1, 2),
            operation("write", 2, 3, 4),
            operation("write", 3, 5, 6),
            operation("read", None, 7, 8, 3),
            operation("read", None, 9, 10, 2),
        )
    )
    assert answer["outcome"] == "broken"
    assert [each["result"] for each in answer["witness_operations"]] == [None, 3, 2]
    assert "write 2" in answer["witness"]
    assert "gave 2" in answer["witness"]


def test_an_unknown_write_may_land_late_once_or_never() -> None:
    late = operation("write", 1, 1, 2, outcome=Outcome.UNKNOWN)
    other = operation("write", 2, 3, 4)
    two, one = operation("read", None, 5, 6, 2), operation("read", None, 7, 8, 1)
    again = operation("read", None, 9, 10, 2)
    assert outcome_of("register", late, other, two) == "held"
    assert outcome_of("register", late, other, two, one) == "held"
    assert outcome_of("register", late, other, two, one, again) == "broken"


def test_equal_stamps_are_concurrent_and_a_stamp_later_is_not() -> None:
    write = operation("write", 1, 1, 5)
    assert outcome_of("register", write, operation("read", None, 5, 6, None)) == "held"
    assert outcome_of("register", write, operation("read", None, 6, 7, None)) == "broken"


def test_a_failed_write_that_is_read_is_broken() -> None:
    rejected = operation("write", 1, 1, 2, outcome=Outcome.FAILED)
    assert outcome_of("register", rejected, operation("read", None, 3, 4, 1)) == "broken"


def test_objects_are_judged_one_by_one_and_the_broken_one_is_named() -> None:
    fine = operation("write", 1, 1, 2, key="a"), operation("read", None, 3, 4, 1, key="a")
    odd = operation("write", 1, 5, 6, key="b"), operation("read", None, 7, 8, 9, key="b")
    answer = judge_foreign(history("register", *fine, *odd))
    assert (answer["outcome"], answer["keys"]) == ("broken", 2)
    assert "object 'b'" in answer["why"][0]


def test_nothing_read_is_unknown_and_so_is_nothing_at_all() -> None:
    assert outcome_of("register") == "unknown"
    assert outcome_of("register", operation("write", 1, 1, 2)) == "unknown"


def hard_history() -> ForeignHistory:
    """Many concurrent writes and one impossible read: every subset has to be looked at."""
    writes = [operation("write", number, 1, 1000) for number in range(18)]
    reads = [operation("read", None, 2 + number, 900, number) for number in range(18)]
    return history("cas-register", *writes, *reads, operation("read", None, 3, 901, 99))


def test_a_search_out_of_states_is_unknown() -> None:
    answer = judge_foreign(hard_history(), budget_s=0.1)
    assert answer["outcome"] == "unknown"
    assert "budget was out for 1 of 1" in answer["why"][0]


def test_a_search_out_of_time_is_unknown() -> None:
    ticks = itertools.count()
    answer = judge_foreign(hard_history(), budget_s=3, clock=lambda: float(next(ticks)))
    assert answer["outcome"] == "unknown"


def test_a_long_history_of_few_clients_takes_few_states() -> None:
    operations, state = [], 0
    for number in range(5_000):
        if number % 2:
            operations.append(operation("read", None, 3 * number, 3 * number + 4, state))
        else:
            state = number % 5
            operations.append(operation("write", state, 3 * number, 3 * number + 4))
    answer = judge_foreign(history("register", *operations))
    assert answer["outcome"] == "held"
    assert answer["states"] < 20_000


def test_a_lost_acknowledged_append_is_shown_with_the_read_that_lacks_it() -> None:
    answer = judge_foreign(
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
    answer = judge_foreign(history("append-log", *appends, *shown))
    assert answer["outcome"] == "broken"
    assert said in answer["why"][0]


def test_a_witness_is_found_at_the_end_of_a_long_history() -> None:
    operations = []
    for number in range(1, 3_000):
        operations.append(operation("write", number, 4 * number, 4 * number + 1))
        operations.append(operation("read", None, 4 * number + 2, 4 * number + 3, number))
    stale = operation("read", None, 20_000, 20_001, 1_500)
    answer = judge_foreign(history("register", *operations, stale))
    assert answer["outcome"] == "broken"
    assert len(answer["witness_operations"]) <= 3
    assert answer["witness_operations"][-1]["result"] == 1_500
