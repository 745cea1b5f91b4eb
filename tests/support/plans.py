"""Plans for tests: a whole plan.json, of which a test changes what it is about."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from typing import Any, cast

from statedrill.inputs.options import Options
from statedrill.plan.plan import make_plan
from statedrill.plan.record import PlanRecord


def plan_record(changes: Mapping[str, Any] | None = None, **options: Any) -> PlanRecord:
    """What plan.json holds of a drill with these options, and `changes` merged into it.

    A mapping among the changes is merged as well: `{"load": {"users": 5}}` leaves the rest of
    `load` as it is.
    """
    plan = make_plan(Options(**options), "r1", "2026-01-01T00:00:00+00:00")
    content: dict[str, Any] = json.loads(json.dumps(plan.record()))
    _merge(content, changes or {})
    return cast(PlanRecord, content)


def plain_plan(changes: Mapping[str, Any] | None = None) -> PlanRecord:
    """A plan that promises nothing and breaks nothing, with `changes` merged into it."""
    content = json.loads(_plain())
    _merge(content, changes or {})
    return cast(PlanRecord, content)


@cache
def _plain() -> str:
    promise: dict[str, list[str]] = {"survives": [], "guarantees": [], "idempotent": []}
    timings = {"load_balancer_timeout_s": 60.0, "queue_visibility_s": 0.0}
    return json.dumps(plan_record({
        "pattern": {"promise": promise}, "experiment": {"domain": None}, "timings": timings,
        "load": {"planned_rate": None}, "seed": 0,
    }))  # fmt: skip


def _merge(content: dict[str, Any], changes: Mapping[str, Any]) -> None:
    for key, value in changes.items():
        if isinstance(value, Mapping) and isinstance(content.get(key), dict):
            _merge(content[key], value)
        else:
            content[key] = value
