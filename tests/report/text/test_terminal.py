"""The terminal's table and lines: right, narrow enough, and never read as markup."""

from __future__ import annotations

import subprocess
import sys

from rich.console import Console

from statedrill.report.text.terminal import terminal_table, text_summary
from tests.report.runs import sample_verdict


def printed(*verdicts: dict[str, object], width: int = 80) -> str:
    console = Console(width=width, color_system=None)
    with console.capture() as capture:
        console.print(terminal_table(verdicts))
    return capture.get()


def test_the_table_shows_every_loss_within_80_columns() -> None:
    text = printed(
        sample_verdict("sticky", "instance-kill"), sample_verdict("distributed", "cache-flush")
    )
    for figure in ("sticky", "instance-kill", "80/240", "323/2,328", "240/240", "995/2,199",
                   "2.3 s", "22→9.5", "✓ held"):  # fmt: skip
        assert figure in text
    assert "…" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


def test_an_empty_verdict_is_unknown_and_has_dashes() -> None:
    text = printed({})
    assert "? unknown" in text
    assert "—" in text


def test_nothing_tested_says_so() -> None:
    assert "not tested" in printed({"sessions": {"total": 0, "lost": 0}}, width=120)


def test_a_name_is_a_name_and_no_markup() -> None:
    assert "[red]x" in printed({"pattern": "[red]x"}, width=120)


def test_the_lines_name_broken_and_unknown_clauses_that_were_promised() -> None:
    verdict = sample_verdict() | {
        "outcome": "broken", "why": ["because"],
        "promise": [
            {"clause": "survives zone", "promised": True, "outcome": "broken", "evidence": "3"},
            {"clause": "monotonic reads", "promised": False, "outcome": "unknown"},
        ],
        "thresholds": [{"threshold": "lost<1", "outcome": "unknown", "value": None}],
    }  # fmt: skip
    lines = text_summary(verdict).splitlines()
    assert lines[0].startswith("✕ broken: sticky lost")
    assert lines[1:] == ["  because", "  ✕ survives zone: 3", "  ? lost<1: measured —"]


def test_what_a_reason_names_is_not_said_again() -> None:
    verdict = sample_verdict() | {
        "outcome": "broken",
        "why": ["Broken: survives zone (3 lost).", "Broken: the threshold lost<1 (measured 3)."],
        "promise": [
            {"clause": "survives zone", "promised": True, "outcome": "broken", "evidence": "3 lost"}
        ],
        "thresholds": [
            {"threshold": "lost<1", "outcome": "broken", "value": 3.0},
            {"threshold": "avg<9", "outcome": "unknown", "value": None},
        ],
    }
    assert text_summary(verdict).splitlines()[1:] == [
        "  Broken: survives zone (3 lost).",
        "  Broken: the threshold lost<1 (measured 3).",
        "  ? avg<9: measured —",
    ]


def test_the_terminal_needs_neither_pandas_nor_matplotlib() -> None:
    code = (
        "import sys; from statedrill.report.text.terminal import terminal_table, text_summary; "
        "print({'pandas', 'matplotlib'} & set(sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
