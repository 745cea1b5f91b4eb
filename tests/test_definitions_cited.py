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


def test_no_rule_is_cited_without_the_place_where_it_stands() -> None:
    bare = [
        f"{path.relative_to(ROOT)}: {rule}"
        for path in SOURCES
        if path.suffix == ".py" and path != Path(__file__)
        for text in (path.read_text(encoding="utf-8"),)
        for rule in re.findall(r"\brules? (R\d+)|\((R\d+)\)", text)
        for rule in rule
        if rule and f"definitions.md#{rule.lower()}" not in text
    ]
    assert not bare


def test_no_document_outside_of_the_repository_is_cited() -> None:
    outside = re.compile(r"\bverification('s)?[,:]? +(section|rule|the section)", re.IGNORECASE)
    assert not [
        str(path.relative_to(ROOT))
        for path in SOURCES
        if path != Path(__file__) and outside.search(path.read_text(encoding="utf-8"))
    ]


def test_every_check_is_defined() -> None:
    assert {check.name for check in CHECKS} <= ANCHORS


def test_an_anchor_stands_once() -> None:
    anchors = re.findall(r'<a id="([\w-]+)"></a>', DEFINITIONS)
    assert len(anchors) == len(set(anchors))


def test_every_proof_is_where_the_definitions_say() -> None:
    named = re.findall(r"`((?:tests|tools)/[\w/]+\.py)`", DEFINITIONS)
    assert named
    assert [path for path in named if not (ROOT / path).exists()] == []
