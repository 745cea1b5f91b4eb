"""What was kept and what was not: counts with what they are counted of, shares, and intervals.

Reads the verdict's figures and judges nothing: nothing out of nothing is `not tested`.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from statedrill.check.checks import CHECKS
from statedrill.check.verdict.record import Finding, StoredVerdict
from statedrill.report.formatting import (
    DASH,
    NOT_TESTED,
    Share,
    exact,
    format_count,
    interval,
    milliseconds,
    percent,
    plural,
    seconds,
)
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


def recovery_table(verdict: StoredVerdict) -> Table:
    """Availability, recovery times and points, staleness: each with what it means here."""
    recovery = verdict["recovery"]
    rows = [
        ("availability during fault and recovery", percent(verdict["availability"]["ratio"]),
         "share of operations that succeeded"),
        *_outage_rows(verdict),
        ("RTO, availability", seconds(recovery["rto_availability_s"]), _rto_meaning(verdict)),
        *_not_comparable_rows(verdict),
        ("RTO, state", seconds(recovery["rto_state_s"]), _state_meaning(verdict)),
        *_session_rows(verdict),
        ("RPO, time", seconds(recovery["rpo_s"]),
         "from the oldest lost write's acknowledgement to the fault"),
        ("RPO, writes", format_count(recovery["rpo_writes"]), "acknowledged writes that were lost"),
        *_exposed_rows(verdict),
        *_staleness_rows(verdict),
        *_breakpoint_rows(verdict),
    ]  # fmt: skip
    return table("Availability and recovery", ("figure", "value", "meaning"), rows, numeric=(1,))


def finding_of(verdict: StoredVerdict, check: str) -> Finding[int | None] | None:
    """What `check` found; None where the verdict has no such finding."""
    return next((each for each in verdict["findings"] if each["check"] == check), None)


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
    said = share.percent
    return [
        each.title,
        Cell(format_count(share.part), style=style),
        format_count(share.whole),
        Cell(said, style="muted" if said == NOT_TESTED else style),
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


def _outage_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    known = verdict["availability"]
    half = "time in which less than half succeeded of what did before"
    rows = [("outage", seconds(known["outage_s"]), half)]
    if "longest_outage_s" in known:
        rows.append(("longest outage", seconds(known["longest_outage_s"]), "its longest stretch"))
    nearly_all = "time in which less than 99 % succeeded of what did before"
    return [*rows, ("degraded", seconds(known["degraded_s"]), nearly_all)]


def _not_comparable_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    apart_s = verdict["availability"].get("latency_not_comparable_s")
    if not apart_s:
        return []
    meaning = "time in which the profile planned more than in the baseline: slow is not judged"
    return [("latency not compared", seconds(apart_s), meaning)]


def _breakpoint_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    """What a profile that searches the breaking point found."""
    found = verdict.get("breakpoint")
    if not found:
        return []
    held = f"{exact(found['held'])} {found['unit']}"
    if found["broke"] is None:
        return [("breaking point", f"over {held}", "not reached: the greatest load that held")]
    during = f" in the phase {found['phase']}" if found["phase"] else ""
    why = f"the last load that held; {exact(found['broke'])} broke{during}: {found['why']}"
    return [("breaking point", held, why)]


def _rto_meaning(verdict: StoredVerdict) -> str:
    if verdict["recovery"]["rto_availability_s"] is not None:
        return "from the fault until service was as before"
    if verdict["availability"]["ratio"] == 0:
        return "nothing was ever served"
    if verdict["availability"]["outage_s"] == 0:
        return "service was never interrupted"
    return "not reached within the drill, or not measured"


def _state_meaning(verdict: StoredVerdict) -> str:
    if verdict["recovery"]["rto_state_s"] is not None:
        return "from the fault until the last wrong read"
    if verdict["writes"]["lost"] or verdict["sessions"]["lost"]:
        return "never: some state is lost for good"
    return "no wrong read was caused by the fault, or none was measured"


def _session_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    """Recovery session by session, where it was measured."""
    figures = verdict["recovery"]["rto_sessions_s"]
    if not figures["affected"]:
        return []
    meaning = f"until half of the {plural(figures['affected'], 'affected session')} were served"
    if figures["censored"]:
        meaning += f" again; {format_count(figures['censored'])} were not, while the load lasted"
    return [("RTO, sessions", seconds(figures["p50"]), meaning)]


def _exposed_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    recovery, found = verdict["recovery"], []
    if after := recovery["lost_after_fault"]:
        found.append(("lost after the fault began", format_count(after), "of the lost writes"))
    if exposed := recovery["exposed_writes"]:
        meaning = "acknowledged and open to loss"
        found.append(("writes exposed", format_count(exposed), meaning))
    return found


def _staleness_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    ages = verdict["reads"]["staleness_s"]
    known = {"p50": ages["p50"], "p99": ages["p99"], "max": ages["max"]}
    meaning = "age of what stale reads showed, at least"
    rows = [
        (f"staleness, {name}", seconds(age_s), meaning)
        for name, age_s in known.items()
        if age_s is not None
    ]
    return rows or [("staleness", DASH, "there was no stale read")]
