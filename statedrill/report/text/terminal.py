"""What the terminal prints of verdicts: one table of many, or a few lines of one.

Light to import: no pandas, no matplotlib.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text

from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.formatting import (
    DASH,
    NOT_TESTED,
    Share,
    exact,
    format_count,
    seconds,
)
from statedrill.report.older_files import completed_verdict
from statedrill.report.state_figures import p99_ms, unnamed
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN, VerdictOutcome

_STYLES = {HELD: ("✓", "green"), BROKEN: ("✕", "bold red"), UNKNOWN: ("?", "yellow")}


def terminal_table(verdicts: Sequence[Mapping[str, object]]) -> Table:
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
        made.add_row(*_row(completed_verdict(verdict)))
    return made


def text_summary(verdict: Mapping[str, object]) -> str:
    """The verdict in a few plain lines: the sentence, the reasons, and what they do not name of the
    clauses and thresholds that were not held.
    """
    stored = completed_verdict(verdict)
    summary, outcome = stored["summary"], stored["outcome"]
    lines = [_line(outcome, f"{outcome}: {summary or 'there is no verdict'}")]
    lines += [f"  {each}" for each in stored["why"] if each != summary]
    clauses, thresholds = unnamed(stored)
    lines += [
        "  " + _line(each["outcome"], f"{each['clause']}: {each['evidence'] or 'no evidence'}")
        for each in clauses
    ]
    for limit in thresholds:
        evidence = limit.get("evidence") or f"measured {exact(limit['value'])}"
        lines.append("  " + _line(limit["outcome"], f"{limit['threshold']}: {evidence}"))
    return "\n".join(lines)


def _line(outcome: VerdictOutcome, text: str) -> str:
    return f"{_STYLES[outcome][0]} {text}"


def _row(verdict: StoredVerdict) -> list[Text | str]:
    # Text, not markup: a name such as [red] is a name.
    sessions, writes = verdict["sessions"], verdict["writes"]
    mark, style = _STYLES[verdict["outcome"]]
    return [
        Text(verdict["pattern"] or DASH),
        Text(verdict["experiment"] or DASH),
        _lost(Share(sessions["lost"], sessions["total"])),
        _lost(Share(writes["lost"], writes["acknowledged"])),
        _stale(Share(verdict["reads"]["stale"], verdict["reads"]["total"])),
        seconds(verdict["recovery"]["rto_availability_s"]),
        _latency(verdict),
        Text(f"{mark} {verdict['outcome']}", style=style),
    ]


def _lost(share: Share) -> Text:
    if share.part is None or share.whole is None:
        return Text(DASH, style="dim")
    if share.whole == 0:
        return Text(NOT_TESTED, style="dim")
    counted = f"{format_count(share.part)}/{format_count(share.whole)}"
    return Text(counted, style="bold red" if share.part else "")


def _stale(share: Share) -> Text:
    if share.whole == 0:
        return Text(NOT_TESTED, style="dim")
    return Text(format_count(share.part), style="yellow" if share.part else "")


def _latency(verdict: StoredVerdict) -> str:
    before, during = p99_ms(verdict, "baseline"), p99_ms(verdict, "fault")
    figures = [DASH if each is None else f"{each:,.{int(each < 10)}f}" for each in (before, during)]
    return DASH if before is None and during is None else "→".join(figures)
