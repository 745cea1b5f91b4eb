"""Linearizability by trying every order: the slow truth for histories of a handful of operations.

A register of unique values. Writes that are unknown or only accepted may take effect at any time
after their call, or never. Reads of what was never sent, was rejected, or was sent only later are
no part of the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from statedrill.vocabulary import Outcome
from tests.check.reference_checker import NEVER, Brute


@dataclass(frozen=True)
class _Step:
    """A write of a value, a read of one (None: the initial), or proof that one was written."""

    call: float
    ret: float
    role: str
    value: int | None
    optional: bool = False


def linearizable(brute: Brute) -> bool:
    """Whether some order of the operations, true to real time, explains every valid read."""
    steps = _steps(brute)

    @cache
    def possible(done: frozenset[int], state: int | None) -> bool:
        left = [number for number in range(len(steps)) if number not in done]
        must = [number for number in left if not steps[number].optional]
        return not must or any(
            possible(done | {number}, steps[number].value if writes else state)
            for number in left
            if not any(steps[other].ret < steps[number].call for other in must if other != number)
            and ((writes := steps[number].role == "write") or explained(steps[number], done, state))
        )

    def explained(step: _Step, done: frozenset[int], state: int | None) -> bool:
        if step.role == "read":
            return step.value == state
        return any(steps[each].role == "write" and steps[each].value == step.value for each in done)

    return possible(frozenset(), None)


def _steps(brute: Brute) -> list[_Step]:
    found = []
    for i in brute.n:
        row = brute.rows[i]
        call, ret, target = row["call"], row["ret"], brute.by_wid.get(row["read_wid"])
        if i in brute.effective:
            optional = row["outcome"] != Outcome.OK or brute.odd_answer(i)
            found.append(_Step(call, NEVER if optional else ret, "write", row["wid"], optional))
        elif i in brute.replays and target in brute.effective:
            found.append(_Step(call, ret, "proof", row["read_wid"]))
        elif i in brute.valid and brute.value(i) is not None:
            shown = None if brute.value(i) == brute.INIT else row["read_wid"]
            found.append(_Step(call, ret, "read", shown))
    return found


def versions_fit(brute: Brute) -> bool:
    """Whether some order, true to real time, lets the versions rise as writes do.

    Each write adds one or more (others may have been applied unseen); a read shows the latest.
    """
    shown = {i: brute.shown(i) for i in brute.n}
    rows = [i for i in brute.n if shown[i] is not None]

    @cache
    def possible(done: frozenset[int], reached: int) -> bool:
        left = [i for i in rows if i not in done]
        if not left:
            return True
        for i in left:
            ends = (brute.end(j) if j in brute.effective else brute.rows[j]["ret"] for j in left)
            if min(ends) < brute.rows[i]["call"]:
                continue
            key = 2 * (shown[i] or 0) + (i not in brute.effective)
            if key >= reached and possible(done | {i}, key):
                return True
        return False

    return possible(frozenset(), -1)
