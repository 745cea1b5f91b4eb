"""junit.xml: a test case for footing, for every promised clause and for every threshold.

Broken is a failure and carries the evidence. Unknown is an error, not a skip: a build server
passes skipped tests, and silence is no success. A clause that is not promised is no test case.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from xml.etree import ElementTree as Tree

from statedrill.report.run_data import Run, at, outcome

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


def _suite(run: Run) -> Tree.Element:
    cases = _cases(run)
    counted = [result for _, result, _ in cases]
    suite = Tree.Element(
        "testsuite",
        name=_clean(run.name),
        tests=str(len(cases)),
        failures=str(counted.count("broken")),
        errors=str(counted.count("unknown")),
        skipped="0",
    )
    if run.plan.get("created"):
        suite.set("timestamp", _clean(str(run.plan["created"])))
    for name, result, evidence in cases:
        suite.append(_case(run, name, result, evidence))
    return suite


def _cases(run: Run) -> list[tuple[str, str, str]]:
    """(name, outcome, evidence) of every test case."""
    said = run.verdict
    if not said:
        return [("there is a verdict", "unknown", " ".join(run.missing))]
    cases = [("footing", outcome(said.get("footing") or {}), _footing(said))]
    cases += [
        (str(each.get("clause")), outcome(each), str(each.get("evidence") or ""))
        for each in said.get("promise") or ()
        if each.get("promised", True)
    ]
    cases += [
        (f"threshold {each.get('threshold')}", outcome(each), f"measured {each.get('value')}")
        for each in said.get("thresholds") or ()
    ]
    # The outcome can have reasons that are no clause (a fault without proof, say).
    if run.outcome != "held" and run.outcome not in [result for _, result, _ in cases]:
        why = " ".join(str(each) for each in said.get("why") or ())
        cases.append(("the drill's outcome", run.outcome, why))
    return cases


def _case(run: Run, name: str, result: str, evidence: str) -> Tree.Element:
    case = Tree.Element(
        "testcase", classname=_clean(f"statedrill.{run.pattern}.{run.experiment}"),
        name=_clean(name),
    )  # fmt: skip
    tag = {"broken": "failure", "unknown": "error"}.get(result)
    if tag is None:
        return case
    first = evidence.splitlines()[0] if evidence else result
    problem = Tree.SubElement(case, tag, message=_clean(first), type=result)
    problem.text = _clean("\n".join([evidence, str(run.verdict.get("summary") or ""),
                                     f"report: {run.folder.name}/report.html"]))  # fmt: skip
    return case


def _footing(said: Any) -> str:
    planned, achieved = (at(said, "footing", key) for key in ("planned_rate", "achieved_rate"))
    return f"planned {planned} operations per second, achieved {achieved}"


def _clean(value: str) -> str:
    return _FORBIDDEN.sub("�", value)
