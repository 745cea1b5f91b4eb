"""Every citation of a definition leads to it, and every check has its definition."""

from __future__ import annotations

import re
from pathlib import Path

from statedrill.check.checks import CHECKS

ROOT = Path(__file__).parents[1]
DEFINITIONS = (ROOT / "docs" / "definitions.md").read_text(encoding="utf-8")
ANCHORS = set(re.findall(r'<a id="([\w-]+)"></a>', DEFINITIONS))
ROOMS = ("statedrill", "reference_app", "scenarios", "tools", "tests")
SOURCES = [
    *(path for room in ROOMS for path in (ROOT / room).rglob("*.py")),
    *ROOT.glob("*.md"),
    *(ROOT / "docs").glob("*.md"),
]


def test_every_cited_definition_exists() -> None:
    lost = [
        f"{path.relative_to(ROOT)}: #{anchor}"
        for path in SOURCES
        for anchor in re.findall(r"definitions\.md#([\w-]+)", path.read_text(encoding="utf-8"))
        if anchor not in ANCHORS
    ]
    assert not lost
    within = set(re.findall(r"\]\(#([\w-]+)\)", DEFINITIONS))
    assert within <= ANCHORS


def test_every_check_is_defined() -> None:
    assert {check.name for check in CHECKS} <= ANCHORS


def test_an_anchor_stands_once() -> None:
    anchors = re.findall(r'<a id="([\w-]+)"></a>', DEFINITIONS)
    assert len(anchors) == len(set(anchors))
