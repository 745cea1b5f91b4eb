"""Linearizability by trying every order: the slow truth for histories of a handful of operations.

A register of unique values. Writes that are unknown or only accepted may take effect at any time
after their call, or never. Reads of what was never sent, was rejected, or was sent only later are
no part of the question.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from statedrill.vocabulary import Outcome
from tests.check.reference_checker import NEVER, ReferenceChecker


@dataclass(frozen=True)
class _Step:
    """A write of a value, a read of one (None: the initial), or proof that one was written."""

    call: float
    ret: float
    role: str
    value: int | None
    optional: bool = False


def linearizable(reference: ReferenceChecker) -> bool:
    """Whether some order of the operations, true to real time, explains every valid read."""
    steps = _steps(reference)

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


def _steps(reference: ReferenceChecker) -> list[_Step]:
    found = []
    for i in reference.n:
        row = reference.rows[i]
        call, ret, target = row["call"], row["ret"], reference.by_wid.get(row["read_wid"])
        if i in reference.effective:
            optional = row["outcome"] != Outcome.OK or reference.odd_answer(i)
            found.append(_Step(call, NEVER if optional else ret, "write", row["wid"], optional))
        elif i in reference.replays and target in reference.effective:
            found.append(_Step(call, ret, "proof", row["read_wid"]))
        elif i in reference.valid and reference.value(i) is not None:
            shown = None if reference.value(i) == reference.INIT else row["read_wid"]
            found.append(_Step(call, ret, "read", shown))
    return found


def versions_fit(reference: ReferenceChecker) -> bool:
    """Whether some order, true to real time, lets the versions rise as writes do.

    Each write adds one or more (others may have been applied unseen); a read shows the latest.
    """
    shown = {i: reference.shown(i) for i in reference.n}
    rows = [i for i in reference.n if shown[i] is not None]

    @cache
    def possible(done: frozenset[int], reached: int) -> bool:
        left = [i for i in rows if i not in done]
        if not left:
            return True
        for i in left:
            ends = (
                reference.end(j) if j in reference.effective else reference.rows[j]["ret"]
                for j in left
            )
            if min(ends) < reference.rows[i]["call"]:
                continue
            key = 2 * (shown[i] or 0) + (i not in reference.effective)
            if key >= reached and possible(done | {i}, key):
                return True
        return False

    return possible(frozenset(), -1)
