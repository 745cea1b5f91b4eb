"""Lost sessions: who was shown out without having left, and who came back."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from statedrill.check.checks.lost_sessions import LostSessions, LostSessionsResult
from statedrill.check.run_checks import run_checks
from statedrill.history.operation import NOT_SHOWN, SIGNED_OUT
from statedrill.history.store import to_part
from statedrill.vocabulary import Kind, Outcome, Phase
from tests.check.history_builder import CONTEXT, NAMES, PREFERENCES, SESSION, START, HistoryBuilder

Row = dict[str, Any]


def fate(builder: HistoryBuilder, **settings: Any) -> str:
    """What became of the only session: lost, outage, undecided or kept."""
    found = fates_in(builder.results(**settings).of(LostSessions), slice(None))
    return next(iter(found)) if found else "kept"


def fates_in(result: LostSessionsResult, rows: slice) -> set[str]:
    masks = {"lost": result.violation, "outage": result.outage, "undecided": result.undecided}
    return {name for name, mask in masks.items() if mask[rows].any()}


def signed_in(code: int = 2, at: float = 0, **more: Any) -> HistoryBuilder:
    builder = HistoryBuilder()
    builder.write(at, SESSION, 1, server_session=code, **more)
    return builder


def shown_out(builder: HistoryBuilder, at: float, **more: Any) -> None:
    builder.read(
        at, PREFERENCES, 0, outcome=Outcome.FAILED, status=401, server_session=SIGNED_OUT, **more
    )


def test_who_is_shown_out_and_must_sign_in_again_has_lost_the_session() -> None:
    builder = signed_in()
    shown_out(builder, 10)
    builder.write(20, SESSION, 2, server_session=3)
    assert fate(builder) == "lost"


def test_who_is_shown_out_and_is_back_has_had_an_outage() -> None:
    builder = signed_in()
    shown_out(builder, 10)
    builder.read(20, PREFERENCES, 0, server_session=2)
    assert fate(builder) == "outage"


def test_who_is_shown_out_at_the_audit_has_lost_the_session() -> None:
    builder = signed_in()
    builder.phase = Phase.AUDIT
    shown_out(builder, 10)
    assert fate(builder) == "lost"


def test_who_was_last_seen_shown_out_is_undecided() -> None:
    builder = signed_in()
    shown_out(builder, 10)
    assert fate(builder) == "undecided"


def test_a_new_session_handed_out_silently_is_a_loss_once_the_audit_shows_it_too() -> None:
    builder = signed_in()
    builder.read(10, PREFERENCES, 0, server_session=3)
    builder.phase = Phase.AUDIT
    builder.read(50, PREFERENCES, 0, server_session=3)
    assert fate(builder) == "lost"


def test_a_503_is_no_loss() -> None:
    builder = signed_in()
    builder.read(10, PREFERENCES, 0, outcome=Outcome.FAILED, status=503)
    assert fate(builder) == "kept"


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.UNKNOWN])
def test_who_signed_out_or_may_have_is_not_lost(outcome: Outcome) -> None:
    builder = signed_in()
    builder.write(5, SESSION, 2, kind=Kind.SIGN_OUT, outcome=outcome)
    shown_out(builder, 10)
    builder.write(20, SESSION, 3, server_session=3)
    assert fate(builder) == "kept"


def test_a_rejected_sign_out_excuses_nothing() -> None:
    builder = signed_in()
    builder.write(5, SESSION, 2, kind=Kind.SIGN_OUT, outcome=Outcome.FAILED)
    shown_out(builder, 10)
    builder.write(20, SESSION, 3, server_session=3)
    assert fate(builder) == "lost"


def test_a_sign_in_that_timed_out_may_have_replaced_the_session() -> None:
    builder = signed_in()
    builder.write(3, SESSION, 2, outcome=Outcome.UNKNOWN)
    shown_out(builder, 10)
    builder.write(20, SESSION, 3, server_session=3)
    assert fate(builder) == "kept"


def test_a_sign_in_that_timed_out_before_may_land_late_but_not_later_than_the_bound() -> None:
    builder = HistoryBuilder()
    builder.write(0, SESSION, 1, outcome=Outcome.UNKNOWN)
    builder.write(10, SESSION, 2, server_session=2)
    shown_out(builder, 20)
    builder.write(30, SESSION, 3, server_session=3)
    assert fate(builder) == "kept"
    assert builder.counts(bounded=True, lateness_ns=1_000_000) == {"lost-sessions": 1}


def test_an_answer_under_way_while_signing_in_again_proves_nothing() -> None:
    builder = signed_in()
    builder.write(10, SESSION, 2, server_session=3, took=10, lane=1)
    builder.read(5, PREFERENCES, 0, server_session=2, took=30)
    shown_out(builder, 12)
    assert fate(builder) == "kept"


def test_an_expired_session_is_not_lost() -> None:
    builder = signed_in()
    builder.read(10, PREFERENCES, 0, server_session=2)
    shown_out(builder, 5_000)
    builder.write(6_000, SESSION, 2, server_session=3)
    assert fate(builder, ttl_ns=1_000_000_000) == "kept"
    assert fate(builder, ttl_ns=6_000_000_000) == "lost"


def test_without_any_confirmed_sign_in_there_is_nothing_to_lose() -> None:
    builder = HistoryBuilder()
    shown_out(builder, 10)
    results = builder.results()
    assert fate(builder) == "kept"
    assert not results.of(LostSessions).opportunity.any()


def test_the_definition_written_out_in_loops_finds_the_same() -> None:
    dice = random.Random(3)
    builders = [random_session(dice, session) for session in range(1, 1500)]
    table = pa.concat_tables([builder.table() for builder in builders]).sort_by("call")
    for bounded in (False, True):
        settings = type(CONTEXT)(**{**vars(CONTEXT), "lateness_ns": 3_000})
        results = run_checks(to_part(table), NAMES, settings, bounded)
        operations, result = results.given.observations.table, results.of(LostSessions)
        rows = table.select(list(builders[0].rows[0])[:-1]).to_pylist()
        seen = set()
        for begin, end in zip(
            operations.session_starts,
            [*operations.session_starts[1:], len(operations)],
            strict=True,
        ):
            evident = [rows[number] for number in operations.source_row[begin:end]]
            losses, what = by_definition(evident, 3_000 if bounded else float("inf"))
            assert np.flatnonzero(result.loss[begin:end]).tolist() == losses, evident
            names = fates_in(result, slice(begin, begin + 1))
            assert names == what, evident
            seen |= names
        assert seen == {"lost", "outage", "undecided"}


def random_session(dice: random.Random, session: int) -> HistoryBuilder:
    builder = HistoryBuilder()
    for wid in range(1, dice.randint(2, 9)):
        kind = dice.choice((Kind.SIGN_IN, Kind.READ, Kind.READ, Kind.READ, Kind.SIGN_OUT))
        outcome = dice.choices(tuple(Outcome), weights=(7, 2, 2, 0))[0]
        shown = dice.choice((2, 2, 3, SIGNED_OUT, NOT_SHOWN))
        thing = PREFERENCES if kind is Kind.READ else SESSION
        number = builder.add(
            0, session, thing, kind, outcome=outcome, server_session=shown, wid=wid,
            lane=dice.choice((0, 0, 1)),
        )  # fmt: skip
        call = START + dice.randrange(20) * 1000
        audit = dice.random() < 0.15
        builder.rows[number] |= {
            "call": call, "ret": call + dice.choice((0, 1, 3)) * 1000,
            "phase": Phase.AUDIT if audit else Phase.BASELINE,
            "wid": 0 if kind is Kind.READ else wid,
        }  # fmt: skip
    return builder


def by_definition(rows: list[Row], lateness: float) -> tuple[list[int], set[str]]:
    """The rows that show a loss, and what became of the session."""
    sign_ins = [
        row for row in rows
        if row["kind"] == Kind.SIGN_IN and row["outcome"] == Outcome.OK
        and row["server_session"] > SIGNED_OUT
    ]  # fmt: skip
    changing = [
        row for row in rows
        if row["kind"] in (Kind.SIGN_IN, Kind.SIGN_OUT) and row["outcome"] != Outcome.FAILED
    ]  # fmt: skip
    evident = []
    for number, row in enumerate(rows):
        before = [each for each in sign_ins if each["ret"] < row["call"]]
        itself = row["kind"] == Kind.SIGN_IN or (
            row["kind"] == Kind.SIGN_OUT and row["outcome"] == Outcome.OK
        )
        if not before or itself or row["server_session"] == NOT_SHOWN:
            continue
        latest = max(before, key=lambda each: (each["ret"], rows.index(each)))
        if row["server_session"] == latest["server_session"]:
            evident.append((row["call"], number, latest, False))
            continue
        others = [
            each for each in changing
            if each is not latest and each["call"] < row["ret"]
            and end_of(each, lateness) >= latest["call"]
        ]  # fmt: skip
        if not others:
            evident.append((row["call"], number, latest, True))
    evident.sort(key=lambda each: each[:2])
    losses = sorted(number for _, number, _, loss in evident if loss)
    return losses, fates(rows, evident)


def end_of(row: Row, lateness: float) -> float:
    return row["ret"] + (lateness if row["outcome"] == Outcome.UNKNOWN else 0)


def fates(rows: list[Row], evident: list[tuple[int, int, Row, bool]]) -> set[str]:
    what = set()
    for place, (_, number, sign_in, loss) in enumerate(evident):
        last = place + 1 == len(evident) or evident[place + 1][2] is not sign_in
        if not loss:
            continue
        what.add("outage")
        if last:
            again = any(
                each["kind"] == Kind.SIGN_IN and each["call"] >= rows[number]["ret"]
                for each in rows
            )
            audited = rows[number]["phase"] >= Phase.AUDIT
            what.add("lost" if again or audited else "undecided")
    return (
        {next(name for name in ("lost", "undecided", "outage") if name in what)} if what else what
    )
