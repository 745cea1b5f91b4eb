"""What the terminal prints of verdicts: one table of many, or a few lines of one.

Light to import: no pandas, no matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from rich import box
from rich.table import Table
from rich.text import Text

from statedrill.report.formatting import DASH, NOT_TESTED, count, exact, seconds
from statedrill.report.run_data import at, outcome

_STYLES = {"held": ("✓", "green"), "broken": ("✕", "bold red"), "unknown": ("?", "yellow")}


def terminal_table(verdicts: Sequence[Mapping[str, Any]]) -> Table:
    """A row per verdict: what was lost and stale, when service was back, p99 in the fault."""
    # Tight on purpose: the names and figures of the patterns in the box fit into 80 columns.
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, padding=0)
    made.add_column("pattern", no_wrap=True)
    made.add_column("experiment", no_wrap=True)
    titles = ("lost\nsessions", "lost\nwrites", "stale\nreads", "back\nafter", "p99 ms\n→ fault")
    for title in titles:
        made.add_column(title, justify="right", no_wrap=True, min_width=len(title) // 2 + 2)
    made.add_column("outcome", no_wrap=True, min_width=9)
    for verdict in verdicts:
        made.add_row(*_row(verdict))
    return made


def text_summary(verdict: Mapping[str, Any]) -> str:
    """The verdict in a few plain lines: the sentence, the reasons, the broken clauses."""
    said = outcome(verdict)
    lines = [f"{_STYLES[said][0]} {said}: {verdict.get('summary') or 'there is no verdict'}"]
    lines += [f"  {each}" for each in verdict.get("why") or () if each != verdict.get("summary")]
    for key, name in (("promise", "clause"), ("thresholds", "threshold")):
        for each in verdict.get(key) or ():
            found = outcome(each)
            if each.get("promised", True) and found != "held":
                evidence = each.get("evidence") or f"measured {exact(each.get('value'))}"
                lines.append(f"  {_STYLES[found][0]} {each.get(name)}: {evidence}")
    return "\n".join(lines)


def _row(verdict: Mapping[str, Any]) -> list[Text | str]:
    # Text, not markup: a name such as [red] is a name.
    mark, style = _STYLES[outcome(verdict)]
    return [
        Text(str(verdict.get("pattern", DASH))),
        Text(str(verdict.get("experiment", DASH))),
        _part(verdict, "sessions", "lost", "total"),
        _part(verdict, "writes", "lost", "acknowledged"),
        _stale(verdict),
        seconds(at(verdict, "recovery", "rto_availability_s")),
        _latency(verdict),
        Text(f"{mark} {outcome(verdict)}", style=style),
    ]


def _part(verdict: Mapping[str, Any], group: str, part: str, whole: str) -> Text:
    counted, total = at(verdict, group, part), at(verdict, group, whole)
    if counted is None or total is None:
        return Text(DASH, style="dim")
    if total == 0:
        return Text(NOT_TESTED, style="dim")
    return Text(f"{count(counted)}/{count(total)}", style="bold red" if counted else "")


def _stale(verdict: Mapping[str, Any]) -> Text:
    counted = at(verdict, "reads", "stale")
    if at(verdict, "reads", "total") == 0:
        return Text(NOT_TESTED, style="dim")
    return Text(count(counted), style="yellow" if counted else "")


def _latency(verdict: Mapping[str, Any]) -> str:
    before, during = (at(verdict, "latency_ms", phase, "p99") for phase in ("baseline", "fault"))
    figures = [DASH if each is None else f"{each:,.{int(each < 10)}f}" for each in (before, during)]
    return DASH if before is None and during is None else "→".join(figures)
