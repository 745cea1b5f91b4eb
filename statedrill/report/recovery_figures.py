"""How long until it worked again, and how much was lost until then: each figure with its meaning.

Reads the verdict's figures and judges nothing.
"""

from __future__ import annotations

from statedrill.check.verdict.record import StoredVerdict
from statedrill.report.formatting import DASH, exact, format_count, percent, plural, seconds
from statedrill.report.table import Table, table


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
         "from the oldest lost write's acknowledgement to the next fault"),
        ("RPO, writes", format_count(recovery["rpo_writes"]), "acknowledged writes that were lost"),
        *_exposed_rows(verdict),
        *_restore_rows(verdict),
        *_staleness_rows(verdict),
        *_breakpoint_rows(verdict),
    ]  # fmt: skip
    return table("Availability and recovery", ("figure", "value", "meaning"), rows, numeric=(1,))


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
        found.append(("lost after the last fault began", format_count(after), "of the lost writes"))
    if exposed := recovery["exposed_writes"]:
        meaning = "acknowledged and open to loss"
        found.append(("writes exposed", format_count(exposed), meaning))
    return found


def _restore_rows(verdict: StoredVerdict) -> list[tuple[str, str, str]]:
    """How long each restore took, and how much of the time it gave up."""
    rows = []
    for each in verdict.get("restores", []):
        took_s, given_up_s = (each["restored_s"] - each[key] for key in ("ordered_s", "point_s"))
        point = f"{each['point_s']:,.1f} s ({each['position']})"
        rows += [
            (f"restore of the {each['service']}", seconds(took_s),
             "from its order until the service was served from its backup"),
            ("given up", seconds(given_up_s),
             f"from the restore point at {point} until then: what was acknowledged in between"),
        ]  # fmt: skip
    return rows


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
