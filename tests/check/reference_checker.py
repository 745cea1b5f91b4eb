"""Every definition again, row by row and pair by pair, as slow and as plain as possible.

Written from the definitions, not from the code that it tests: dictionaries, loops, no arrays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from statedrill.history.operation import (
    ABSENT,
    ALIEN,
    FOREIGN,
    INITIAL,
    LAST_ID,
    NO_VERSION,
    NOTHING,
)
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import CART, HISTORY, ORDERS

NEVER = float("inf")
Row = dict[str, Any]


class ReferenceChecker:
    """The findings on the rows of one object of one session, in the order of their call."""

    def __init__(self, rows: Sequence[Row], lateness: float = NEVER) -> None:
        self.rows = list(rows)
        self.n = range(len(self.rows))
        self.by_wid = {row["wid"]: i for i, row in enumerate(self.rows) if row["wid"]}
        self.lateness = lateness
        self.removable = any(row["kind"] in (Kind.REMOVE, Kind.CLEAR) for row in self.rows)
        self.thing = self.rows[0]["object"]
        self.replays = [i for i in self.n if self._replay(i)]
        self.effective = [
            i for i in self.n if self._write(i) and not self._failed(i) and i not in self.replays
        ]  # fmt: skip
        self.leaks = [i for i in self.n if FOREIGN in self._ids(i)]
        self.phantoms = [i for i in self.n if i not in self.leaks and self._phantom(i)]
        self.rejected = [
            i for i in self.n
            if i not in self.leaks and i not in self.phantoms and self._rejected(i)
        ]  # fmt: skip
        bad = {*self.leaks, *self.phantoms, *self.rejected}
        self.valid = [i for i in self.n if self._read(i) and i not in bad]

    # what rows are

    def _write(self, i: int) -> bool:
        return bool(self.rows[i]["kind"] != Kind.READ)

    def _read(self, i: int) -> bool:
        row = self.rows[i]
        fine = row["outcome"] == Outcome.OK and row["read_wid"] != NOTHING
        return bool(row["kind"] == Kind.READ and fine)

    def _failed(self, i: int) -> bool:
        return bool(self.rows[i]["outcome"] == Outcome.FAILED)

    def _answered(self, i: int) -> bool:
        return self._write(i) and self.rows[i]["outcome"] in (Outcome.OK, Outcome.ACCEPTED)

    def _target(self, i: int) -> int | None:
        shown = self.rows[i]["read_wid"]
        return self.by_wid.get(shown) if INITIAL < shown <= LAST_ID else None

    def _replay(self, i: int) -> bool:
        target = self._target(i)
        return (
            self._answered(i) and target is not None and target != i and not self._failed(target)
            and self.rows[target]["call"] <= self.rows[i]["ret"]
        )  # fmt: skip

    def _items(self, i: int) -> list[int]:
        listed = self._read(i) and self.thing in (CART, HISTORY, ORDERS)
        return (self.rows[i]["items"] or []) if listed else []

    def has_list(self, i: int) -> bool:
        return self._read(i) and self.rows[i]["items"] is not None

    def _ids(self, i: int) -> list[int]:
        return [self.rows[i]["read_wid"], *self._items(i)]

    def _phantom(self, i: int) -> bool:
        row = self.rows[i]
        if self._write(i) and not self._answered(i):
            return bool(row["read_wid"] == ALIEN)
        if not self._answered(i) and not self._read(i):
            return False
        for shown in [row["read_wid"]]:
            own = INITIAL < shown <= LAST_ID
            if shown == ALIEN or (own and self._sent_after(shown, i)):
                return True
        for shown in self._items(i):
            entry = self.by_wid.get(shown)
            if shown == FOREIGN:
                continue
            if entry is None or self.rows[entry]["kind"] not in (Kind.ADD, Kind.APPEND):
                return True
            if self.rows[entry]["call"] > row["ret"]:
                return True
        return False

    def _sent_after(self, shown: int, i: int) -> bool:
        target = self.by_wid.get(shown)
        return target is None or bool(self.rows[target]["call"] > self.rows[i]["ret"])

    def _turned_down(self, i: int) -> bool:
        return self._failed(i) or i in self.replays

    def _rejected(self, i: int) -> bool:
        if not self._read(i) and not self.odd_answer(i):
            return False
        shown = [self._target(i), *(self.by_wid.get(each) for each in self._items(i))]
        return any(each is not None and self._turned_down(each) for each in shown)

    # values: a write's row, or INIT

    INIT = -7

    def value(self, i: int) -> int | None:
        """The value that a valid read shows."""
        if i not in self.valid:
            return None
        shown, ver = self.rows[i]["read_wid"], self.rows[i]["ver"]
        if shown == INITIAL:
            initial = not self.removable if ver == NO_VERSION else ver == 0
            return self.INIT if initial else None
        return None if shown == ABSENT else self._target(i)

    def start(self, v: int) -> float:
        return -1 if v == self.INIT else self.rows[v]["call"]

    def end(self, i: int) -> float:
        row = self.rows[i]
        if row["outcome"] == Outcome.UNKNOWN or self.odd_answer(i):
            return float(row["ret"] + self.lateness)
        return float(row["ret"]) if row["outcome"] == Outcome.OK else NEVER

    def odd_answer(self, i: int) -> bool:
        """The answer confirms neither this write nor an earlier attempt."""
        proper = self._proper(i) or i in self.replays
        return self._answered(i) and not proper

    def first(self, v: int) -> float:
        """F(v)."""
        if v == self.INIT:
            return -1
        sure = v in self.effective and self.confirmed_at_once(v)
        moments = [self.rows[v]["ret"]] if sure else []
        moments += [self.rows[i]["ret"] for i in self.valid if self.value(i) == v]
        moments += [self.rows[i]["ret"] for i in self.replays if self._target(i) == v]
        wid = self.rows[v]["wid"]
        entry = self.rows[v]["kind"] in (Kind.ADD, Kind.APPEND)
        moments += [self.rows[i]["ret"] for i in self.valid if entry and wid in self._items(i)]
        if moments and v in self.effective:
            moments.append(self.end(v))
        return min(moments, default=NEVER)

    def confirmed_at_once(self, v: int) -> bool:
        return self.rows[v]["outcome"] == Outcome.OK and not self.odd_answer(v)

    def last(self, v: int) -> float:
        """M(v)."""
        calls = [self.rows[v]["call"]] if v in self.effective else []
        calls += [self.rows[i]["call"] for i in self.valid if self.value(i) == v]
        return max(calls, default=-1)

    def values(self) -> list[int]:
        read = {self.value(i) for i in self.valid} - {None}
        return sorted({*self.effective, *(v for v in read if v is not None)})

    def stated(self, i: int) -> int | None:
        ver = self.rows[i]["ver"]
        return None if ver == NO_VERSION or self.odd_answer(i) else ver

    def version(self, v: int) -> int | None:
        if v == self.INIT:
            return 0
        if (
            v in self.effective
            and self.rows[v]["outcome"] == Outcome.OK
            and self.stated(v) is not None
        ):
            return self.stated(v)
        again = [self.stated(i) for i in self.replays if self._target(i) == v]
        again = [ver for ver in again if ver is not None]
        if again:
            return again[-1]
        seen = [self.stated(i) for i in self.valid if self.value(i) == v]
        return next((ver for ver in seen if ver is not None), None)

    def shown(self, i: int) -> int | None:
        """The version that a row shows."""
        stated = self.stated(i)
        if i in self.valid:
            value = self.value(i)
            if self.rows[i]["read_wid"] == ABSENT and stated is not None:
                return max(stated - 1, 0)
            return self.version(value) if stated is None and value is not None else stated
        if i in self.effective:
            return self.version(i) if stated is None else stated
        return None

    def acked(self, i: int) -> float | None:
        """When a write was confirmed."""
        moments = [self.rows[r]["ret"] for r in self.replays if self._target(r) == i]
        if i in self.effective and self._proper(i) and self.rows[i]["outcome"] == Outcome.OK:
            moments.append(self.rows[i]["ret"])
        return min(moments) if moments and i in self.effective else None

    def _proper(self, i: int) -> bool:
        """The answer confirms this attempt, or shows no id."""
        shown = self.rows[i]["read_wid"]
        return shown in (self.rows[i]["wid"], NOTHING, INITIAL, ABSENT)

    def accepted(self, i: int) -> float | None:
        row = self.rows[i]
        fine = i in self.effective and row["outcome"] == Outcome.ACCEPTED and self._proper(i)
        return row["ret"] if fine and self.acked(i) is None else None

    def older(self, u: int | None, u_ver: int | None, v: int, v_ver: int | None) -> bool:
        if u_ver is not None and v_ver is not None:
            return u_ver < v_ver
        return u is not None and self.first(u) < self.start(v)

    def before(self, i: int, j: int) -> bool:
        same_lane = self.rows[i]["lane"] == self.rows[j]["lane"]
        return bool(same_lane and self.rows[i]["ret"] < self.rows[j]["call"])

    # findings

    def usable(self) -> list[int]:
        return [i for i in self.valid if self.value(i) is not None or self.shown(i) is not None]

    def read_your_writes(self) -> list[int]:
        older = {i for i in self.usable() if any(self._misses(i, j) for j in self.n)}
        own = [i for i in self.n if self._proper(i) and self.rows[i]["outcome"] == Outcome.OK]
        lacks = {i for i in self.valid for e in self._lacking(i) if e in own and self.before(e, i)}
        return sorted(older | lacks)

    def _misses(self, i: int, j: int) -> bool:
        if not self.before(j, i):
            return False
        if j in self.replays:
            target = self._target(j)
            assert target is not None
            return self.older(self.value(i), self.shown(i), target, self.version(target))
        own = self.answered_by_itself(j) and self.rows[j]["outcome"] == Outcome.OK
        return own and self.older(self.value(i), self.shown(i), j, self.version(j))

    def monotonic_reads(self) -> list[int]:
        older = {i for i in self.usable() if any(self._goes_back(i, j) for j in self.usable())}
        lacks = {
            i for i in self.valid for e in self._lacking(i) for j in self.valid
            if self.rows[e]["wid"] in self._items(j) and self.before(j, i)
        }  # fmt: skip
        return sorted(older | lacks)

    def _goes_back(self, i: int, j: int) -> bool:
        if not self.before(j, i):
            return False
        value, mine, theirs = self.value(j), self.shown(i), self.shown(j)
        if mine is not None and theirs is not None:
            return mine < theirs
        shown = self.value(i)
        return value is not None and shown is not None and self.first(shown) < self.start(value)

    def confirmed(self) -> list[int]:
        return [
            i for i in self.effective if self.acked(i) is not None or self.accepted(i) is not None
        ]

    def ack(self, i: int) -> float:
        acked = self.acked(i)
        moments = [] if acked is None else [acked]
        if self.answered_by_itself(i):
            moments.append(self.rows[i]["ret"])
        return min(moments)

    def answered_by_itself(self, i: int) -> bool:
        """Confirmed or accepted by the answer to this very attempt."""
        fine = self.rows[i]["outcome"] in (Outcome.OK, Outcome.ACCEPTED)
        return fine and i in self.effective and self._proper(i)

    def writes_follow_reads(self) -> list[int]:
        found = []
        for i in self.confirmed():
            seen = [self.shown(j) for j in self.valid if self.before(j, i)]
            mine = self.shown(i)
            if mine is not None and any(ver is not None and mine <= ver for ver in seen):
                found.append(i)
        return found

    def monotonic_writes(self) -> list[int]:
        own = [i for i in self.confirmed() if self.answered_by_itself(i)]
        found = set()
        for i in self.confirmed():
            mine = self.shown(i)
            for j in own:
                theirs = self.shown(j)
                if mine is not None and theirs is not None and self.before(j, i) and mine < theirs:
                    found.add(i)
        if self.thing in (HISTORY, ORDERS):
            for read in self.valid:
                entries = [self.by_wid[wid] for wid in self._items(read)]
                for place, i in enumerate(entries):
                    later = [j for j in entries[place + 1 :] if j in own]
                    found |= {i for j in later if i in own and self.before(j, i)}
        return sorted(found)

    def stale(self) -> dict[int, float]:
        """Definitely stale reads, and since when something newer was there."""
        found = {}
        for i in self.valid:
            newer = [*self._newer_ids(i), *self._newer_versions(i), *self._missing(i)]
            newer = [moment for moment in newer if moment < self.rows[i]["call"]]
            if newer:
                found[i] = min(newer)
        return found

    def _newer_ids(self, i: int) -> list[float]:
        value = self.value(i)
        if value is None:
            return []
        later = [u for u in self.effective if self.start(u) > self.first(value)]
        return [self.first(u) for u in later if self.shown(i) is None or self.version(u) is None]

    def _newer_versions(self, i: int) -> list[float]:
        """Returns of rows that show more than row i."""
        return [
            self.end(j) if j in self.effective else self.rows[j]["ret"]
            for j in self.n
            if self._key(j) is not None and self._key(j) > self._key(i)  # type: ignore[operator]
        ] if self._key(i) is not None else []  # fmt: skip

    def _key(self, i: int) -> int | None:
        shown = self.shown(i)
        return None if shown is None else 2 * shown + (i not in self.effective)

    def entries(self) -> list[int]:
        return [i for i in self.effective if self.rows[i]["kind"] in (Kind.ADD, Kind.APPEND)]

    def may_go(self, e: int) -> float:
        """The earliest call of anything that may remove element e."""
        calls = [NEVER]
        for i in self.effective:
            row = self.rows[i]
            if row["kind"] == Kind.REMOVE and row["element"] == self.rows[e]["wid"]:
                calls.append(row["call"])
            clears = row["kind"] == Kind.CLEAR and self.rows[e]["kind"] == Kind.ADD
            if clears and min(self.first(i), self.end(i)) >= self.rows[e]["call"]:
                calls.append(row["call"])
        return min(calls)

    def _missing(self, i: int) -> list[float]:
        return [self.first(e) for e in self._lacking(i)]

    def _lacking(self, i: int) -> list[int]:
        """Elements that must be in a list read and are not."""
        if not self.has_list(i) or self.thing not in (CART, HISTORY, ORDERS):
            return []
        return [
            e
            for e in self.entries()
            if self.first(e) < self.rows[i]["call"]
            and self.may_go(e) >= self.rows[i]["ret"]
            and self.rows[e]["wid"] not in self._items(i)
        ]

    def gone(self, e: int) -> float:
        """When element e surely had been removed."""
        moments = [NEVER]
        for i in self.effective:
            row = self.rows[i]
            hit = row["kind"] == Kind.REMOVE and row["element"] == self.rows[e]["wid"]
            hit |= row["kind"] == Kind.CLEAR and self.rows[e]["kind"] == Kind.ADD
            if hit and self.first(e) < row["call"]:
                moments.append(self.first(i))
        return min(moments)

    def resurrected(self) -> list[int]:
        return [
            e
            for e in self.entries()
            if any(
                self.rows[e]["wid"] in self._items(i)
                and self.gone(e) < self.rows[i]["call"]
                and not any(newer < self.rows[i]["call"] for newer in self._newer_versions(i))
                for i in self.valid
            )
        ]

    def conflicts(self) -> bool:
        """Whether two values contradict each other."""
        values = self.values()
        return any(
            self.first(a) < self.last(b) and self.first(b) < self.last(a)
            for a in values
            for b in values
            if a != b
        )

    def versions_conflict(self) -> bool:
        return any(
            newer < self.rows[i]["call"] for i in self.n for newer in self._newer_versions(i)
        )

    def twice(self) -> list[int]:
        """Writes that one list holds more than once."""
        found = set()
        for i in self.valid:
            items = self._items(i)
            found |= {self.by_wid[wid] for wid in items if items.count(wid) > 1}
        return sorted(found)

    def two_versions(self) -> list[int]:
        """Writes that two answers show with different versions; not those that are there twice."""
        found = set()
        for i in self.valid:
            value = self.value(i)
            if value not in (None, self.INIT) and self.shown(i) is not None:
                assert value is not None
                if self.shown(i) != self.version(value):
                    found.add(value)
        return sorted(found - set(self.twice()))

    def not_prefix(self) -> list[int]:
        """List reads of a log that are no prefix of its longest, or not as long as stated."""
        if self.thing not in (HISTORY, ORDERS):
            return []
        reads = [i for i in self.valid if self.has_list(i)]
        if not reads:
            return []
        lengths = [len(self._items(i)) for i in reads]
        most = max(lengths)
        longest = {tuple(self._items(i)) for i in reads if len(self._items(i)) == most}
        found = []
        for i in reads:
            items = tuple(self._items(i))
            prefix = any(items == each[: len(items)] for each in longest)
            stated = self.shown(i)
            if not prefix or (stated is not None and stated != len(items)):
                found.append(i)
        return found

    def lost(self) -> tuple[list[int], list[int]]:
        """(lost, missing but only accepted) against the last audit read."""
        audits = [i for i in self.valid if self.rows[i]["phase"] >= Phase.AUDIT]
        with_list = [
            i for i in audits if self.has_list(i) and self.thing in (CART, HISTORY, ORDERS)
        ]
        if not audits:
            return [], []
        audit = (with_list or audits)[-1]
        judged = [i for i in self.confirmed() if self.ack(i) < self.rows[audit]["call"]]
        listed = [i for i in judged if self._kept(i, audit)]
        kept = [i for i in judged if i in listed or i == self.value(audit)]
        missing = {i for i in judged if i not in kept and self._absent(i, audit)}
        for ver in {self.version(i) for i in judged} - {None}:
            sharing = [i for i in judged if self.version(i) == ver and i not in missing]
            survivor = [i for i in sharing if i in kept] or sharing[-1:]
            missing |= {i for i in sharing if i not in survivor}
        if self.has_list(audit) and self.thing in (CART, HISTORY, ORDERS):
            entries = [i for i in judged if i in self.entries() and i not in listed]
            missing |= {i for i in entries if self.may_go(i) >= self.rows[audit]["ret"]}
        lost = sorted(missing)
        return [i for i in lost if self.acked(i)], [i for i in lost if not self.acked(i)]

    def unaudited(self) -> list[int]:
        """Confirmed writes of which nobody knows whether they were kept."""
        audits = [
            i for i in self.n
            if self._read(i) and self.rows[i]["phase"] >= Phase.AUDIT
            and (i in self.valid or i in self.leaks)
        ]  # fmt: skip
        if not any(i in self.valid for i in audits):
            return self.confirmed()
        if audits[-1] in self.valid:
            return []
        lost, unsettled = self.lost()
        return [i for i in self.confirmed() if i not in (*lost, *unsettled)]

    def _kept(self, i: int, audit: int) -> bool:
        items = self._items(audit)
        if self.rows[i]["wid"] in items and i in self.entries():
            return True
        logicals = {self.rows[self.by_wid[wid]]["logical"] for wid in items} - {0}
        return self.rows[i]["logical"] in logicals

    def _absent(self, i: int, audit: int) -> bool:
        value, shown, mine = self.value(audit), self.shown(audit), self.version(i)
        known = shown is not None and mine is not None
        if known and (shown < mine or (shown == mine and value not in (None, self.INIT, i))):
            return True
        if not known and value is not None and self.first(value) < self.rows[i]["call"]:
            return True
        return self._content_gone(i, audit)

    def _content_gone(self, i: int, audit: int) -> bool:
        if self.rows[audit]["read_wid"] != ABSENT or self.shown(audit) is not None:
            return False
        unsure = [j for j in self.effective if self.acked(j) is None and self.accepted(j) is None]
        judged = [j for j in self.confirmed() if self.ack(j) < self.rows[audit]["call"]]
        return not unsure and i == judged[-1]
