"""Thresholds: what is measured against them."""

from __future__ import annotations

from typing import Any

import pytest

from statedrill.vocabulary import Outcome, Phase
from tests.check.history_builder import PREFERENCES, START, HistoryBuilder


def build_history() -> HistoryBuilder:
    """Forty reads of 1 to 40 ms in the baseline, two a second, and one slow failure."""
    builder = HistoryBuilder()
    for number in range(40):
        builder.read(number * 500, PREFERENCES, 0, ver=0, took=number + 1)
    builder.read(100, PREFERENCES, 0, outcome=Outcome.UNKNOWN, took=900)
    return builder


def judged(text: str, **more: Any) -> dict[str, Any]:
    """The verdict's entry for one threshold, on firm footing."""
    end = START + 21_000_000_000
    marks = (("baseline", START), ("audit", end - 1), ("end", end))
    events = [{"t": t, "event": "phase", "phase": phase} for phase, t in marks]
    load = [{"t": START + 1, "worker": 0, "planned_rate": 1.0, "lag_ms_max": 1.0}]
    builder = build_history()
    builder.rows[-1]["phase"] = more.get("failed_in", Phase.FAULT)
    verdict = builder.verdict({"thresholds": [text]}, events, load=load)
    assert verdict["footing"]["outcome"] == more.get("footing", "held")
    (entry,) = verdict["thresholds"]
    return dict(entry)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("p(50)<25", 20.0), ("p(95)<40", 38.0), ("max<41", 40.0), ("min>=1", 1.0),
        ("avg<21", 20.5), ("med<21", 20.0), ("count==41", 41), ("rate<0.03", 1 / 41),
        ("rate{phase:baseline}<=0", 0.0), ("count{op:look,kind:read}>40", 41),
        ("count{instance:i-00000001}>40", 41), ("lost<=0", 0.0), ("stale==0", 0.0),
    ],
)  # fmt: skip
def test_values_are_measured(text: str, value: float) -> None:
    entry = judged(text)
    assert entry["value"] == pytest.approx(value, rel=1e-3)
    assert entry["outcome"] == ("unknown" if text.startswith("lost") else "held")


def test_a_threshold_that_is_crossed_is_broken() -> None:
    assert judged("p(99){phase:baseline}<39")["outcome"] == "broken"


@pytest.mark.parametrize(
    "text", ["avg{op:unheard-of}<5", "rate{phase:recovery}<0.1", "count{instance:i-1}<5"]
)
def test_a_metric_that_never_appeared_has_not_passed(text: str) -> None:
    entry = judged(text)
    assert (entry["outcome"], entry["value"]) == ("broken", None)
    assert "never appeared" in entry["evidence"]


def test_latency_of_what_failed_only_has_not_passed() -> None:
    assert judged("p(99){phase:fault}<5")["outcome"] == "broken"


@pytest.mark.parametrize(
    ("text", "value", "outcome"),
    [
        ("max<25 for 5s", 40.0, "broken"),
        ("avg<40 for 5s", 35.5, "held"),
        ("rate<0.2 for 2s", 0.2, "broken"),
        ("rate{phase:baseline}<0.2 for 2s", 0.0, "held"),
        ("count>=9 for 5s", 10, "held"),
        ("count>11 for 5s", 10, "broken"),
        ("p(50)<40 for 1000s", 20.0, "held"),
    ],
)
def test_with_a_window_it_must_hold_in_every_one(text: str, value: float, outcome: str) -> None:
    entry = judged(text)
    assert entry["value"] == pytest.approx(value, rel=5e-3)
    assert entry["outcome"] == outcome


def test_traffic_without_footing_is_not_known_but_losses_are_facts() -> None:
    shaken = {"failed_in": Phase.BASELINE, "footing": "unknown"}
    assert judged("p(99)<5", **shaken)["outcome"] == "unknown"
    assert judged("stale==0", **shaken)["outcome"] == "held"
    assert judged("stale>0", **shaken)["outcome"] == "broken"
