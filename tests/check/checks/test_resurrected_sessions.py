"""Resurrected sessions: whose old cookie is good again after they signed out."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pyarrow as pa
import pytest

from statedrill.check.checks.resurrected_sessions import ResurrectedSessions
from statedrill.check.context import RestoreObjective
from statedrill.check.run_checks import run_checks
from statedrill.history.operation import NOT_SHOWN, SIGNED_OUT
from statedrill.history.store import to_part
from statedrill.vocabulary import Kind, Outcome
from tests.check.checks.test_lost_sessions import Row, end_of, random_session
from tests.check.history_builder import CONTEXT, MS, NAMES, SESSION, START, HistoryBuilder

CHECK = ResurrectedSessions.name


def signed_out(at: float = 10, **more: int) -> HistoryBuilder:
    """A session that was signed in as 2, and that its user has ended."""
    builder = HistoryBuilder()
    builder.write(0, SESSION, 1, server_session=2)
    builder.write(at, SESSION, 2, **{"kind": Kind.SIGN_OUT, "server_session": 2, **more})
    return builder


def show(builder: HistoryBuilder, at: float, server_session: int, **more: int) -> None:
    builder.read(at, SESSION, 1, server_session=server_session, **more)


def test_an_old_cookie_that_is_good_again_accuses_its_session_once() -> None:
    builder = signed_out()
    show(builder, 20, 2)
    show(builder, 30, 2)
    assert builder.counts() == {CHECK: 1}


def test_an_old_cookie_that_is_refused_is_an_opportunity_and_no_violation() -> None:
    builder = signed_out()
    show(builder, 20, SIGNED_OUT, outcome=Outcome.FAILED, status=401)
    assert builder.results().of(ResurrectedSessions).opportunity.sum() == 1
    assert builder.counts() == {}


@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAILED])
def test_a_sign_out_that_was_not_confirmed_promises_nothing(outcome: Outcome) -> None:
    builder = signed_out(outcome=outcome)
    show(builder, 20, 2)
    assert builder.counts() == {}


def test_a_sign_out_that_does_not_say_which_session_it_ended_promises_nothing() -> None:
    builder = signed_out(server_session=NOT_SHOWN)
    show(builder, 20, 2)
    assert builder.counts() == {}


def test_a_response_under_way_at_the_sign_out_proves_nothing() -> None:
    builder = signed_out()
    show(builder, 11, 2)
    assert builder.counts() == {}


@pytest.mark.parametrize("outcome", [Outcome.OK, Outcome.UNKNOWN])
def test_who_has_signed_in_again_may_be_shown_a_session_of_the_same_number(
    outcome: Outcome,
) -> None:
    builder = signed_out()
    builder.write(15, SESSION, 3, outcome=outcome, server_session=2)
    show(builder, 20, 2)
    assert builder.counts() == {}


def test_what_is_accepted_into_a_queue_or_refused_as_unavailable_proves_nothing() -> None:
    builder = signed_out()
    show(builder, 20, 2, outcome=Outcome.ACCEPTED, status=202)
    show(builder, 30, 2, outcome=Outcome.FAILED, status=503)
    assert builder.counts() == {}


def restored(point_ms: float, **more: int) -> RestoreObjective:
    """The restore is over at 60 ms."""
    recorded = START + round(point_ms * MS)
    return RestoreObjective(9.0, START - 9_000 * MS, START + 60 * MS, recorded, **more)


@pytest.mark.parametrize(
    ("at", "shown_at", "restore", "found"),
    [
        (10, 20, None, 1),  # before the failure began
        (10, 50, None, 0),
        (45, 70, None, 0),
        (65, 70, None, 1),  # after it was over
        (10, 70, restored(30), 1),  # the restore had to bring the sign-out back
        (10, 50, restored(30), 0),  # it is not over yet
        (10, 70, restored(5), 0),  # the sign-out was given up
        (10, 70, restored(30, other_ns=START + 20 * MS), 0),  # another failure may have lost it
    ],
)
def test_a_failure_that_is_not_promised_against_explains_what_a_restore_need_not_bring_back(
    at: float, shown_at: float, restore: RestoreObjective | None, found: int
) -> None:
    builder = signed_out(at)
    show(builder, shown_at, 2)
    window = (START + 40 * MS, START + 60 * MS)
    results = builder.results(loss_window_ns=window, restore=restore, restored=bool(restore))
    result = results.of(ResurrectedSessions)
    assert result.violation.sum() == found
    assert result.consequences.sum() == 1 - found


def test_the_definition_written_out_in_loops_finds_the_same() -> None:
    dice = random.Random(4)
    builders = [random_session(dice, session) for session in range(1, 1500)]
    table = pa.concat_tables([builder.table() for builder in builders]).sort_by("call")
    rows = table.select(list(builders[0].rows[0])[:-1]).to_pylist()
    for bounded in (False, True):
        settings = type(CONTEXT)(**{**vars(CONTEXT), "lateness_ns": 3_000})
        results = run_checks(to_part(table), NAMES, settings, bounded)
        operations, result = results.given.observations.table, results.of(ResurrectedSessions)
        starts = [*operations.session_starts, len(operations)]
        seen = 0
        for begin, end in pairwise(starts):
            mine = [rows[number] for number in operations.source_row[begin:end]]
            expected = by_definition(mine, 3_000 if bounded else float("inf"))
            assert np.flatnonzero(result.back[begin:end]).tolist() == expected, mine
            assert bool(result.violation[begin]) == bool(expected)
            seen += bool(expected)
        assert seen > 20


def by_definition(rows: list[Row], lateness: float) -> list[int]:
    """The rows that belong to a session which their user had ended."""
    sign_outs = [
        row for row in rows
        if row["kind"] == Kind.SIGN_OUT and row["outcome"] == Outcome.OK
        and row["server_session"] > SIGNED_OUT
    ]  # fmt: skip
    found = []
    for number, row in enumerate(rows):
        before = [each for each in sign_outs if each["ret"] < row["call"]]
        if row["kind"] in (Kind.SIGN_IN, Kind.SIGN_OUT) or row["outcome"] != Outcome.OK:
            continue
        if not before:
            continue
        latest = max(before, key=lambda each: (each["ret"], rows.index(each)))
        again = any(
            each["kind"] == Kind.SIGN_IN
            and each["outcome"] != Outcome.FAILED
            and each["call"] < row["ret"]
            and end_of(each, lateness) >= latest["call"]
            for each in rows
        )
        if row["server_session"] == latest["server_session"] and not again:
            found.append(number)
    return found
