"""A correct store, and clients that see it through a bad network: nothing here may be accused.

Every session is played alone, as events on one clock: calls, effects, answers. Effects of writes
whose answer timed out land late or never, answers get lost, a load balancer repeats attempts, the
recorder is delayed, orders are tried again under their key, sessions have several lanes; a queued
store accepts writes and applies them in order later. `Weather` says how bad it is.
"""

from __future__ import annotations

import heapq
import random
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from statedrill.history.columns import ARROW_SCHEMA, NUMERIC
from statedrill.history.operation import FOREVER, INITIAL, NO_VERSION, NOTHING, SIGNED_OUT
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import (
    CART,
    DRAFT,
    HISTORY,
    ORDERS,
    PREFERENCES,
    SESSION,
    START,
    UPLOAD,
)

OK, FAILED, UNKNOWN, ACCEPTED = (int(outcome) for outcome in Outcome)
READ, PUT, ADD, REMOVE, CLEAR, APPEND, SIGN_IN, SIGN_OUT = (int(kind) for kind in Kind)
US, MS = 1_000, 1_000_000
COLUMNS = (*NUMERIC, "items", "item_logicals")
_REGISTERS = (PREFERENCES, DRAFT, UPLOAD)
_LISTS = (CART, HISTORY, ORDERS)


@dataclass(frozen=True)
class Weather:
    """How bad it is, as probabilities per attempt, and what kind of store it is."""

    lanes: int = 1
    timeout: float = 0.0  # the client stops waiting; the effect lands late, or never
    lost_answer: float = 0.0  # the effect is there, the answer is not
    rejected: float = 0.0  # surely not done, and said so
    repeated: float = 0.0  # the load balancer sends the attempt again, later
    delay_us: int = 0  # of the recorder, before and after
    queued: bool = False
    sign_out: float = 0.0
    single_session: bool = False  # a sign-in ends every other session of the user
    pace_ms: float = 1.0


FAIR = Weather()
ROUGH = Weather(
    lanes=3, timeout=0.04, lost_answer=0.03, rejected=0.03, repeated=0.03, delay_us=3000,
    sign_out=0.01,
)  # fmt: skip
QUEUED = replace(ROUGH, queued=True, lanes=1)
STRICT = replace(ROUGH, single_session=True)


class Thing:
    """One object: how often it was written, by whom last, and what it holds."""

    __slots__ = ("held", "logicals", "ver", "wid")

    def __init__(self) -> None:
        self.ver = 0
        self.wid = INITIAL
        self.held: tuple[int, ...] = ()
        self.logicals: tuple[int, ...] = ()


@dataclass(slots=True)
class _Try:
    """One attempt under way."""

    lane: int
    thing: int
    kind: int
    call: int
    wid: int = 0
    element: int = 0
    logical: int = 0
    attempt: int = 0
    outcome: int = OK
    read_wid: int = NOTHING
    ver: int = NO_VERSION
    items: tuple[int, ...] | None = None
    logicals: tuple[int, ...] | None = None
    cookie: int = 0
    server_session: int = 0
    refused: bool = False
    gone: bool = False


class Session:
    """One user, their lanes, and the server's side of it."""

    def __init__(self, number: int, weather: Weather, dice: random.Random, start: int) -> None:
        self.number = number
        self.weather = weather
        self.dice = dice
        self.things = {thing: Thing() for thing in range(1, 8)}
        self.applied: dict[int, tuple[int, int]] = {}  # wid -> (wid confirmed, ver)
        self.keys: dict[int, int] = {}  # logical id -> wid of its first applied attempt
        self.alive: set[int] = set()
        self.tokens = 0
        self.cookie = 0
        self.old_cookie = 0  # of the session that was signed out last
        self.shown: dict[int, int] = {}  # the client's numbers of server sessions
        self.next_wid = 0
        self.next_logical = 0
        self.known: list[int] = []
        self.retry: list[_Try] = []
        self.queue: list[_Try] = []
        self.free_at = start
        self.events: list[tuple[int, int, int, Any]] = []
        self.ticket = 0
        self.rows: list[tuple[Any, ...]] = []
        self.phase = int(Phase.BASELINE)

    # the client

    def play(self, operations: int, start: int) -> None:
        left = operations
        for lane in range(self.weather.lanes):
            self.at(start + lane, 0, lane)
        while self.events:
            now, _, what, subject = heapq.heappop(self.events)
            if what == 0:
                if left > 0:
                    left -= 1
                    self.begin(now, subject)
            elif what == 1:
                self.take_effect(now, subject)
            elif what == 2:
                self.answer(now, subject)
            else:
                self.work(now)
        self.audit(max((row[1] for row in self.rows), default=start) + 50 * MS)

    def at(self, moment: int, what: int, subject: Any) -> None:
        self.ticket += 1
        heapq.heappush(self.events, (moment, self.ticket, what, subject))

    def begin(self, now: int, lane: int) -> None:
        attempt = self.choose(now, lane)
        self.send(now, attempt)

    def choose(self, now: int, lane: int) -> _Try:
        roll = self.dice.random
        if not self.cookie:
            return self.come_back(now, lane)
        if self.retry and self.retry[0].lane == lane:
            before = self.retry.pop(0)
            again = self.write(now, lane, ORDERS, APPEND)
            again.logical, again.attempt = before.logical, before.attempt + 1
            return again
        chance = roll()
        if chance < self.weather.sign_out:
            return self.write(now, lane, SESSION, SIGN_OUT)
        if chance < 0.5:
            thing = self.dice.choice((1, 2, 3, 3, 4, 4, 5, 6, 7))
            return _Try(lane, thing, READ, now)
        thing = self.dice.choice((1, 2, 3, 3, 3, 4, 4, 5, 7))
        if thing == CART:
            return self.change_cart(now, lane)
        kind = PUT if thing in _REGISTERS else APPEND
        attempt = self.write(now, lane, thing, kind)
        if thing == ORDERS:
            self.next_logical += 1
            attempt.logical, attempt.attempt = self.next_logical, 1
        return attempt

    def come_back(self, now: int, lane: int) -> _Try:
        """Sign in, or look whether the old cookie is still good."""
        if self.old_cookie and self.dice.random() < 0.3:
            return _Try(lane, SESSION, READ, now, cookie=self.old_cookie)
        return self.write(now, lane, SESSION, SIGN_IN)

    def change_cart(self, now: int, lane: int) -> _Try:
        chance = self.dice.random()
        if chance < 0.3 and self.known:
            attempt = self.write(now, lane, CART, REMOVE)
            attempt.element = self.dice.choice(self.known)
            return attempt
        return self.write(now, lane, CART, CLEAR if chance < 0.36 else ADD)

    def write(self, now: int, lane: int, thing: int, kind: int) -> _Try:
        self.next_wid += 1
        return _Try(lane, thing, kind, now, wid=self.next_wid)

    def send(self, now: int, attempt: _Try) -> None:
        weather, roll = self.weather, self.dice.random
        attempt.cookie = attempt.cookie or self.cookie
        attempt.call = now
        before = now + (int(roll() * weather.delay_us) + 1) * US
        arrives = before + int(roll() * 2 * MS)
        chance = roll()
        if chance < weather.rejected:
            attempt.outcome = FAILED
            self.at(arrives, 2, attempt)
        elif (chance := chance - weather.rejected) < weather.timeout:
            attempt.outcome = UNKNOWN
            gives_up = now + 30 * MS
            late = int(roll() ** 2 * 400 * MS)
            if roll() < 0.7:
                self.at(arrives + late, 1, attempt)
            self.at(gives_up, 2, attempt)
        else:
            if chance - weather.timeout < weather.lost_answer:
                attempt.outcome = UNKNOWN
            elif weather.queued and attempt.kind != READ and attempt.thing not in (SESSION, UPLOAD):
                attempt.outcome = ACCEPTED
            self.at(arrives, 1, attempt)
            self.at(arrives + int(roll() * MS), 2, attempt)
        if roll() < weather.repeated and attempt.outcome != FAILED:
            self.at(arrives + int(roll() * 100 * MS), 1, replace(attempt))

    def answer(self, now: int, attempt: _Try) -> None:
        if attempt.refused:
            attempt.outcome = FAILED
        now += int(self.dice.random() * self.weather.delay_us) * US
        self.record(now, attempt)
        fine = attempt.outcome in (OK, ACCEPTED)
        if attempt.gone and attempt.outcome == FAILED:
            self.cookie = 0
        elif attempt.kind == SIGN_IN and attempt.outcome == OK:
            self.cookie, self.old_cookie = attempt.server_session, 0
        elif attempt.kind == SIGN_OUT and attempt.outcome != FAILED:
            self.cookie, self.old_cookie = 0, attempt.cookie
        elif attempt.kind == READ and attempt.thing == CART and fine:
            self.known = list(attempt.items or ())
        elif attempt.kind == ADD and fine:
            self.known.append(attempt.wid)
        elif attempt.logical and attempt.outcome == UNKNOWN and attempt.attempt < 3:
            self.retry.append(attempt)
        pause = self.dice.random() * self.weather.pace_ms
        self.at(now + int(pause * MS) + 1, 0, attempt.lane)

    def record(self, now: int, attempt: _Try) -> None:
        seen = attempt.outcome in (OK, ACCEPTED)
        code = 0
        if attempt.gone and attempt.outcome == FAILED:
            code = SIGNED_OUT
        elif seen and attempt.server_session:
            code = self.shown.setdefault(attempt.server_session, len(self.shown) + 2)
        call = attempt.call
        self.rows.append((
            call, now, self.number, attempt.lane, attempt.thing,
            8 * attempt.thing + attempt.kind, attempt.kind, attempt.outcome, attempt.wid,
            attempt.read_wid if seen else NOTHING, attempt.element,
            attempt.ver if attempt.outcome == OK else NO_VERSION,
            attempt.logical, attempt.attempt, 1 + self.number % 2,
            {OK: 200, FAILED: 401 if attempt.gone else 503, UNKNOWN: 0, ACCEPTED: 202}[
                attempt.outcome
            ],
            code, 0, self.phase,
            attempt.items if seen else None, attempt.logicals if seen else None,
        ))  # fmt: skip

    # the server

    def take_effect(self, now: int, attempt: _Try) -> None:
        if attempt.kind == SIGN_IN:
            if attempt.wid in self.applied:
                return
            self.tokens += 1
            if self.weather.single_session:
                self.alive.clear()
            self.alive.add(self.tokens)
            self.applied[attempt.wid] = (attempt.wid, 1)
            attempt.server_session, attempt.read_wid, attempt.ver = self.tokens, attempt.wid, 1
            return
        if attempt.cookie not in self.alive:
            attempt.gone = True
            if attempt.outcome in (OK, ACCEPTED):
                attempt.refused = True
            return
        attempt.server_session = attempt.cookie
        if attempt.kind == SIGN_OUT:
            self.alive.discard(attempt.cookie)
            attempt.read_wid = attempt.wid
        elif attempt.kind == READ:
            self.show(attempt)
        elif self.weather.queued and attempt.thing not in (SESSION, UPLOAD):
            attempt.read_wid = attempt.wid
            self.queue.append(attempt)
            self.free_at = max(self.free_at, now) + int(self.dice.random() * 20 * MS)
            self.at(self.free_at, 3, None)
        else:
            self.apply(attempt)

    def work(self, now: int) -> None:
        """The worker applies the oldest accepted write."""
        if self.queue:
            self.apply(self.queue.pop(0))

    def show(self, attempt: _Try) -> None:
        if attempt.thing == SESSION:
            attempt.read_wid, attempt.ver = NOTHING, NO_VERSION
            return
        thing = self.things[attempt.thing]
        attempt.ver, attempt.read_wid = thing.ver, thing.wid
        if attempt.thing in _LISTS:
            attempt.items = thing.held
            attempt.logicals = thing.logicals if attempt.thing == ORDERS else None

    def apply(self, attempt: _Try) -> None:
        done = self.applied.get(attempt.wid)
        if done is None and attempt.logical:
            first = self.keys.setdefault(attempt.logical, attempt.wid)
            done = self.applied.get(first)
        if done is None:
            done = self.change(attempt)
        self.applied[attempt.wid] = done
        if not self.weather.queued or attempt.thing == UPLOAD:
            attempt.read_wid, attempt.ver = done

    def change(self, attempt: _Try) -> tuple[int, int]:
        thing = self.things[attempt.thing]
        thing.ver += 1
        thing.wid = attempt.wid
        if attempt.kind in (ADD, APPEND):
            thing.held += (attempt.wid,)
            thing.logicals += (attempt.logical,)
        elif attempt.kind == REMOVE:
            thing.held = tuple(each for each in thing.held if each != attempt.element)
        elif attempt.kind == CLEAR:
            thing.held = ()
        return attempt.wid, thing.ver

    # the audit

    def audit(self, now: int) -> None:
        """Read everything once more, after the queue was drained."""
        self.phase = int(Phase.AUDIT)
        for thing in (SESSION, PREFERENCES, DRAFT, CART, HISTORY, ORDERS, UPLOAD):
            if self.cookie not in self.alive:
                if self.cookie:
                    gone = _Try(0, thing, READ, now, outcome=FAILED, gone=True)
                    self.record(now + MS, gone)
                    now += 2 * MS
                again = self.write(now, 0, SESSION, SIGN_IN)
                self.take_effect(now, again)
                self.record(now + MS, again)
                self.cookie = again.server_session
                now += 2 * MS
            attempt = _Try(0, thing, READ, now, cookie=self.cookie)
            self.take_effect(now, attempt)
            self.record(now + MS, attempt)
            now += 2 * MS


def simulate(
    sessions: int, operations: int, seed: int, weather: Weather = FAIR, first: int = 1
) -> pa.Table:
    """The history of `sessions` users with about `operations` calls each, as a table."""
    dice = random.Random(seed)
    rows: list[tuple[Any, ...]] = []
    for number in range(first, first + sessions):
        start = START + dice.randrange(1000) * MS
        session = Session(number, weather, dice, start)
        session.play(operations, start)
        rows += session.rows
    return to_table(rows)


def to_table(rows: list[tuple[Any, ...]]) -> pa.Table:
    """Rows in the order of `COLUMNS` as a table in the order of their call."""
    raw = dict(zip(COLUMNS, zip(*rows, strict=True), strict=True))
    arrays: dict[str, Any] = {
        name: np.array(raw[name], dtype=dtype) for name, dtype in NUMERIC.items()
    }
    for name in ("items", "item_logicals"):
        arrays[name] = pa.array(raw[name], pa.list_(pa.uint32()))
    arrays["note"] = pa.nulls(len(rows), pa.string())
    assert max(raw["ret"]) < FOREVER
    return pa.table(arrays, schema=ARROW_SCHEMA).sort_by("call")
