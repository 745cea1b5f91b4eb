"""The comparison: the answer first, every number right, every link leading somewhere."""

from __future__ import annotations

import json
from pathlib import Path
from xml.etree import ElementTree

import pytest

from statedrill.errors import InputError
from statedrill.report import write_comparison
from statedrill.report.comparison.cells import cells_of
from statedrill.report.comparison.heatmap import grid
from statedrill.report.comparison.sentences import comparison_sentences
from statedrill.report.run_data import Run
from tests.report.sample import sample_plan, sample_verdict, write_run
from tests.report.test_run_report import Page
from tools.sample import ORDER, SAMPLE

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


def a_run(pattern: str, experiment: str, **changes: object) -> Run:
    verdict = sample_verdict(pattern, experiment) | changes
    return Run(Path(f"/{pattern}-{experiment}"), sample_plan(pattern, experiment), verdict, (), ())


def said(*runs: Run) -> list[str]:
    return comparison_sentences(list(cells_of(runs).values()))


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("reports")
    runs = make_with_reports(root, PATTERNS, ("instance-kill", "cache-flush"))
    write_comparison(root / "comparison", runs)
    return root / "comparison"


@pytest.fixture(scope="module")
def page(compared: Path) -> Page:
    return Page((compared / "report.html").read_text())


def test_patterns_and_experiments_stand_in_the_order_in_which_runs_first_name_them() -> None:
    pairs = [("sticky", "zone-outage"), ("distributed", "none"), ("decoupled", "zone-outage"),
             ("sticky", "none"), ("distributed", "cache-flush")]  # fmt: skip
    drawn = grid([a_run(*pair) for pair in pairs], lambda run: "")
    assert [name for name, _ in drawn.rows] == ["sticky", "distributed", "decoupled"]
    assert [name for name, _ in drawn.columns] == ["zone-outage", "none", "cache-flush"]


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
    assert "sticky lost 33.8 % of its sessions and 11.8 % of its acknowledged writes" in opening
    assert "distributed lost all of its sessions" in opening
    assert "decoupled lost no session and no acknowledged write" in opening


def test_every_square_links_to_the_report_of_its_run(page: Page, compared: Path) -> None:
    leads = [link for link in page.links if link.startswith("..")]
    assert len(set(leads)) == 6
    for link in set(leads):
        assert "%20%26%20" in link
        path = compared / link.replace("%20", " ").replace("%26", "&")
        assert path.resolve().is_file()


def test_links_still_lead_when_the_whole_folder_is_moved(tmp_path: Path) -> None:
    runs = make(tmp_path / "a", ("sticky",), ("none",))
    write_comparison(tmp_path / "a" / "comparison", runs)
    moved = (tmp_path / "a").rename(tmp_path / "b")
    page = Page((moved / "comparison" / "report.html").read_text())
    link = next(each for each in page.links if each.startswith(".."))
    assert (moved / "comparison" / link.replace("%20", " ").replace("%26", "&")).resolve().is_file()


def test_the_squares_show_both_shares_and_what_they_are_counted_of(page: Page) -> None:
    for text in ("33.8 %", "81 of 240", "11.8 %", "627 of 5,310", "100 %", "240 of 240",
                 "stale 5.6 %", "outage 2.1 s"):  # fmt: skip
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
    write_comparison(
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
    page = Page(write_comparison(tmp_path / "comparison", runs).read_text())
    assert "nothing can be said about distributed" in page.text
    assert "no verdict.json" in page.text


def test_plans_that_differ_are_said_to_differ(tmp_path: Path) -> None:
    runs = make_with_reports(tmp_path, ("sticky", "distributed"), ("instance-kill",))
    plan = sample_plan("distributed")
    plan["load"]["users"] = 100
    (runs[1] / "plan.json").write_text(json.dumps(plan))
    page = Page(write_comparison(tmp_path / "comparison", runs).read_text())
    assert "Not like for like; the plans differ in users: 240 and 100" in page.text


def test_runs_without_any_figure_are_still_compared(tmp_path: Path) -> None:
    nothing = {"p50": None, "p95": None, "p99": None, "p999": None, "max": None}
    empty = dict.fromkeys(
        ("series", "sessions", "writes", "reads", "availability", "findings"), None
    )
    run = write_run(tmp_path / "run", latency_ms={"baseline": nothing, "fault": {}}, **empty)
    page = Page(write_comparison(tmp_path / "comparison", [run]).read_text())
    assert "Nothing can be said about sticky" in page.text
    assert "No run has a recorded timeline" in page.text


def test_no_run_at_all_is_refused_with_a_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no run to compare"):
        write_comparison(tmp_path / "comparison", [])
    assert not (tmp_path / "comparison").exists()


def test_runs_of_one_square_are_pooled() -> None:
    square = cells_of([a_run("sticky", "instance-kill"), a_run("sticky", "instance-kill")])
    [pooled] = square.values()
    assert (pooled.sessions.part, pooled.sessions.whole) == (162, 480)


def test_the_answer_says_that_nothing_was_lost() -> None:
    lost, stale, promises = said(a_run("sticky", "none"), a_run("distributed", "none"))
    assert lost == "sticky and distributed lost no session and no acknowledged write."
    assert stale == "No read was stale, nothing was doubled or leaked."
    assert promises == "All that was promised was kept."


def test_the_answer_says_in_how_many_experiments_nothing_was_lost() -> None:
    experiments = ("none", "instance-kill", "zone-outage")
    runs = [a_run("distributed", each) for each in experiments]
    assert said(*runs[:2])[0].endswith("no acknowledged write in either experiment.")
    assert said(*runs)[0].endswith("no acknowledged write in any of the three experiments.")


def test_the_answer_names_a_loss_without_any_failure() -> None:
    sessions = {"total": 240, "lost": 3, "outage": 0}
    lost = said(a_run("sticky", "none", sessions=sessions))[0]
    assert lost == "sticky lost 1.2 % of its sessions without any failure."


def test_the_answer_names_broken_and_unknown_outcomes() -> None:
    promises = said(
        a_run("sticky", "none", outcome="broken"), a_run("distributed", "none", outcome="unknown")
    )[-1]
    assert promises.startswith("What was promised was broken in sticky")
    assert "the outcome is unknown for distributed" in promises


def test_the_answer_never_says_that_an_untested_pattern_kept_anything() -> None:
    empty = {"total": 0, "lost": 0, "outage": 0}
    answered = " ".join(said(a_run("sticky", "none", sessions=empty)))
    assert "lost no session" not in answered
    assert "Nothing can be said about sticky" in answered


def test_the_answer_counts_leaks_and_doubles() -> None:
    writes = sample_verdict("sticky", "none")["writes"] | {"duplicated": 2}
    assert "2 doubled or leaked states" in said(a_run("sticky", "none", writes=writes))[1]


def test_many_losses_are_told_by_their_worst() -> None:
    verdict = sample_verdict("sticky", "instance-kill")
    runs = [
        Run(Path(f"/{number}-{experiment}"), {}, {**verdict, "pattern": f"sticky-{number}",
            "experiment": experiment}, (), ())
        for number in range(3)
        for experiment in ("instance-kill", "zone-outage")
    ]  # fmt: skip
    assert "at worst" in said(*runs)[0]
    assert "at worst" not in said(*runs[:4])[0]
