"""The report of one run: whole, true to the verdict, self-contained, and safe with any name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from statedrill.errors import HistoryError, InputError
from statedrill.history.operation import Operation
from statedrill.history.recorder import Recorder
from statedrill.report import write_report
from statedrill.report.formatting import exact
from statedrill.report.run_data import load_run
from statedrill.report.timeseries import series_of
from statedrill.vocabulary import Kind, Model, Outcome
from tests.report.sample import (
    sample_events,
    sample_plan,
    sample_verdict,
    write_plain_run,
    write_run,
)

HOSTILE = """<script>alert("x")</script>&'|`*_[a](b)\x07"""


class Page(HTMLParser):
    """What a browser would see: ids, links, loads, words, and whether every tag is closed."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.labels: list[str] = []
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [facts["id"]] if "id" in facts else []
        self.labels += facts.get("aria-labelledby", "").split()
        if tag == "a":
            self.links.append(facts["href"])
        self.loads += [facts[key] for key in ("src", "data", "srcset", "poster") if key in facts]
        if tag in ("link", "script", "iframe"):
            self.loads.append(tag)
        self.loads += [key for key in facts if key.startswith("on")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = write_run(tmp_path_factory.mktemp("reports") / "run")
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
    for threshold in verdict["thresholds"]:
        assert threshold["threshold"] in page.text


def test_the_timeline_table_has_a_row_for_every_bin(page: Page, run: Path) -> None:
    bins = sample_verdict()["series"]["t_s"]
    table = (run / "report.html").read_text().split("The numbers behind the timeline</caption>")[1]
    rows = table[: table.index("</table>")].count("<tr>")
    assert rows == len(bins) + 1


def test_the_plan_is_on_the_page(page: Page) -> None:
    plan = sample_plan()
    for value in (plan["run"], plan["created"], "reference_app.web", "shopper,reader",
                  "2.47.0", "Linux 6.1"):  # fmt: skip
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
    verdict["findings"][0]["witness"] = HOSTILE
    verdict["findings"][0]["operations"][0]["what"] = HOSTILE + "$x^2$"
    faults = [{**verdict["faults"][0], "name": HOSTILE, "targets": [HOSTILE], "proof": HOSTILE}]
    phases = [{"phase": HOSTILE, "begin_s": 0.0, "end_s": 49.0}]
    folder = write_run(
        tmp_path / "run", pattern="sticky", summary=HOSTILE, why=[HOSTILE], phases=phases,
        faults=faults, findings=verdict["findings"], experiment="instance-kill",
        promise=[{"clause": HOSTILE, "promised": True, "outcome": "broken", "evidence": HOSTILE}],
    )  # fmt: skip
    plan = sample_plan()
    plan["pattern"]["env"] = {HOSTILE: HOSTILE}
    (folder / "plan.json").write_text(json.dumps(plan))
    page = Page(write_report(folder).read_text())
    assert "script" not in page.tags
    assert page.loads == []
    assert '<script>alert("x")</script>' in page.text
    summary = (folder / "summary.md").read_text()
    assert "<script>" not in summary.replace("\\<script\\>", "")
    case = ElementTree.parse(folder / "junit.xml").find(".//failure")
    assert case is not None
    assert "<script>" in str(case.get("message"))


def test_markdown_of_a_pipe_stays_in_its_cell() -> None:
    from statedrill.report.text.markdown import row

    assert row("a|b", "c\nd") == "| a\\|b | c d |"


def test_a_verdict_without_any_one_key_still_gets_its_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    drawn = ("series", "findings", "latency_ms")
    for gone in sample_verdict():
        kept = {key: each for key, each in sample_verdict().items() if key not in (gone, *drawn)}
        (folder / "verdict.json").write_text(json.dumps(kept))
        assert Page(write_report(folder).read_text()).open == [], gone


@pytest.mark.parametrize("gone", [("phases", "latency_ms"), ("faults", "series")])
def test_drawings_come_out_without_phases_or_faults(tmp_path: Path, gone: tuple[str, str]) -> None:
    folder = write_run(tmp_path / "run")
    kept = {key: each for key, each in sample_verdict().items() if key not in gone}
    (folder / "verdict.json").write_text(json.dumps(kept))
    assert "<svg" in write_report(folder).read_text()


def test_a_verdict_of_nulls_and_empty_lists_still_gets_its_report(tmp_path: Path) -> None:
    folder = write_run(tmp_path / "run")
    verdict = {key: [] if isinstance(value, list) else None
               for key, value in sample_verdict().items()}  # fmt: skip
    (folder / "verdict.json").write_text(json.dumps(verdict | {"schema": 1}))
    text = Page(write_report(folder).read_text()).text
    assert "No operation is on record" in text
    assert "unknown" in text


def test_a_long_run_is_drawn_from_fewer_and_wider_bins_that_lose_nothing(tmp_path: Path) -> None:
    bins = 7200
    series = {"bin_s": 0.5, "t_s": [number / 2 for number in range(bins)], "ok": [10] * bins,
              "failed": [0] * bins, "p50_ms": [3.0] * bins,
              "p99_ms": [9.0] * (bins - 1) + [77.0], "lost_writes": [1] * bins,
              "lost_sessions": [0] * bins, "stale": [0] * bins}  # fmt: skip
    folder = write_run(tmp_path / "run", series=series)
    frame = series_of(load_run(folder))
    assert len(frame) == 400
    assert frame.attrs["bin_s"] == 9.0
    assert frame["lost_writes"].sum() == bins
    assert frame["ok"].iloc[0] == 20.0
    assert frame["p99_ms"].max() == 77.0
    assert write_report(folder).stat().st_size < 600_000


def test_an_interval_stands_only_beside_the_count_it_was_made_from(tmp_path: Path) -> None:
    finding = {"check": "stale-reads", "class": "stale", "outcome": "broken", "opportunities": 100,
               "violations": 4, "interval": [0.0123, 0.0789]}  # fmt: skip
    folder = write_plain_run(tmp_path / "run")
    verdict = json.loads((folder / "verdict.json").read_text())
    for stale, shown in ((4, True), (9, False)):
        reads = verdict["reads"] | {"total": 100, "stale": stale}
        changed = verdict | {"reads": reads, "findings": [finding]}
        (folder / "verdict.json").write_text(json.dumps(changed))
        row = rf"reads stale {stale} 100 {stale}.0 % (1.2 % to 7.9 %|—)"
        found = re.search(row, Page(write_report(folder).read_text()).text)
        assert found
        assert (found[1] != "—") is shown


def test_nothing_out_of_nothing_is_not_tested(tmp_path: Path) -> None:
    nothing = {"total": 0, "lost": 0, "outage": 0}
    folder = write_plain_run(tmp_path / "run", sessions=nothing)
    text = Page(write_report(folder).read_text()).text
    assert re.search(r"sessions lost — not tested", text)
    assert re.search(r"sessions lost 0 0 not tested", text)


def test_a_run_that_was_never_judged_shows_what_was_recorded(tmp_path: Path) -> None:
    folder = tmp_path / "run"
    events = sample_events()[:6]
    events.append({**events[-1], "event": "interrupted", "why": "Ctrl-C"})
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
    (tmp_path / "plan.json").write_text(json.dumps(sample_plan()))
    text = Page(write_report(tmp_path).read_text()).text
    assert "No operation is on record" in text
    assert "statedrill check" in text


def test_a_folder_that_is_no_run_is_refused_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="not the folder of a run") as caught:
        write_report(tmp_path)
    assert "statedrill run" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("text", ['{"schema": 1,', "[]", '{"schema": 99}'])
def test_a_damaged_or_newer_verdict_is_refused_with_a_cure(tmp_path: Path, text: str) -> None:
    folder = write_plain_run(tmp_path / "run")
    (folder / "verdict.json").write_text(text)
    with pytest.raises(InputError, match=r"verdict\.json") as caught:
        write_report(folder)
    assert "statedrill check" in caught.value.hint


def test_damaged_events_are_refused(tmp_path: Path) -> None:
    folder = write_plain_run(tmp_path / "run")
    (folder / "history" / "events.jsonl").write_text("nonsense\n{}\n")
    with pytest.raises(HistoryError):
        write_report(folder)


def test_junit_has_a_case_for_footing_each_promised_clause_and_each_threshold(run: Path) -> None:
    suite = ElementTree.parse(run / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    names = [str(case.get("name")) for case in suite.findall("testcase")]
    promised = [each["clause"] for each in sample_verdict()["promise"] if each["promised"]]
    assert names == ["footing", *promised, "threshold p(99){phase:recovery}<500"]
    assert suite.get("failures") == suite.get("errors") == "0"


def test_junit_fails_the_broken_with_evidence_and_errs_on_the_unknown(tmp_path: Path) -> None:
    promise = [
        {"clause": "survives instance", "promised": True, "outcome": "broken",
         "evidence": "81 of 240 sessions lost"},
        {"clause": "monotonic reads", "promised": True, "outcome": "unknown",
         "evidence": "not tested"},
        {"clause": "survives zone", "promised": False, "outcome": "broken", "evidence": "x"},
    ]  # fmt: skip
    folder = write_plain_run(tmp_path / "run", promise=promise, outcome="broken")
    write_report(folder)
    suite = ElementTree.parse(folder / "junit.xml").getroot().find("testsuite")
    assert suite is not None
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "0")
    failure, error = suite.find(".//failure"), suite.find(".//error")
    assert failure is not None
    assert failure.get("message") == "81 of 240 sessions lost"
    assert error is not None
    assert error.get("message") == "not tested"


def test_junit_of_an_unknown_drill_is_never_green(tmp_path: Path) -> None:
    why = ["the fault has no proof"]
    folder = write_plain_run(
        tmp_path / "run", outcome="unknown", why=why, promise=[], thresholds=[]
    )
    write_report(folder)
    errors = ElementTree.parse(folder / "junit.xml").getroot().findall(".//error")
    assert [each.get("message") for each in errors] == why


def test_the_summary_is_short_and_names_what_was_broken(tmp_path: Path) -> None:
    promise = [{"clause": "survives instance", "promised": True, "outcome": "broken",
                "evidence": "81 of 240 sessions lost"}]  # fmt: skip
    folder = write_plain_run(tmp_path / "run", promise=promise, outcome="broken")
    write_report(folder)
    summary = (folder / "summary.md").read_text()
    assert summary.startswith("### ❌ broken: sticky")
    assert "❌ broken: survives instance (81 of 240 sessions lost)" in summary
    assert len(summary.splitlines()) < 30
