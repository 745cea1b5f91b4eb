"""junit.xml: what a build server counts as failed, as an error, and as passed."""

from __future__ import annotations

from xml.etree import ElementTree

from statedrill.report.text.junit import junit_of_run
from tests.report.runs import a_run, sample_verdict


def suite_of(**changes: object) -> ElementTree.Element:
    root = ElementTree.fromstring(junit_of_run(a_run("sticky", "instance-kill", **changes)))
    suite = root.find("testsuite")
    assert suite is not None
    return suite


def message(suite: ElementTree.Element, tag: str) -> str | None:
    found = suite.find(f".//{tag}")
    assert found is not None
    return found.get("message")


def test_junit_has_a_case_for_footing_each_promised_clause_and_each_threshold() -> None:
    threshold = {"threshold": "p(99){phase:recovery}<500", "outcome": "held", "value": 31.04}
    suite = suite_of(thresholds=[threshold])
    names = [str(case.get("name")) for case in suite.findall("testcase")]
    promised = [each["clause"] for each in sample_verdict()["promise"] if each["promised"]]
    assert len(promised) > 2
    assert names == ["footing", *promised, "threshold p(99){phase:recovery}<500"]
    assert suite.get("failures") == suite.get("errors") == "0"


def test_junit_fails_the_broken_with_evidence_and_errs_on_the_unknown() -> None:
    promise = [
        {"clause": "survives instance", "promised": True, "outcome": "broken",
         "evidence": "81 of 240 sessions lost"},
        {"clause": "monotonic reads", "promised": True, "outcome": "unknown",
         "evidence": "not tested"},
        {"clause": "survives zone", "promised": False, "outcome": "broken", "evidence": "x"},
    ]  # fmt: skip
    suite = suite_of(promise=promise, outcome="broken")
    assert (suite.get("failures"), suite.get("errors"), suite.get("skipped")) == ("1", "1", "0")
    assert message(suite, "failure") == "81 of 240 sessions lost"
    assert message(suite, "error") == "not tested"


def test_junit_of_an_unknown_drill_is_never_green() -> None:
    why = ["the fault has no proof"]
    suite = suite_of(outcome="unknown", why=why, promise=[], thresholds=[])
    assert [each.get("message") for each in suite.findall(".//error")] == why
