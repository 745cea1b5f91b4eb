"""summary.md: the verdict short enough for a pull request. Names from files are escaped."""

from __future__ import annotations

import re
from collections.abc import Sequence

from statedrill.report.formatting import count, milliseconds, seconds, share
from statedrill.report.run_data import Run, outcome
from statedrill.report.state_figures import tiles

MARKS = {"held": "✅ held", "broken": "❌ broken", "unknown": "❔ unknown"}


def summary_of_run(run: Run) -> str:
    """The outcome, the sentence, the reasons, the headline figures, and what was not kept."""
    said = str(run.verdict.get("summary") or "There is no verdict.")
    lines = [f"### {MARKS[run.outcome]}: {text(run.name)}", "", text(said), ""]
    lines += [f"- {text(each)}" for each in (*run.missing, *(run.verdict.get("why") or ()))]
    lines += [""] if lines[-1] else []
    if run.verdict:
        lines += ["| figure | value | |", "|---|--:|---|"]
        lines += [row(each.title, each.figure, each.note) for each in tiles(run.verdict)]
        lines += ["", *_unkept(run)]
    lines.append("Full report: `report.html` in the run's folder.")
    return "\n".join(lines) + "\n"


def summary_of_comparison(answer: Sequence[str], runs: Sequence[Run], links: Sequence[str]) -> str:
    """The answer, then a row per run with a link to its report."""
    titles = ("pattern", "experiment", "outcome", "sessions lost", "acknowledged writes lost",
              "stale reads", "outage", "p99 baseline", "p99 fault", "seed")  # fmt: skip
    lines = ["### " + text(answer[0]), ""] if answer else []
    lines += [f"{text(each)}\n" for each in answer[1:]]
    lines += [row(*titles), "|---|---|---|" + "--:|" * 7]
    lines += [_run_row(run, link) for run, link in zip(runs, links, strict=True)]
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


def _unkept(run: Run) -> list[str]:
    """Clauses and thresholds that were promised and not held."""
    found = [
        f"- {MARKS[outcome(each)]}: {text(str(each.get('clause') or each.get('threshold')))}"
        f" ({text(str(each.get('evidence') or each.get('value')))})"
        for key in ("promise", "thresholds")
        for each in run.verdict.get(key) or ()
        if each.get("promised", True) and outcome(each) != "held"
    ]
    return [*found, ""] if found else []


def _run_row(run: Run, link: str) -> str:
    said = run.verdict
    sessions, writes, reads = (said.get(key) or {} for key in ("sessions", "writes", "reads"))
    latency = said.get("latency_ms") or {}
    cells = (
        MARKS[run.outcome],
        share(sessions.get("lost"), sessions.get("total")),
        share(writes.get("lost"), writes.get("acknowledged")),
        count(reads.get("stale")),
        seconds((said.get("availability") or {}).get("outage_s")),
        milliseconds((latency.get("baseline") or {}).get("p99")),
        milliseconds((latency.get("fault") or {}).get("p99")),
        str(said.get("seed", run.plan.get("seed", "—"))),
    )
    named = f"| [{text(run.pattern)}]({link}) | {text(run.experiment)} "
    return named + row(*cells)
