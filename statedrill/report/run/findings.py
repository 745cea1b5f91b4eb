"""Findings with their witnesses: the sentence, the drawing, and the operations as they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from statedrill.report.figures.axis import TimeAxis
from statedrill.report.figures.witness import witness
from statedrill.report.formatting import DASH, NOT_TESTED, count, exact, interval, share
from statedrill.report.run_data import outcome
from statedrill.report.table import Table, table
from statedrill.vocabulary import PRECEDENCE

_COLUMNS = ("who", "what", "object", "call_s", "ret_s", "status", "ver", "wid", "instance")
_TITLES = {"call_s": "call (s)", "ret_s": "return (s)", "ver": "version", "wid": "write id"}


@dataclass(frozen=True)
class Finding:
    """One finding that is not simply held, ready to print."""

    check: str
    outcome: str
    counted: str
    witness: str
    drawing: Markup
    operations: Table


def findings_of(verdict: Mapping[str, Any], time: TimeAxis) -> list[Finding]:
    """Broken findings first, then unknown ones that have something to tell; held ones are left."""
    found = [each for each in verdict.get("findings") or () if _tells(each)]
    found.sort(key=lambda each: PRECEDENCE.index(outcome(each)))
    return [_finding(number, each, time) for number, each in enumerate(found, start=1)]


def _tells(finding: Mapping[str, Any]) -> bool:
    return bool(finding.get("witness") or finding.get("operations") or finding.get("violations"))


def _finding(number: int, finding: Mapping[str, Any], time: TimeAxis) -> Finding:
    operations = [each for each in finding.get("operations") or () if isinstance(each, Mapping)]
    sentence = str(finding.get("witness") or "")
    return Finding(
        check=str(finding.get("check", "")),
        outcome=outcome(finding),
        counted=_counted(finding),
        witness=sentence,
        drawing=witness(f"witness-{number}", operations, time, sentence),
        operations=_operations(operations),
    )


def _counted(finding: Mapping[str, Any]) -> str:
    seen, chances = finding.get("violations"), finding.get("opportunities")
    if chances == 0:
        return NOT_TESTED
    text = f"{count(seen)} of {count(chances)} ({share(seen, chances)})"
    bounds = interval(finding.get("interval"))
    return text if bounds == DASH else f"{text}, 95 % interval {bounds}"


def _operations(operations: list[Mapping[str, Any]]) -> Table:
    columns = [
        *(key for key in _COLUMNS if any(key in each for each in operations)),
        *sorted({key for each in operations for key in each} - set(_COLUMNS)),
    ]
    titles = ["", *(_TITLES.get(key, key) for key in columns)]
    rows = [
        [f"{number}.", *(_value(key, each.get(key)) for key in columns)]
        for number, each in enumerate(
            sorted(operations, key=lambda each: float(each.get("call_s") or 0)), start=1
        )
    ]
    return table("The operations of the witness", titles, rows)


def _value(key: str, value: Any) -> str:
    if key in ("call_s", "ret_s"):
        return "no answer seen" if value is None else f"{float(value):,.4f}"
    # Versions, ids and status codes are names, not amounts: no thousands apart.
    return exact(value) if isinstance(value, (list, float)) or value is None else str(value)
