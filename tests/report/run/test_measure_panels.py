"""The picture of what was measured has a panel for each kind of figure that there is."""

from __future__ import annotations

from typing import Any

from statedrill.report.figures.axis import axis_of
from statedrill.report.run.measure_panels import picture_of
from tests.report.runs import stored

SAMPLES: dict[str, Any] = {
    "t_s": [1.0, 2.0, 3.0],
    "hits": [None, 9, None],
    "misses": [None, 1, None],
    "depth": {"orders": [0, 7, 0], "updates": [1, 2, 3]},
    "age_s": [0.0, 1.5, 0.0],
    "lag_bytes": {"cache": [0, 100, 0]},
    "lag_s": {"cache": [0.0, 0.5, 0.0]},
    "cpu_s": [None, 0.4, 0.5],
    "memory_mib": [100.0, 100.0, None],
    "sampler_ms": [4.0, 4.0, 4.0],
}
IMBALANCE = ("instances in service", "imbalance over the instances")
SAMPLED = ("hit rate of the cache (%)", "messages in the queues", "replica behind (seconds)",
           "processors used by the application")  # fmt: skip


def drawn(**samples: Any) -> str:
    verdict = stored()
    if samples:
        verdict["series"]["samples"] = {**SAMPLES, **samples}  # type: ignore[typeddict-item]
    return str(picture_of(verdict, axis_of(verdict, 60.0)) or "")


def test_each_kind_of_figure_has_a_panel_and_each_name_a_line() -> None:
    picture = drawn(t_s=[1.0, 2.0, 3.0])
    for text in (*IMBALANCE, *SAMPLED, "orders", "updates", "cache"):
        assert text in picture


def test_a_run_that_was_not_sampled_has_no_panel_for_it() -> None:
    picture = drawn()
    assert all(text in picture for text in IMBALANCE)
    assert not any(text in picture for text in SAMPLED)


def test_a_figure_that_was_never_known_has_no_panel() -> None:
    nothing = [None] * 3
    picture = drawn(hits=nothing, misses=nothing, depth={}, lag_s={}, cpu_s=nothing)
    assert not any(text in picture for text in SAMPLED)


def test_an_older_verdict_has_no_picture() -> None:
    verdict = stored()
    verdict.pop("series", None)
    assert picture_of(verdict, axis_of(verdict, 60.0)) is None
