"""What was kept and what was not: counts with what they are counted of, shares, and intervals.

Reads the verdict's figures and judges nothing: nothing out of nothing is `not tested`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from statedrill.check.checks import CHECKS
from statedrill.check.metrics.record import ThresholdResult
from statedrill.check.verdict.record import ClauseResult, Finding, StoredVerdict
from statedrill.report.formatting import (
    DASH,
    NOT_TESTED,
    Share,
    format_count,
    interval,
    milliseconds,
    percent,
    seconds,
)
from statedrill.report.table import Cell, Table, table
from statedrill.vocabulary import GUARANTEES, HELD


@dataclass(frozen=True)
class Tile:
    """A headline figure; `mark` is `good`, `bad` or empty (says nothing)."""

    title: str
    figure: str
    note: str
    mark: str = ""


@dataclass(frozen=True)
class Counted:
    """A row of what went wrong; the violations of `checks` stand in it, and the first one's finding
    has the interval of the share.
    """

    title: str
    share: Share
    checks: tuple[str, ...] = ()


def tiles(verdict: StoredVerdict) -> list[Tile]:
    """The figures a reader looks for first."""
    sessions, writes, reads = verdict["sessions"], verdict["writes"], verdict["reads"]
    found = [
        _tile("sessions lost", Share(sessions["lost"], sessions["total"])),
        _tile("acknowledged writes lost", Share(writes["lost"], writes["acknowledged"])),
        _tile("stale reads", Share(reads["stale"], reads["total"])),
        _service_tile(verdict),
        _latency_tile(verdict),
    ]
    if wrong := (writes["duplicated"] or 0) + (reads["leaked"] or 0):
        note = (
            f"{format_count(writes['duplicated'])} duplicated effects, "
            f"{format_count(reads['leaked'])} leaked reads"
        )
        found.insert(3, Tile("doubled or leaked", format_count(wrong), note, "bad"))
    return found


def kept_table(verdict: StoredVerdict) -> Table:
    """Every count with its denominator, share and 95 % interval."""
    return table(
        "What was kept",
        ("what went wrong", "counted", "of", "share", "95 % interval"),
        [*(_row(each, verdict) for each in _counts(verdict)), *_open_rows(verdict)],
        numeric=(1, 2, 3, 4),
    )


def finding_of(verdict: StoredVerdict, check: str) -> Finding[int | None] | None:
    """What `check` found; None where the verdict has no such finding."""
    return next((each for each in verdict["findings"] if each["check"] == check), None)


def unnamed(verdict: StoredVerdict) -> tuple[list[ClauseResult], list[ThresholdResult]]:
    """The promised clauses, and the thresholds, that were not held and that no reason of the
    verdict names.
    """
    reasons = " ".join(verdict["why"])
    clauses = [
        each
        for each in verdict["promise"]
        if each["promised"]
        and each["outcome"] != HELD
        and f"{each['clause']} ({each['evidence']})" not in reasons
    ]
    thresholds = [
        each
        for each in verdict["thresholds"]
        if each["outcome"] != HELD and f"the threshold {each['threshold']} (" not in reasons
    ]
    return clauses, thresholds


def _counts(verdict: StoredVerdict) -> list[Counted]:
    sessions, writes, reads = verdict["sessions"], verdict["writes"], verdict["reads"]
    total, acknowledged, all_reads = sessions["total"], writes["acknowledged"], reads["total"]
    resurrected = finding_of(verdict, "resurrected")
    removed = resurrected["opportunities"] if resurrected else None
    rows = [
        Counted("sessions lost", Share(sessions["lost"], total), ("lost-sessions",)),
        Counted("session outages (lost, then back)", Share(sessions["outage"], total)),
        Counted("acknowledged writes lost", Share(writes["lost"], acknowledged), ("lost-writes",)),
        Counted("effects duplicated", Share(writes["duplicated"], acknowledged),
                ("duplicates", "orders-once")),
        Counted("reads stale", Share(reads["stale"], all_reads), ("stale-reads",)),
        Counted("reads that leaked another session's state", Share(reads["leaked"], all_reads),
                ("leaks",)),
    ]  # fmt: skip
    where_counted = [
        Counted("sessions with a lost write", Share(sessions["with_lost_writes"], total)),
        Counted("sessions that expired unused", Share(sessions.get("expired") or None, total)),
        Counted("sessions whose fate is undecided", Share(sessions["undecided"] or None, total)),
        Counted("removed elements that came back", Share(writes["resurrected"], removed),
                ("resurrected",)),
        Counted("writes shown with two versions",
                Share(writes["two_versions"] or None, acknowledged), ("two-versions",)),
        Counted("reads of what nobody had written", Share(reads["phantom"], all_reads),
                ("phantoms",)),
        Counted("acknowledged writes the audit could not check",
                Share(writes["unaudited"], acknowledged)),
        Counted("reads stale only against accepted writes",
                Share(reads["stale_accepted"], all_reads)),
        Counted("reads of state that was lost", Share(reads["after_loss"], all_reads)),
    ]  # fmt: skip
    rows += [row for row in where_counted if row.share.part is not None]
    for key, name in GUARANTEES.items():
        seen = verdict["guarantees"].get(key)
        share = Share(seen["violations"], seen["opportunities"]) if seen else Share(None, None)
        rows.append(Counted(f"{name}: violations", share, (key.replace("_", "-"),)))
    return [*rows, *_further(verdict, {check for row in rows for check in row.checks})]


def _further(verdict: StoredVerdict, counted: Collection[str]) -> list[Counted]:
    """A row for each check that found something and stands in no other row."""
    terms = {check.name: check.term for check in CHECKS}
    return [
        Counted(
            f"{terms.get(each['check'], each['check'])}: violations",
            Share(each["violations"], each["opportunities"]),
            (each["check"],),
        )
        for each in verdict["findings"]
        if each["violations"] and each["check"] not in counted
    ]


def _row(each: Counted, verdict: StoredVerdict) -> list[Cell | str]:
    share, style = each.share, "bad" if each.share.part else ""
    if share.whole is None:
        return [each.title, format_count(share.part), DASH, DASH, DASH]
    percentage = share.percent
    return [
        each.title,
        Cell(format_count(share.part), style=style),
        format_count(share.whole),
        Cell(percentage, style="muted" if percentage == NOT_TESTED else style),
        _interval(each, verdict),
    ]


def _open_rows(verdict: StoredVerdict) -> list[list[Cell | str]]:
    """Writes without success; an unknown outcome is a fact about the client, not a loss."""
    writes = verdict["writes"]
    facts = {
        "writes of unknown outcome (never counted as lost)": writes["unknown"],
        "writes surely not done": writes["failed"],
    }
    return [
        [title, format_count(number), DASH, DASH, DASH]
        for title, number in facts.items()
        if number is not None
    ]


def _interval(each: Counted, verdict: StoredVerdict) -> str:
    """The check's own interval; for nothing seen in n chances the rule of three."""
    share = each.share
    if not share.whole or share.part is None:
        return DASH
    if share.part == 0:
        return f"below {percent(min(1.0, 3 / share.whole))}"
    found = finding_of(verdict, each.checks[0]) if each.checks else None
    # Only where the check counted the same: stale reads, say, include what no check convicts.
    return interval(found["interval"]) if found and found["violations"] == share.part else DASH


def _tile(title: str, share: Share) -> Tile:
    if share.part is None or share.whole is None:
        return Tile(title, DASH, "not known")
    if share.whole == 0:
        return Tile(title, DASH, NOT_TESTED)
    return Tile(title, share.percent, share.counted, "bad" if share.part else "good")


def _service_tile(verdict: StoredVerdict) -> Tile:
    ratio, outage_s = verdict["availability"]["ratio"], verdict["availability"]["outage_s"]
    mark = "" if ratio is None else "good" if ratio == 1 else "bad" if outage_s else ""
    note = "not known" if outage_s is None else f"outage {seconds(outage_s)}"
    return Tile("operations served in fault and recovery", percent(ratio), note, mark)


def _latency_tile(verdict: StoredVerdict) -> Tile:
    before, during = p99_ms(verdict, "baseline"), p99_ms(verdict, "fault")
    note = f"in the baseline {milliseconds(before)}" if before is not None else "no baseline"
    return Tile("p99 latency in the fault", milliseconds(during), note)


def p99_ms(verdict: StoredVerdict, phase: str) -> float | None:
    """The p99 of the latency in a phase; None where nothing succeeded in it."""
    figures = verdict["latency_ms"].get(phase)
    return figures.get("p99") if figures else None
