"""What the checks are told of the drill: read from the plan and its events."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.check.context import CheckContext, make_context
from statedrill.errors import InputError
from statedrill.history.operation import FOREVER
from tests.check.drill_builder import FAULT, RECOVERY, events, users
from tests.check.history_builder import MS, START
from tests.support.plans import plain_plan


def context(changes: dict[str, Any], domain: str | None = None, **more: Any) -> CheckContext:
    history = users(sessions=1).history(events(domain, **more))
    return make_context(history, plain_plan(changes), *history.span())


def test_a_drill_without_operations_begins_with_its_first_event() -> None:
    history = users(sessions=0).history(events("zone"))
    assert history.rows == 0
    found = make_context(history, plain_plan(), *history.span())
    times = [event["t"] for event in history.events]
    assert (found.origin_ns, found.end_ns) == (min(times), max(times))
    assert found.bin_ns == 500_000_000


def test_a_late_effect_is_bounded_by_the_time_outs_on_its_way() -> None:
    timings = {"load_balancer_timeout_s": 7.0, "queue_visibility_s": 2.5}
    services = {"queue": False}
    assert context({"timings": timings, "pattern": {"services": services}}).lateness_ns == 7e9
    services = {"queue": True}
    assert context({"timings": timings, "pattern": {"services": services}}).lateness_ns == 9.5e9


@pytest.mark.parametrize(
    ("given", "ttl_ns"), [("90", 90_000_000_000), ("inf", FOREVER), ("nan", FOREVER),
                          ("1e400", FOREVER), ("soon", FOREVER), ("", FOREVER)],
)  # fmt: skip
def test_a_session_lives_as_long_as_the_application_says_or_for_good(
    given: str, ttl_ns: int
) -> None:
    env = {"application": {"env": {"SESSION_TTL_S": given}}}
    assert context({"pattern": env}).ttl_ns == ttl_ns


@pytest.mark.parametrize(
    ("survives", "happened", "window"),
    [(["zone"], "zone", False), ([], "zone", True), ([], None, False)],
)
def test_a_failure_that_was_not_promised_against_may_lose_while_it_lasts(
    survives: list[str], happened: str | None, window: bool
) -> None:
    changes = {"pattern": {"promise": {"survives": survives}}, "experiment": {"domain": "zone"}}
    found = context(changes, happened)
    begin, end = START + FAULT * MS, START + RECOVERY * MS
    assert (found.fault_ns is None) is (happened is None)
    assert found.loss_window_ns == ((begin, end) if window else None)


def test_whether_the_queue_was_drained_is_what_was_seen_last() -> None:
    assert context({}, drained=True).drained
    assert not context({}, drained=False).drained


def test_a_threshold_of_the_plan_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(InputError):
        context({"thresholds": ["p99 is small"]})
