"""junit.xml: a test case for footing, for every promised clause and for every threshold.

Broken is a failure and carries the evidence. Unknown is an error, not a skip: a build server
passes skipped tests, and silence is no success. A clause that is not promised is no test case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from xml.etree import ElementTree as Tree

from statedrill.check.metrics.record import Footing
from statedrill.report.run_data import Run
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, VerdictOutcome

# What XML 1.0 cannot hold, not even escaped.
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit_of_run(run: Run) -> str:
    """One test suite."""
    return junit([run])


def junit(runs: Sequence[Run]) -> str:
    """One test suite for each run."""
    root = Tree.Element("testsuites", name="statedrill")
    for run in runs:
        root.append(_suite(run))
    for key in ("tests", "failures", "errors"):
        root.set(key, str(sum(int(suite.get(key, "0")) for suite in root)))
    Tree.indent(root)
    return Tree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


@dataclass(frozen=True)
class _Case:
    name: str
    outcome: VerdictOutcome
    evidence: str


def _suite(run: Run) -> Tree.Element:
    cases = _cases(run)
    outcomes = [each.outcome for each in cases]
    suite = Tree.Element(
        "testsuite",
        name=_clean(run.name),
        tests=str(len(cases)),
        failures=str(outcomes.count(BROKEN)),
        errors=str(outcomes.count(UNKNOWN)),
        skipped="0",
    )
    if run.plan:
        suite.set("timestamp", _clean(run.plan["created"]))
    suite.extend(_element(run, each) for each in cases)
    return suite


def _cases(run: Run) -> list[_Case]:
    verdict = run.verdict
    if not run.judged:
        return [_Case("there is a verdict", UNKNOWN, " ".join(run.missing))]
    cases = [_Case("footing", verdict["footing"]["outcome"], _rates(verdict["footing"]))]
    cases += [
        _Case(each["clause"], each["outcome"], each["evidence"])
        for each in verdict["promise"]
        if each["promised"]
    ]
    cases += [
        _Case(f"threshold {each['threshold']}", each["outcome"], f"measured {each['value']}")
        for each in verdict["thresholds"]
    ]
    # The outcome can have reasons that are no clause (a fault without proof, say).
    if run.outcome != HELD and run.outcome not in [each.outcome for each in cases]:
        cases.append(_Case("the drill's outcome", run.outcome, " ".join(verdict["why"])))
    return cases


def _element(run: Run, case: _Case) -> Tree.Element:
    element = Tree.Element(
        "testcase", classname=_clean(f"statedrill.{run.pattern}.{run.experiment}"),
        name=_clean(case.name),
    )  # fmt: skip
    tag = {BROKEN: "failure", UNKNOWN: "error"}.get(case.outcome)
    if tag is None:
        return element
    first = case.evidence.splitlines()[0] if case.evidence else case.outcome
    problem = Tree.SubElement(element, tag, message=_clean(first), type=case.outcome)
    report = f"report: {run.folder.name}/report.html"
    problem.text = _clean("\n".join([case.evidence, run.verdict["summary"], report]))
    return element


def _rates(footing: Footing) -> str:
    planned, achieved = footing["planned_rate"], footing["achieved_rate"]
    return f"planned {planned} operations per second, achieved {achieved}"


def _clean(value: str) -> str:
    return _FORBIDDEN.sub("�", value)
