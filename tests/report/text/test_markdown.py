"""summary.md: short, escaped, and naming what was broken."""

from __future__ import annotations

from statedrill.report.text.markdown import row, summary_of_run
from tests.report.runs import a_run


def test_markdown_of_a_pipe_stays_in_its_cell() -> None:
    assert row("a|b", "c\nd") == "| a\\|b | c d |"


def test_the_summary_is_short_and_names_what_was_broken() -> None:
    promise = [{"clause": "survives instance", "promised": True, "outcome": "broken",
                "evidence": "81 of 240 sessions lost"}]  # fmt: skip
    limits = [{"threshold": "lost<1", "outcome": "unknown", "value": None}]
    run = a_run("sticky", "instance-kill", promise=promise, outcome="broken", thresholds=limits)
    summary = summary_of_run(run)
    assert summary.startswith("### ❌ broken: sticky")
    assert "❌ broken: survives instance (81 of 240 sessions lost)" in summary
    assert "❔ unknown: lost\\<1 (None)" in summary
    assert len(summary.splitlines()) < 30
