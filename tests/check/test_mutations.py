"""T4: one bug planted in a correct history: the right class, the right count, the right witness."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from typing import Any

import pyarrow as pa
import pytest

from statedrill.check import judge
from statedrill.check.verdict.record import Verdict
from statedrill.history.columns import ARROW_SCHEMA
from statedrill.history.operation import ABSENT, ALIEN, FOREIGN, INITIAL
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import (
    CART,
    HISTORY,
    ORDERS,
    PREFERENCES,
    SESSION,
    UPLOAD,
    in_memory_history,
)
from tests.check.simulator import FAIR, simulate
from tests.support.plans import plain_plan

Row = dict[str, Any]
PLANTED = 12


class Scene:
    """The rows of a correct history, by session and object, to be tampered with."""

    def __init__(self, seed: int) -> None:
        self.rows: list[Row] = simulate(60, 90, seed, replace(FAIR, sign_out=0.02)).to_pylist()
        self.dice = random.Random(seed)

    def of(self, session: int, thing: int) -> list[Row]:
        return [row for row in self.rows if (row["session"], row["object"]) == (session, thing)]

    def sessions(self) -> list[int]:
        return sorted({row["session"] for row in self.rows})

    def plant(self, thing: int, tamper: Callable[[list[Row], random.Random], bool]) -> list[int]:
        """Tamper with `PLANTED` sessions; returns those where there was something to do."""
        found: list[int] = []
        for session in self.sessions():
            if len(found) < PLANTED and tamper(self.of(session, thing), self.dice):
                found.append(session)
        assert len(found) == PLANTED
        return found

    def verdict(self) -> Verdict:
        events = [{"t": self.rows[0]["call"], "event": "settled", "drained": True}]
        table = pa.Table.from_pylist(self.rows, ARROW_SCHEMA).sort_by("call")
        return judged(in_memory_history((table,), events))


def judged(history: Any) -> Verdict:
    return judge(history, plain_plan({"pattern": {"name": "planted"}, "seed": 7}))


def writes(rows: list[Row]) -> list[Row]:
    return [row for row in rows if row["kind"] != Kind.READ]


def audit(rows: list[Row]) -> Row:
    return next(row for row in rows if row["phase"] == Phase.AUDIT)


def show(read: Row, write: Row | None) -> None:
    read["read_wid"] = write["wid"] if write else INITIAL
    read["ver"] = write["ver"] if write else 0


def lose_last(rows: list[Row], dice: random.Random) -> bool:
    """The audit shows the state before the last write."""
    done = writes(rows)
    if not done:
        return False
    show(audit(rows), done[-2] if len(done) > 1 else None)
    if audit(rows)["items"] is not None:
        audit(rows)["items"] = audit(rows)["items"][:-1]
    return True


def lose_element(rows: list[Row], dice: random.Random) -> bool:
    """The audit's list lacks an element; version and last id are right."""
    items = audit(rows)["items"]
    if len(items) < 2:
        return False
    items.pop(dice.randrange(len(items)))
    return True


def drop_silently(rows: list[Row], dice: random.Random) -> bool:
    """A write is confirmed and not applied: the next one gets the same version."""
    done = writes(rows)
    if len(done) < 2 or rows.index(done[-1]) != rows.index(done[-2]) + 1:
        return False
    for row in rows[rows.index(done[-1]) :]:
        row["ver"] -= 1
    return True


def lose_content(rows: list[Row], dice: random.Random) -> bool:
    """The record is there, the content is gone."""
    if not writes(rows):
        return False
    audit(rows)["read_wid"] = ABSENT
    return True


def read_old(rows: list[Row], dice: random.Random) -> bool:
    """A read right after an own write shows the state before that write."""
    for before, row in pairwise(rows):
        if row["kind"] == Kind.READ and before["kind"] == Kind.PUT and row["phase"] < Phase.AUDIT:
            done = writes(rows[: rows.index(before)])
            show(row, done[-1] if done else None)
            return True
    return False


def read_backwards(rows: list[Row], dice: random.Random) -> bool:
    """Another lane writes; the reader sees it once, and then not any more."""
    for a, b, c in zip(rows, rows[1:], rows[2:], strict=False):
        kinds = (a["kind"], b["kind"], c["kind"])
        if kinds == (Kind.PUT, Kind.READ, Kind.READ) and c["phase"] < Phase.AUDIT:
            done = writes(rows[: rows.index(a)])
            a["lane"] = 1
            show(c, done[-1] if done else None)
            return True
    return False


def read_elsewhere(rows: list[Row], dice: random.Random) -> bool:
    """Another lane writes and is confirmed; the reader, who never saw it, reads the old state."""
    if not read_old(rows, dice):
        return False
    for row in writes(rows):
        row["lane"] = 1
    return True


def show_another(rows: list[Row], dice: random.Random) -> bool:
    """A read shows another session's write."""
    reads = [row for row in rows if row["kind"] == Kind.READ and row["phase"] < Phase.AUDIT]
    for row in reads[:1]:
        row["read_wid"] = FOREIGN
    return bool(reads)


def show_alien(rows: list[Row], dice: random.Random) -> bool:
    """A read shows an id that nobody sent."""
    reads = [row for row in rows if row["kind"] == Kind.READ and row["phase"] < Phase.AUDIT]
    for row in reads[:1]:
        row["read_wid"] = ALIEN
    return bool(reads)


def show_future(rows: list[Row], dice: random.Random) -> bool:
    """A read shows a write that is sent only later."""
    later = [row for row in writes(rows) if rows.index(row) > 0 and rows[0]["kind"] == Kind.READ]
    if not later:
        return False
    show(rows[0], later[-1])
    return True


def show_rejected(rows: list[Row], dice: random.Random) -> bool:
    """The last write was rejected, and the audit alone shows it all the same."""
    if len(rows) < 2 or rows[-2]["kind"] != Kind.PUT:
        return False
    rows[-2]["outcome"] = Outcome.FAILED
    return True


def double_entry(rows: list[Row], dice: random.Random) -> bool:
    """The last entry stands twice in the audit's list."""
    items = audit(rows)["items"]
    if not items:
        return False
    items.append(items[-1])
    return True


def apply_again(rows: list[Row], dice: random.Random) -> bool:
    """The last write is applied again after it was read: same id, next version. Only that is seen,
    not that it was applied twice.
    """
    if len(rows) < 3 or [row["kind"] for row in rows[-3:]] != [Kind.PUT, Kind.READ, Kind.READ]:
        return False
    rows[-1]["ver"] += 1
    return True


def bring_back(rows: list[Row], dice: random.Random) -> bool:
    """A removed element is there again at the audit."""
    for row in rows:
        later = rows[rows.index(row) + 1 :]
        cleared = any(each["kind"] in (Kind.CLEAR, Kind.REMOVE) for each in later)
        if row["kind"] == Kind.REMOVE and not cleared:
            added = [each["wid"] for each in rows if each["kind"] == Kind.ADD]
            if row["element"] in added:
                audit(rows)["items"].insert(0, row["element"])
                return True
    return False


def accept_an_old_cookie(rows: list[Row], dice: random.Random) -> bool:
    """The cookie of a session that was signed out is good again."""
    for before, row in pairwise(rows):
        if before["kind"] == Kind.SIGN_OUT and row["status"] == 401:
            row["outcome"], row["status"] = Outcome.OK, 200
            row["server_session"] = before["server_session"]
            return True
    return False


def swap_entries(rows: list[Row], dice: random.Random) -> bool:
    """Two writes took effect in the other order, as every read shows."""
    done = writes(rows)
    if len(done) < 2:
        return False
    first, second = done[-2]["wid"], done[-1]["wid"]
    between = rows[rows.index(done[-2]) : rows.index(done[-1])]
    if any(row["kind"] == Kind.READ for row in between):
        return False
    done[-1]["ver"], done[-2]["ver"] = done[-2]["ver"], done[-1]["ver"]
    for row in rows:
        if row["items"] and second in row["items"]:
            row["items"][-2:] = [second, first]
            row["read_wid"] = first
    return True


def reorder_versions(rows: list[Row], dice: random.Random) -> bool:
    """Two writes in a row get each other's version, and the first one stays."""
    done = writes(rows)
    if len(done) < 2 or rows[rows.index(done[-1]) - 1] is not done[-2]:
        return False
    done[-1]["ver"], done[-2]["ver"] = done[-2]["ver"], done[-1]["ver"]
    for row in rows[rows.index(done[-1]) + 1 :]:
        show(row, done[-2])
    return True


CASES: dict[str, tuple[int, Callable[..., bool], str, str]] = {
    # what is planted: (object, how, check that must find it, its class)
    "a lost write": (PREFERENCES, lose_last, "lost-writes", "lost"),
    "a lost log entry": (HISTORY, lose_last, "lost-writes", "lost"),
    "a lost order": (ORDERS, lose_last, "lost-writes", "lost"),
    "a lost element": (CART, lose_element, "lost-writes", "lost"),
    "a lost entry in the middle": (HISTORY, lose_element, "lost-writes", "lost"),
    "a write confirmed and dropped": (PREFERENCES, drop_silently, "lost-writes", "lost"),
    "content gone, record kept": (UPLOAD, lose_content, "lost-writes", "lost"),
    "a stale replica": (PREFERENCES, read_old, "read-your-writes", "read-your-writes"),
    "a read going back": (PREFERENCES, read_backwards, "monotonic-reads", "monotonic-reads"),
    "a stale read across lanes": (PREFERENCES, read_elsewhere, "stale-reads", "stale"),
    "a leak": (CART, show_another, "leaks", "leak"),
    "an id from nowhere": (CART, show_alien, "phantoms", "phantom"),
    "a read of the future": (PREFERENCES, show_future, "phantoms", "phantom"),
    "a rejected write seen": (PREFERENCES, show_rejected, "rejected-visible", "rejected-visible"),
    "an entry twice": (HISTORY, double_entry, "duplicates", "duplicate"),
    "a write with two versions": (PREFERENCES, apply_again, "two-versions", "order-conflict"),
    "a removed element back": (CART, bring_back, "resurrected", "resurrected"),
    "an ended session back": (
        SESSION,
        accept_an_old_cookie,
        "resurrected-sessions",
        "resurrected",
    ),
    "entries swapped": (HISTORY, swap_entries, "monotonic-writes", "monotonic-writes"),
    "writes reordered": (PREFERENCES, reorder_versions, "monotonic-writes", "monotonic-writes"),
}


@pytest.mark.parametrize("what", CASES)
def test_a_planted_bug_is_found_with_its_class_count_and_witness(what: str) -> None:
    thing, tamper, check, primary = CASES[what]
    scene = Scene(seed=5)
    sessions = scene.plant(thing, tamper)
    findings = {row["check"]: row for row in scene.verdict()["findings"]}
    by_class = {name: row["primary"] for name, row in findings.items() if row["primary"]}
    assert by_class == {check: PLANTED}
    finding = findings[check]
    assert finding["class"] == primary
    assert finding["violations"] == finding["bounded"] == PLANTED
    assert 1 <= len(finding["operations"]) <= 4
    assert finding["operations"][0]["who"] in {f"session {number}" for number in sessions}
    assert finding["witness"].startswith(f"{finding['operations'][0]['who']} ")


def test_the_history_without_a_planted_bug_is_clean() -> None:
    verdict = Scene(seed=5).verdict()
    assert {row["violations"] for row in verdict["findings"]} == {0}
    assert {row["outcome"] for row in verdict["findings"]} == {"held"}
