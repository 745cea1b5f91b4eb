"""summary.md: the verdict short enough for a pull request. Names from files are escaped.

Knows Markdown; judges nothing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.formatting import DASH, Share, format_count, milliseconds, seconds
from statedrill.report.run_data import Run
from statedrill.report.state_figures import p99_ms, tiles, unnamed
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN

MARKS = {HELD: "✅ held", BROKEN: "❌ broken", UNKNOWN: "❔ unknown"}


def summary_of_run(run: Run) -> str:
    """The outcome, the sentence, the reasons, the headline figures, and what was not kept."""
    sentence = run.verdict["summary"] or "There is no verdict."
    lines = [f"### {MARKS[run.outcome]}: {text(run.name)}", "", text(sentence), ""]
    lines += [f"- {text(each)}" for each in (*run.missing, *run.verdict["why"])]
    lines += [""] if lines[-1] else []
    if run.judged:
        lines += ["| figure | value | |", "|---|--:|---|"]
        lines += [row(each.title, each.figure, each.note) for each in tiles(run.verdict)]
        lines += ["", *_unkept(run.verdict)]
    lines.append("Full report: `report.html` in the run's folder.")
    return "\n".join(lines) + "\n"


def summary_of_comparison(
    answer: Sequence[str], runs: Sequence[Run], links: Sequence[str], left_out: Sequence[str] = ()
) -> str:
    """The answer, then a row per run with a link to its report, then what was left out and why."""
    titles = ("pattern", "experiment", "outcome", "sessions lost", "acknowledged writes lost",
              "stale reads", "outage", "p99 baseline", "p99 fault", "seed")  # fmt: skip
    lines = ["### " + text(answer[0]), ""] if answer else []
    lines += [f"{text(each)}\n" for each in answer[1:]]
    lines += [row(*titles), "|---|---|---|" + "--:|" * 7]
    lines += [_run_row(run, link) for run, link in zip(runs, links, strict=True)]
    lines += ["", *(f"- left out: {text(each)}" for each in left_out)] if left_out else []
    return "\n".join(lines) + "\n"


def text(value: str) -> str:
    """`value` as Markdown that shows it as it is, on one line."""
    one_line = " ".join(value.split())
    escaped = re.sub(r"([\\`*_\[\]<>|~#])", r"\\\1", one_line)
    # A name such as @team must not notify anybody where the summary is posted as a comment.
    return escaped.replace("@", "@\u200b")


def row(*cells: str) -> str:
    """A table row; its cells are escaped."""
    return "| " + " | ".join(text(cell) for cell in cells) + " |"


def _unkept(verdict: StoredVerdict) -> list[str]:
    """What was promised or demanded and not held, where the reasons above do not name it."""
    clauses, thresholds = unnamed(verdict)
    found = [
        f"- {MARKS[each['outcome']]}: {text(each['clause'])} ({text(each['evidence'])})"
        for each in clauses
    ]
    found += [
        f"- {MARKS[each['outcome']]}: {text(each['threshold'])} "
        f"({text(str(each.get('evidence') or each['value']))})"
        for each in thresholds
    ]
    return [*found, ""] if found else []


def _run_row(run: Run, link: str) -> str:
    verdict = run.verdict
    sessions, writes = verdict["sessions"], verdict["writes"]
    cells = (
        MARKS[run.outcome],
        Share(sessions["lost"], sessions["total"]).percent,
        Share(writes["lost"], writes["acknowledged"]).percent,
        format_count(verdict["reads"]["stale"]),
        seconds(verdict["availability"]["outage_s"]),
        milliseconds(p99_ms(verdict, "baseline")),
        milliseconds(p99_ms(verdict, "fault")),
        DASH if run.seed is None else str(run.seed),
    )
    named = f"| [{text(run.pattern)}]({link}) | {text(run.experiment)} "
    return named + row(*cells)
