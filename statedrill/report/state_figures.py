"""What was kept and what was not: counts with what they are counted of, shares, and intervals.

Reads the verdict's figures and judges nothing: nothing out of nothing is `not tested`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from statedrill.report.formatting import (
    DASH,
    NOT_TESTED,
    count,
    interval,
    milliseconds,
    percent,
    plural,
    seconds,
    share,
)
from statedrill.report.run_data import at
from statedrill.report.table import Cell, Table, table
from statedrill.vocabulary import GUARANTEES


@dataclass(frozen=True)
class Tile:
    """A headline figure; `mark` is `good`, `bad` or empty (says nothing)."""

    title: str
    figure: str
    note: str
    mark: str = ""


@dataclass(frozen=True)
class Counted:
    """`part` of `whole`, under a title; `finding` is the class of the finding with its interval."""

    title: str
    part: int | None
    whole: int | None
    finding: str = ""


def tiles(verdict: Mapping[str, Any]) -> list[Tile]:
    """The figures a reader looks for first."""
    found = [
        _tile("sessions lost", at(verdict, "sessions", "lost"), at(verdict, "sessions", "total")),
        _tile(
            "acknowledged writes lost",
            at(verdict, "writes", "lost"),
            at(verdict, "writes", "acknowledged"),
        ),
        _tile("stale reads", at(verdict, "reads", "stale"), at(verdict, "reads", "total")),
        _service_tile(verdict),
        _latency_tile(verdict),
    ]
    wrong = (at(verdict, "writes", "duplicated") or 0) + (at(verdict, "reads", "leaked") or 0)
    if wrong:
        note = (
            f"{count(at(verdict, 'writes', 'duplicated'))} duplicated effects, "
            f"{count(at(verdict, 'reads', 'leaked'))} leaked reads"
        )
        found.insert(3, Tile("doubled or leaked", count(wrong), note, "bad"))
    return found


def kept_table(verdict: Mapping[str, Any]) -> Table:
    """Every count with its denominator, share and 95 % interval."""
    return table(
        "What was kept",
        ("what went wrong", "counted", "of", "share", "95 % interval"),
        [_row(each, verdict) for each in _counts(verdict)],
        numeric=(1, 2, 3, 4),
    )


def recovery_table(verdict: Mapping[str, Any]) -> Table:
    """Availability, recovery times and points, staleness: each with what it means here."""
    rows = [
        ("availability during fault and recovery", percent(at(verdict, "availability", "ratio")),
         "share of operations that succeeded"),
        *_outage_rows(verdict),
        ("RTO, availability", seconds(at(verdict, "recovery", "rto_availability_s")),
         _rto_meaning(verdict)),
        ("RTO, state", seconds(at(verdict, "recovery", "rto_state_s")), _state_meaning(verdict)),
        *_session_rows(verdict),
        ("RPO, time", seconds(at(verdict, "recovery", "rpo_s")),
         "from the oldest lost write's acknowledgement to the fault"),
        ("RPO, writes", count(at(verdict, "recovery", "rpo_writes")),
         "acknowledged writes that were lost"),
        *_exposed_rows(verdict),
        *_staleness_rows(verdict),
    ]  # fmt: skip
    return table("Availability and recovery", ("figure", "value", "meaning"), rows, numeric=(1,))


def finding_of(verdict: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """The first finding whose check or class is `name`; empty where there is none."""
    for finding in verdict.get("findings") or ():
        if name in (finding.get("check"), finding.get("class")):
            return dict(finding)
    return {}


def _counts(verdict: Mapping[str, Any]) -> list[Counted]:
    sessions, writes, reads = (at(verdict, key) or {} for key in ("sessions", "writes", "reads"))
    total, acked = sessions.get("total"), writes.get("acknowledged")
    all_reads = reads.get("total")
    rows = [
        Counted("sessions lost", sessions.get("lost"), total, "session-lost"),
        Counted("session outages (lost, then back)", sessions.get("outage"), total),
        Counted("acknowledged writes lost", writes.get("lost"), acked, "lost-writes"),
        Counted("effects duplicated", writes.get("duplicated"), acked, "duplicate"),
        Counted("reads stale", reads.get("stale"), all_reads, "stale"),
        Counted("reads that leaked another session's state", reads.get("leaked"), all_reads,
                "leak"),
    ]  # fmt: skip
    extra = {
        "sessions with a lost write": (sessions.get("with_lost_writes"), total),
        "sessions whose fate is undecided": (sessions.get("undecided") or None, total),
        "removed elements that came back": (
            writes.get("resurrected"),
            finding_of(verdict, "resurrected").get("opportunities"),
        ),
        "writes shown with two versions": (writes.get("two_versions") or None, acked),
        "reads of what nobody had written": (reads.get("phantom"), all_reads),
        "acknowledged writes the audit could not check": (writes.get("unaudited"), acked),
        "reads stale only against accepted writes": (reads.get("stale_accepted"), all_reads),
        "reads of state that was lost": (reads.get("after_loss"), all_reads),
    }
    rows += [Counted(name, *pair) for name, pair in extra.items() if pair[0] is not None]
    for key, name in GUARANTEES.items():
        seen = at(verdict, "guarantees", key) or {}
        rows.append(Counted(f"{name}: violations", seen.get("violations"),
                            seen.get("opportunities"), key.replace("_", "-")))  # fmt: skip
    facts = {"writes of unknown outcome (never counted as lost)": "unknown",
             "writes surely not done": "failed"}  # fmt: skip
    rows += [Counted(name, writes[key], None) for name, key in facts.items()
             if writes.get(key) is not None]  # fmt: skip
    return rows


def _row(each: Counted, verdict: Mapping[str, Any]) -> list[Cell | str]:
    style = "bad" if each.part else ""
    # An unknown outcome is a fact about the client, not a loss.
    if each.whole is None:
        return [each.title, count(each.part), DASH, DASH, DASH]
    said = share(each.part, each.whole)
    return [
        each.title,
        Cell(count(each.part), style=style),
        count(each.whole),
        Cell(said, style="muted" if said == NOT_TESTED else style),
        _interval(each, verdict),
    ]


def _interval(each: Counted, verdict: Mapping[str, Any]) -> str:
    """The check's own interval; for nothing seen in n chances the rule of three."""
    if not each.whole or each.part is None:
        return DASH
    if each.part == 0:
        return f"below {percent(min(1.0, 3 / each.whole))}"
    found = finding_of(verdict, each.finding)
    # Only where the check counted the same: stale reads, say, include what no check convicts.
    return interval(found.get("interval")) if found.get("violations") == each.part else DASH


def _tile(title: str, part: int | None, whole: int | None) -> Tile:
    if part is None or whole is None:
        return Tile(title, DASH, "not known")
    if whole == 0:
        return Tile(title, DASH, NOT_TESTED)
    return Tile(
        title, share(part, whole), f"{count(part)} of {count(whole)}", "bad" if part else "good"
    )


def _service_tile(verdict: Mapping[str, Any]) -> Tile:
    ratio, outage_s = (at(verdict, "availability", key) for key in ("ratio", "outage_s"))
    mark = "" if ratio is None else "good" if ratio == 1 else "bad" if outage_s else ""
    note = "not known" if outage_s is None else f"outage {seconds(outage_s)}"
    return Tile("operations served in fault and recovery", percent(ratio), note, mark)


def _latency_tile(verdict: Mapping[str, Any]) -> Tile:
    before, during = (at(verdict, "latency_ms", phase, "p99") for phase in ("baseline", "fault"))
    note = f"in the baseline {milliseconds(before)}" if before is not None else "no baseline"
    return Tile("p99 latency in the fault", milliseconds(during), note)


def _outage_rows(verdict: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    meanings = {
        "outage": ("outage_s", "time in which less than half succeeded of what did before"),
        "longest outage": ("longest_outage_s", "its longest stretch"),
        "degraded": ("degraded_s", "time in which less than 99 % succeeded of what did before"),
    }
    known = at(verdict, "availability") or {}
    return [
        (name, seconds(known.get(key)), meaning)
        for name, (key, meaning) in meanings.items()
        if key in known or name == "outage"
    ]


def _rto_meaning(verdict: Mapping[str, Any]) -> str:
    if at(verdict, "recovery", "rto_availability_s") is not None:
        return "from the fault until service was as before"
    if at(verdict, "availability", "ratio") == 0:
        return "nothing was ever served"
    if at(verdict, "availability", "outage_s") == 0:
        return "service was never interrupted"
    return "not reached within the drill, or not measured"


def _state_meaning(verdict: Mapping[str, Any]) -> str:
    if at(verdict, "recovery", "rto_state_s") is not None:
        return "from the fault until the last wrong read"
    if at(verdict, "writes", "lost") or at(verdict, "sessions", "lost"):
        return "never: some state is lost for good"
    return "no wrong read was caused by the fault, or none was measured"


def _session_rows(verdict: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    """Recovery session by session, where it was measured."""
    figures = at(verdict, "recovery", "rto_sessions_s")
    if not figures or not figures.get("affected"):
        return []
    censored = figures.get("censored") or 0
    meaning = f"until half of the {plural(figures['affected'], 'affected session')} were served"
    if censored:
        meaning += f" again; {count(censored)} were not, while the load lasted"
    return [("RTO, sessions", seconds(figures.get("p50")), meaning)]


def _exposed_rows(verdict: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    found = []
    after, exposed = (at(verdict, "recovery", key) for key in ("lost_after_fault",
                                                               "exposed_writes"))  # fmt: skip
    if after:
        found.append(("lost after the fault began", count(after), "of the lost writes"))
    if exposed:
        found.append(("writes exposed", count(exposed), "acknowledged and open to loss"))
    return found


def _staleness_rows(verdict: Mapping[str, Any]) -> list[tuple[str, str, str]]:
    ages = at(verdict, "reads", "staleness_s") or {}
    meaning = "age of what stale reads showed, at least"
    rows = [(f"staleness, {key}", seconds(ages.get(key)), meaning) for key in ("p50", "p99", "max")
            if ages.get(key) is not None]  # fmt: skip
    return rows or [("staleness", DASH, "there was no stale read")]
