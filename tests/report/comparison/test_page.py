"""The comparison: the answer first, every number right, every link leading somewhere."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from statedrill.errors import InputError
from statedrill.report.comparison import page as page_module
from statedrill.report.comparison.page import load_runs
from tests.report.reading import Page
from tests.report.runs import sample_plan, sample_verdict, write_json, write_run
from tools.sample import ORDER, SAMPLE


def compare(folder: Path, runs: list[Path], **failures: str) -> Path:
    """Compare; `failures` are reasons by the folders' names."""
    reasons = {run: failures[run.name] for run in runs if run.name in failures}
    return page_module.write_comparison(folder, load_runs(runs, reasons))


PATTERNS = ("sticky", "distributed", "decoupled")


def make(root: Path, patterns: tuple[str, ...], experiments: tuple[str, ...]) -> list[Path]:
    return [
        write_run(root / f"{pattern} & {experiment}", pattern, experiment)
        for pattern in patterns
        for experiment in experiments
    ]


def make_with_reports(
    root: Path, patterns: tuple[str, ...], experiments: tuple[str, ...]
) -> list[Path]:
    """Runs whose own reports stand already, so that only the comparison is drawn."""
    runs = make(root, patterns, experiments)
    for run in runs:
        (run / "report.html").write_text("a report")
    return runs


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reports")
    runs = make_with_reports(root, PATTERNS, ("instance-kill", "cache-flush"))
    compare(root / "comparison", runs)
    return root / "comparison"


@pytest.fixture(scope="module")
def page(compared: Path) -> Page:
    return Page((compared / "report.html").read_text())


def test_the_sample_compares_from_the_simplest_pattern_and_from_no_failure_on() -> None:
    value = json.loads((SAMPLE / "comparison" / "comparison.json").read_text())
    assert value["reports"] == [f"../{name}/report.html" for name in ORDER]
    page = Page((SAMPLE / "comparison" / "report.html").read_text())
    reports = [link for link in page.links if link.endswith("/report.html")]
    assert list(dict.fromkeys(reports)) == value["reports"]
    summary = (SAMPLE / "comparison" / "summary.md").read_text()
    assert [summary.index(f"{name}/") for name in ORDER] == sorted(
        summary.index(f"{name}/") for name in ORDER
    )


def test_the_comparison_opens_with_the_answer(page: Page) -> None:
    opening = page.text[: page.text.index("What was lost")].replace("\u00a0", " ")
    assert "sticky lost 33.3 % of its sessions and 13.9 % of its acknowledged writes" in opening
    assert "distributed lost all of its sessions" in opening
    assert "decoupled lost no session and no acknowledged write" in opening


def test_every_cell_links_to_the_report_of_its_run(page: Page, compared: Path) -> None:
    leads = [link for link in page.links if link.startswith("..")]
    assert len(set(leads)) == 6
    for link in set(leads):
        assert "%20%26%20" in link
        path = compared / link.replace("%20", " ").replace("%26", "&")
        assert path.resolve().is_file()


def test_links_still_lead_when_the_whole_folder_is_moved(tmp_path: Path) -> None:
    runs = make(tmp_path / "a", ("sticky",), ("none",))
    compare(tmp_path / "a" / "comparison", runs)
    moved = (tmp_path / "a").rename(tmp_path / "b")
    page = Page((moved / "comparison" / "report.html").read_text())
    link = next(each for each in page.links if each.startswith(".."))
    assert (moved / "comparison" / link.replace("%20", " ").replace("%26", "&")).resolve().is_file()


def test_the_cells_show_both_shares_and_what_they_are_counted_of(page: Page) -> None:
    outage_s = sample_verdict("sticky", "instance-kill")["availability"]["outage_s"]
    for text in ("33.3 %", "80 of 240", "13.9 %", "323 of 2,328", "100 %", "240 of 240",
                 "stale 23.1 %", f"outage {outage_s:g} s"):  # fmt: skip
        assert text in page.text


def test_the_page_is_whole_and_loads_nothing(page: Page, compared: Path) -> None:
    text = (compared / "report.html").read_text()
    assert page.open == []
    assert page.loads == []
    assert "http" not in text
    assert len(page.ids) == len(set(page.ids))
    assert set(page.labels) <= set(page.ids)
    assert len(text) < 600_000


def test_the_same_runs_give_the_same_files(compared: Path) -> None:
    names = ("report.html", "summary.md", "comparison.json", "junit.xml")
    before = [(compared / name).read_bytes() for name in names]
    compare(
        compared,
        [
            compared.parent / f"{pattern} & {experiment}"
            for pattern in PATTERNS
            for experiment in ("instance-kill", "cache-flush")
        ],
    )
    assert [(compared / name).read_bytes() for name in names] == before


def test_the_json_holds_the_verdicts_as_they_are(compared: Path) -> None:
    value = json.loads((compared / "comparison.json").read_text())
    assert value["schema"] == 1
    assert value["runs"][0] == sample_verdict("sticky", "instance-kill")
    assert len(value["runs"]) == len(value["reports"]) == 6


def test_junit_has_a_suite_for_every_run(compared: Path) -> None:
    root = ElementTree.parse(compared / "junit.xml").getroot()
    assert len(root.findall("testsuite")) == 6


def test_a_run_without_a_verdict_is_compared_as_unknown(tmp_path: Path) -> None:
    runs = make_with_reports(tmp_path, ("sticky", "distributed"), ("instance-kill",))
    (runs[1] / "verdict.json").unlink()
    page = Page(compare(tmp_path / "comparison", runs).read_text())
    assert "nothing can be said about distributed" in page.text
    assert "no verdict.json" in page.text


def test_plans_that_differ_are_said_to_differ(tmp_path: Path) -> None:
    runs = make_with_reports(tmp_path, ("sticky", "distributed"), ("instance-kill",))
    plan = sample_plan("distributed")
    plan["load"]["users"], plan["host"]["cores"] = 100, 96
    write_json(runs[1] / "plan.json", plan)
    page = Page(compare(tmp_path / "comparison", runs).read_text())
    cores = sample_plan("sticky")["host"]["cores"]
    said = f"users: 240 and 100; processors: {cores} and 96"
    assert f"Not like for like; the plans differ in {said}" in page.text


def test_runs_without_any_figure_are_still_compared(tmp_path: Path) -> None:
    nothing = {"p50": None, "p95": None, "p99": None, "p999": None, "max": None}
    empty = dict.fromkeys(
        ("series", "sessions", "writes", "reads", "availability", "findings"), None
    )
    run = write_run(tmp_path / "run")
    latency = {"latency_ms": {"baseline": nothing, "fault": {}}}
    write_json(run / "verdict.json", sample_verdict() | empty | latency)
    page = Page(compare(tmp_path / "comparison", [run]).read_text())
    assert "Nothing can be said about sticky" in page.text
    assert "No run has a recorded timeline" in page.text


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("verdict.json", '{"schema": 1, "sessions": []}'),
        ("verdict.json", "nonsense"),
        ("plan.json", "{}"),
        ("history/events.jsonl", '{"t": "soon"}\n{}\n'),
    ],
)
def test_a_run_with_a_damaged_file_is_compared_and_the_reason_is_shown(
    tmp_path: Path, name: str, text: str
) -> None:
    runs = make(tmp_path, ("sticky", "distributed"), ("instance-kill",))
    (runs[1] / name).write_text(text)
    page = Page(compare(tmp_path / "comparison", runs).read_text())
    assert "sticky lost 33.3 % of its sessions" in page.text.replace("\u00a0", " ")
    assert f"{name}:" in page.text
    value = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    outcomes = [run["outcome"] for run in value["runs"]]
    assert outcomes == ["held", "unknown" if name == "verdict.json" else "held"]
    assert all((run / "report.html").exists() for run in runs)
    if name == "verdict.json":
        assert "The outcome is unknown for distributed" in " ".join(value["answer"])
        assert name in value["runs"][1]["why"][0]


def test_a_run_that_could_not_be_judged_is_unknown_with_the_reason(tmp_path: Path) -> None:
    runs = [write_run(tmp_path / name, name, "instance-kill") for name in PATTERNS[:2]]
    (runs[1] / "verdict.json").unlink()
    reason = "the judgement crashed (KeyError: 't')"
    page = Page(compare(tmp_path / "comparison", runs, distributed=reason).read_text())
    assert f"{reason}." in page.text
    value = json.loads((tmp_path / "comparison" / "comparison.json").read_text())
    assert [run["outcome"] for run in value["runs"]] == ["held", "unknown"]
    assert value["runs"][1]["why"][0] == f"{reason}."
    assert value["runs"][1]["pattern"] == "distributed"
    assert reason in Page((runs[1] / "report.html").read_text()).text


def test_a_comparison_with_what_is_no_run_at_all_is_refused(tmp_path: Path) -> None:
    runs = make_with_reports(tmp_path, ("sticky",), ("none",))
    (tmp_path / "no-run").mkdir()
    with pytest.raises(InputError, match="not the folder of a run"):
        compare(tmp_path / "comparison", [*runs, tmp_path / "no-run"])


def test_no_run_at_all_is_refused_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run to compare"):
        compare(tmp_path / "comparison", [])
    assert not (tmp_path / "comparison").exists()
