"""Findings with their witnesses: the sentence, the drawing, and the operations as they were.

Shows what checks found; knows no check.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup

from statedrill.check.verdict.record import Finding, StoredVerdict, WitnessOperation
from statedrill.report.figures.axis import TimeAxis
from statedrill.report.figures.witness import witness
from statedrill.report.formatting import DASH, NOT_TESTED, Share, exact, interval
from statedrill.report.table import Table, table
from statedrill.vocabulary import PRECEDENCE, VerdictOutcome

_COLUMNS = ("who", "what", "object", "call_s", "ret_s", "status", "ver", "wid", "instance")
_TITLES = {"call_s": "call (s)", "ret_s": "return (s)", "ver": "version", "wid": "write id"}


@dataclass(frozen=True)
class ShownFinding:
    """One finding that is not simply held, ready to print."""

    check: str
    outcome: VerdictOutcome
    counted: str
    witness: str
    drawing: Markup
    operations: Table


def findings_of(verdict: StoredVerdict, time: TimeAxis) -> list[ShownFinding]:
    """Broken findings first, then unknown ones that have something to show; held ones are left."""
    found = [
        each
        for each in verdict["findings"]
        if each["witness"] or each["operations"] or each["violations"]
    ]
    found.sort(key=lambda each: PRECEDENCE.index(each["outcome"]))
    return [_shown(number, each, time) for number, each in enumerate(found, start=1)]


def _shown(number: int, finding: Finding[int | None], time: TimeAxis) -> ShownFinding:
    sentence = finding["witness"] or ""
    return ShownFinding(
        check=finding["check"],
        outcome=finding["outcome"],
        counted=_counted(finding),
        witness=sentence,
        drawing=witness(f"witness-{number}", finding["operations"], time, sentence),
        operations=_operations(finding["operations"]),
    )


def _counted(finding: Finding[int | None]) -> str:
    share = Share(finding["violations"], finding["opportunities"])
    if share.whole == 0:
        return NOT_TESTED
    text = f"{share.counted or DASH} ({share.percent})"
    bounds = interval(finding["interval"])
    return text if bounds == DASH else f"{text}, 95 % interval {bounds}"


def _operations(operations: Sequence[WitnessOperation]) -> Table:
    """Every field of the operations: the known ones in a reader's order, then whatever else."""
    rows: list[Mapping[str, object]] = [*sorted(operations, key=lambda each: each["call_s"])]
    columns = [
        *(key for key in _COLUMNS if any(key in each for each in rows)),
        *sorted({key for each in rows for key in each} - set(_COLUMNS)),
    ]
    return table(
        "The operations of the witness",
        ["", *(_TITLES.get(key, key) for key in columns)],
        [
            [f"{number}.", *(_value(key, each.get(key)) for key in columns)]
            for number, each in enumerate(rows, start=1)
        ],
    )


def _value(key: str, value: object) -> str:
    if key in ("call_s", "ret_s"):
        return f"{value:,.4f}" if isinstance(value, (int, float)) else "no answer seen"
    # Versions, ids and status codes are names, not amounts: no thousands apart.
    return exact(value) if isinstance(value, (list, float)) or value is None else str(value)
