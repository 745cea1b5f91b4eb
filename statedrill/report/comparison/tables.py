"""The tables of a comparison that have a row for each run, each leading to the run's own report."""

from __future__ import annotations

from collections.abc import Sequence

from statedrill.report.formatting import (
    DASH,
    Share,
    format_count,
    milliseconds,
    percent,
    seconds,
)
from statedrill.report.measures import before_and_after, before_and_greatest
from statedrill.report.run_data import Run
from statedrill.report.state_figures import p99_ms
from statedrill.report.table import Cell, Table, table

_MEASURED = {
    "instances": ("instances", before_and_after),
    "requests_cv_end": ("imbalance of requests", before_and_after),
    "sessions_cv_end": ("imbalance of sessions", before_and_after),
    "hit_rate": ("hit rate of the cache", before_and_after),
    "queue_depth_max": ("messages in the queue, most", before_and_greatest),
    "dead_letters_max": ("dead letters, most", before_and_greatest),
    "queue_age_s_max": ("oldest message, at least", before_and_greatest),
    "lag_s_max": ("replica behind, longest", before_and_greatest),
    "cpu_s_per_1000": ("processor time per 1,000 operations", before_and_after),
    "memory_mib": ("memory (MiB)", before_and_after),
}


def results_table(runs: Sequence[Run], links: Sequence[str]) -> Table:
    """What was lost in each run, and how the service was."""
    rows = [_result(run, link) for run, link in zip(runs, links, strict=True)]
    columns = ("run", "promise", "sessions lost", "acknowledged writes lost", "stale reads",
               "doubled", "leaked", "served", "outage", "RTO", "RPO", "p99 baseline",
               "p99 fault")  # fmt: skip
    return table("Every run", columns, rows, numeric=range(2, 13))


def _result(run: Run, link: str) -> list[Cell | str]:
    verdict = run.verdict
    sessions, writes, reads = verdict["sessions"], verdict["writes"], verdict["reads"]
    return [
        Cell(run.name, href=link),
        Cell(outcome=run.outcome),
        _lost(Share(sessions["lost"], sessions["total"])),
        _lost(Share(writes["lost"], writes["acknowledged"])),
        _lost(Share(reads["stale"], reads["total"])),
        format_count(writes["duplicated"]),
        format_count(reads["leaked"]),
        percent(verdict["availability"]["ratio"]),
        seconds(verdict["availability"]["outage_s"]),
        seconds(verdict["recovery"]["rto_availability_s"]),
        seconds(verdict["recovery"]["rpo_s"]),
        milliseconds(p99_ms(verdict, "baseline")),
        milliseconds(p99_ms(verdict, "fault")),
    ]


def _lost(share: Share) -> Cell:
    note = share.counted if share.whole else ""
    return Cell(share.percent, note, "bad" if share.part else "")


def runs_table(runs: Sequence[Run], links: Sequence[str]) -> Table:
    """Which runs these are."""
    rows: list[list[str | Cell]] = [
        [
            Cell(run.folder.name, href=link),
            run.plan["run"] if run.plan else DASH,
            DASH if run.seed is None else str(run.seed),
            run.plan["created"] if run.plan else DASH,
            run.verdict["summary"] or " ".join(run.missing) or DASH,
        ]
        for run, link in zip(runs, links, strict=True)
    ]
    return table("The runs", ("folder", "run", "seed", "made", "verdict"), rows)


def measured_table(runs: Sequence[Run], links: Sequence[str]) -> Table:
    """What was measured beside the promise: in the baseline, and afterwards."""
    rows: list[list[Cell | str]] = [
        [Cell(run.name, href=link), *(two(run.verdict, key) for key, (_, two) in _MEASURED.items())]
        for run, link in zip(runs, links, strict=True)
        if run.verdict.get("measures")
    ]
    columns = ("run", *(title for title, _ in _MEASURED.values()))
    return table("Measured, baseline → after", columns, rows, numeric=range(1, len(columns)))
