"""Small random histories, mostly illegal: ties, unknowns, foreign and future reads, versions."""

from __future__ import annotations

import random
from typing import Any

from statedrill.history.operation import ABSENT, ALIEN, FOREIGN, INITIAL, NO_VERSION, NOTHING
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import CART, HISTORY, ORDERS, PREFERENCES, START, HistoryBuilder

THINGS = (PREFERENCES, CART, HISTORY, ORDERS)
US = 1_000


def small_history(dice: random.Random, session: int, thing: int | None = None) -> HistoryBuilder:
    """A builder of one session and one object with at most ten operations."""
    thing = dice.choice(THINGS) if thing is None else thing
    builder = HistoryBuilder()
    moments = dice.choice((6, 12, 40))
    writes = [_write(dice, thing, wid) for wid in range(1, dice.randint(1, 5) + 1)]
    versions = dice.random() < 0.7
    reads = [_read(dice, thing, writes) for _ in range(dice.randint(1, 5))]
    calls = [dice.randrange(moments) for _ in (*writes, *reads)]
    if dice.random() < 0.4:
        calls.sort()
    for row, call in zip((*writes, *reads), calls, strict=True):
        _place(builder, dice, {"session": session, "thing": thing, **row}, call, versions)
    return builder


def _place(
    builder: HistoryBuilder, dice: random.Random, row: dict[str, Any], call: int, versions: bool
) -> None:
    session, thing = row.pop("session"), row.pop("thing")
    kind = row.pop("kind")
    seen = row.get("outcome", Outcome.OK) is Outcome.OK
    ver = dice.randrange(4) if versions and seen and dice.random() < 0.9 else NO_VERSION
    audit = kind is Kind.READ and dice.random() < 0.3
    number = builder.add(0, session, thing, kind, ver=ver, lane=dice.choice((0, 0, 1)), **row)
    builder.rows[number] |= {
        "call": START + call * US,
        "ret": START + (call + dice.choice((0, 1, 1, 2, 5))) * US,
        "phase": Phase.AUDIT if audit else Phase.BASELINE,
    }


def _write(dice: random.Random, thing: int, wid: int) -> dict[str, Any]:
    kinds = {PREFERENCES: [Kind.PUT], CART: [Kind.ADD, Kind.ADD, Kind.REMOVE, Kind.CLEAR]}
    kind = dice.choice(kinds.get(thing, [Kind.APPEND]))
    outcome = dice.choices(tuple(Outcome), weights=(6, 1, 2, 2))[0]
    row: dict[str, Any] = {"kind": kind, "wid": wid, "outcome": outcome}
    if outcome is Outcome.OK:
        row["read_wid"] = dice.choices((wid, dice.randint(1, 4), NOTHING), weights=(8, 1, 1))[0]
    if kind is Kind.REMOVE:
        row["element"] = max(1, wid - dice.randint(1, 2))
    if thing == ORDERS:
        row["logical"] = dice.choice((0, 1, 2))
    return row


def _read(dice: random.Random, thing: int, writes: list[dict[str, Any]]) -> dict[str, Any]:
    wids = [row["wid"] for row in writes]
    odd = dice.choice((FOREIGN, ALIEN, ABSENT, NOTHING, 9))
    shown = dice.choices((dice.choice(wids), INITIAL, odd), weights=(12, 2, 1))[0]
    row: dict[str, Any] = {"kind": Kind.READ, "read_wid": shown}
    row["outcome"] = dice.choices((Outcome.OK, Outcome.FAILED), weights=(12, 1))[0]
    if thing != PREFERENCES and dice.random() < 0.85:
        items = [wid for wid in wids if dice.random() < 0.6]
        if dice.random() < 0.2:
            dice.shuffle(items)
        if dice.random() < 0.1:
            items.append(dice.choice((*wids, FOREIGN, 9)))
        row["items"] = items
        if thing == ORDERS:
            by_wid = {each["wid"]: each["logical"] for each in writes}
            row["item_logicals"] = [by_wid.get(wid, 0) for wid in items]
    return row
