"""The report of one run: whole, true to the verdict, self-contained, and safe with any name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from statedrill.history.operation import Operation
from statedrill.history.recorder import Recorder
from statedrill.report.formatting import exact
from statedrill.report.run.outputs import write_report
from statedrill.vocabulary import Kind, Model, Outcome
from tests.report.reading import Page
from tests.report.runs import sample_plan, sample_verdict, write_json, write_run
from tools.sample import SAMPLE

THRESHOLDS = [
    {"threshold": "p(99){phase:recovery}<500", "outcome": "held", "value": 31.04},
    {"threshold": "lost<1", "outcome": "broken", "value": 323.0},
]
HOSTILE = """<script>alert("x")</script>&'|`*_[a](b)\x07"""


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("reports") / "run", thresholds=THRESHOLDS)
    write_report(folder)
    return folder


@pytest.fixture(scope="module")
def page(run: Path) -> Page:
    return Page((run / "report.html").read_text())


def figures(value: Any) -> Iterator[Any]:
    """Every number of a tree, the series left out."""
    if isinstance(value, dict):
        for key, each in value.items():
            if key != "series":
                yield from figures(each)
    elif isinstance(value, list):
        for each in value:
            yield from figures(each)
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield value


def test_the_page_opens_with_the_verdict_in_one_sentence(page: Page) -> None:
    opening = page.text[: page.text.index("What was kept")]
    said = sample_verdict()["summary"]
    assert re.sub(r"\s+", " ", said) in opening.replace("\u00a0", " ")
    assert "held" in opening


def test_every_number_of_the_verdict_is_on_the_page(page: Page) -> None:
    verdict = sample_verdict()
    for key in ("findings", "faults", "phases", "promise", "thresholds"):
        verdict.pop(key)
    missing = [each for each in figures(verdict) if exact(each) not in page.text]
    assert missing == []


def test_every_clause_finding_fault_and_threshold_is_on_the_page(page: Page) -> None:
    verdict = sample_verdict()
    for clause in verdict["promise"]:
        assert clause["clause"] in page.text
        assert clause["evidence"] in page.text
    for finding in verdict["findings"]:
        assert finding["check"] in page.text
        assert (finding["witness"] or "") in page.text.replace("\u00a0", " ")
    for fault in verdict["faults"]:
        assert fault["proof"] in page.text
    for threshold in THRESHOLDS:
        assert f"{threshold['threshold']} " in page.text
        assert exact(threshold["value"]) in page.text


def test_the_timeline_table_has_a_row_for_every_bin(page: Page, run: Path) -> None:
    bins = sample_verdict()["series"]["t_s"]
    table = (run / "report.html").read_text().split("The numbers behind the timeline</caption>")[1]
    rows = table[: table.index("</table>")].count("<tr>")
    assert rows == len(bins) + 1


def test_the_plan_is_on_the_page(page: Page) -> None:
    plan = sample_plan()
    for value in (plan["run"], plan["created"], "reference_app.web", plan["scenario"]["name"],
                  plan["versions"]["locust"], plan["host"]["system"]):  # fmt: skip
        assert value in page.text


def test_the_page_loads_nothing_and_runs_nothing(page: Page, run: Path) -> None:
    text = (run / "report.html").read_text()
    assert page.loads == []
    assert "url(http" not in text
    assert "@import" not in text
    assert "http://" not in text
    assert "https://" not in text


def test_every_id_is_there_once_and_every_label_and_anchor_leads_to_one(page: Page) -> None:
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)
    anchors = {link[1:] for link in page.links if link.startswith("#")}
    assert anchors <= set(page.ids)
    assert page.open == []


def test_every_reference_within_a_drawing_leads_to_an_id(run: Path, page: Page) -> None:
    text = (run / "report.html").read_text()
    used = set(re.findall(r'url\(#([^)]+)\)|<use href="#([^"]+)"', text))
    assert used
    assert {first or second for first, second in used} <= set(page.ids)


def test_every_link_to_a_file_leads_to_one(page: Page, run: Path) -> None:
    for link in page.links:
        if not link.startswith("#"):
            assert (run / link).exists(), link


def test_every_drawing_has_a_title_and_a_text(run: Path) -> None:
    drawings = re.findall(r"<svg.*?</svg>", (run / "report.html").read_text(), re.DOTALL)
    assert len(drawings) >= 4
    for drawing in drawings:
        assert re.search(r"<title id=[^>]+>[^<]+</title><desc id=[^>]+>[^<]+</desc>", drawing)


def test_no_placeholder_colour_is_left(run: Path) -> None:
    assert "#0a0b" not in (run / "report.html").read_text()


def test_the_same_folder_gives_the_same_files(run: Path) -> None:
    names = ("report.html", "summary.md", "junit.xml")
    before = [(run / name).read_bytes() for name in names]
    write_report(run)
    assert [(run / name).read_bytes() for name in names] == before


def test_the_page_is_small(run: Path) -> None:
    assert (run / "report.html").stat().st_size < 600_000


def test_names_from_files_are_shown_and_never_obeyed(tmp_path: Path) -> None:
    verdict = sample_verdict()
    finding = next(each for each in verdict["findings"] if each["operations"])
    finding["witness"] = HOSTILE
    finding["operations"][0]["what"] = HOSTILE + "$x^2$"
    faults = [{**verdict["faults"][0], "name": HOSTILE, "targets": [HOSTILE], "proof": HOSTILE}]
    phases = [{"phase": HOSTILE, "begin_s": 0.0, "end_s": 49.0}]
    folder = write_run(
        tmp_path / "run", summary=HOSTILE, why=[HOSTILE], phases=phases, faults=faults,
        findings=verdict["findings"],
        promise=[{"clause": HOSTILE, "promised": True, "outcome": "broken", "evidence": HOSTILE}],
    )  # fmt: skip
    plan = sample_plan()
    plan["pattern"]["application"]["env"] = {HOSTILE: HOSTILE}
    write_json(folder / "plan.json", plan)
    page = Page(write_report(folder).read_text())
    assert "script" not in page.tags
    assert page.loads == []
    assert '<script>alert("x")</script>' in page.text
    summary = (folder / "summary.md").read_text()
    assert "<script>" not in summary.replace("\\<script\\>", "")
    case = ElementTree.parse(folder / "junit.xml").find(".//failure")
    assert case is not None
    assert "<script>" in str(case.get("message"))


def test_a_verdict_without_any_one_key_still_gets_its_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    drawn = ("series", "findings", "latency_ms")
    for gone in sample_verdict():
        kept = {key: each for key, each in sample_verdict().items() if key not in (gone, *drawn)}
        write_json(folder / "verdict.json", kept)
        assert Page(write_report(folder).read_text()).open == [], gone


@pytest.mark.parametrize("gone", [("phases", "latency_ms"), ("faults", "series")])
def test_drawings_come_out_without_phases_or_faults(tmp_path: Path, gone: tuple[str, str]) -> None:
    folder = write_run(tmp_path / "run")
    kept = {key: each for key, each in sample_verdict().items() if key not in gone}
    write_json(folder / "verdict.json", kept)
    assert "<svg" in write_report(folder).read_text()


def test_a_verdict_of_nulls_and_empty_lists_still_gets_its_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    verdict = {key: [] if isinstance(value, list) else None
               for key, value in sample_verdict().items()}  # fmt: skip
    write_json(folder / "verdict.json", verdict | {"schema": 1})
    text = Page(write_report(folder).read_text()).text
    assert "No operation is on record" in text
    assert "unknown" in text


def test_a_run_that_was_never_judged_shows_what_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    recorded = (SAMPLE / "sticky-instance-kill" / "history" / "events.jsonl").read_text()
    events = [json.loads(line) for line in recorded.splitlines()]
    begun = next(n for n, event in enumerate(events) if event["event"] == "fault-begin")
    events = events[: begun + 1]
    stamp = {key: events[-1][key] for key in ("t", "wall")}
    events.append({**stamp, "event": "interrupted", "why": "Ctrl-C"})
    zero = events[0]["t"]
    with Recorder(folder / "history", "r7f3a") as recording:
        draft = recording.code("object", "draft", Model.REGISTER)
        op = recording.code("op", "put draft")
        for number in range(200):
            call = zero + number * 100_000_000
            recording.record(
                Operation(call, call + 4_000_000, 1, 0, draft, op, Kind.PUT,
                          Outcome.UNKNOWN if number == 150 else Outcome.OK, wid=number + 1)
            )  # fmt: skip
    lines = "".join(json.dumps(each) + "\n" for each in events)
    (folder / "history" / "events.jsonl").write_text(lines)
    page = Page(write_report(folder).read_text())
    assert "There is no verdict" in page.text
    assert "no plan.json" in page.text
    assert "interrupted (Ctrl-C)" in page.text
    assert "svg" in page.tags
    assert "not judged" in page.text
    assert "terminate_instances" in page.text
    suite = ElementTree.parse(folder / "junit.xml").getroot()
    assert suite.get("errors") == "1"
    assert "There is no verdict" in (folder / "summary.md").read_text()


def test_a_run_with_nothing_but_a_plan_gets_a_report(tmp_path: Path) -> None:
    write_json(tmp_path / "plan.json", sample_plan())
    text = Page(write_report(tmp_path).read_text()).text
    assert "No operation is on record" in text
    assert "statedrill check" in text
