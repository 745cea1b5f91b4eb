"""The verdict in sentences: the one that a person reads first, and why the outcome is so.

Reads the record alone; decides nothing.
"""

from __future__ import annotations

from collections.abc import Sequence

from statedrill.check.clauses import RESTORES
from statedrill.check.metrics.breakpoint import breakpoint_sentence
from statedrill.check.metrics.record import ThresholdResult
from statedrill.check.verdict.record import ClauseResult, FaultEvidence, Verdict
from statedrill.vocabulary import BROKEN, HELD, UNKNOWN


def summary(verdict: Verdict, domain: str | None) -> str:
    """What was lost, under which failure, and whether it was promised; and the breaking point."""
    sentence = f"{verdict['pattern']} {_kept(verdict)} {_when(verdict['faults'], domain)}"
    found = verdict.get("breakpoint")
    more = f" {breakpoint_sentence(found)}." if found else ""
    return f"{sentence}{_ending(verdict, domain)}.{more}"


def reasons(verdict: Verdict, open_questions: Sequence[str]) -> list[str]:
    """Why the outcome is what it is: what was broken first, then what is not known; each once."""
    promised = [each for each in verdict["promise"] if each["promised"]]
    broken = [
        f"Broken: {each['clause']} ({each['evidence']})."
        for each in promised
        if each["outcome"] == BROKEN
    ]
    broken += [
        f"Broken: the threshold {each['threshold']} ({_measured(each)})."
        for each in verdict["thresholds"]
        if each["outcome"] == BROKEN
    ]
    unknown = [f"Not known: {each}." for each in dict.fromkeys(open_questions)]
    unknown += [
        f"Not known: {', '.join(clauses)} ({reason})."
        for reason, clauses in _other_reasons(promised, open_questions).items()
    ]
    also = [f"Also: {each}." for each in verdict["deaths"] if each not in open_questions]
    also += [
        f"Also: the check {each['check']} crashed ({each['crash']})."
        for each in verdict["findings"]
        if "crash" in each
    ]
    if broken or unknown:
        return broken + unknown + also
    limits = len(verdict["thresholds"])
    held = f"All {len(promised)} promised clauses held"
    return [held + (f", and all {limits} thresholds." if limits else "."), *also]


def _other_reasons(
    promised: Sequence[ClauseResult], open_questions: Sequence[str]
) -> dict[str, list[str]]:
    """Why clauses are unknown beyond the open questions, with the clauses that it concerns."""
    found: dict[str, list[str]] = {}
    for each in promised:
        reason = each["evidence"]
        for question in open_questions:
            reason = "; ".join(filter(None, reason.replace(question, "").split("; ")))
        if each["outcome"] == UNKNOWN and reason:
            found.setdefault(reason, []).append(each["clause"])
    return found


def _measured(threshold: ThresholdResult) -> str:
    if threshold["value"] is None:
        return threshold.get("evidence", "never measured")
    return f"measured {threshold['value']:,.6g}"


def _kept(verdict: Verdict) -> str:
    sessions, writes = verdict["sessions"], verdict["writes"]
    if not writes["acknowledged"] and not sessions["total"]:
        return "was not tested: nothing is on record"
    if not writes["acknowledged"] and not sessions["lost"]:
        return "was not tested: no write was ever acknowledged"
    if not sessions["lost"] and not writes["lost"]:
        return (
            f"lost none of {sessions['total']:,} sessions and none of "
            f"{writes['acknowledged']:,} acknowledged writes"
        )
    lost_sessions = _share(sessions["lost"], sessions["total"], "session")
    lost_writes = _share(writes["lost"], writes["acknowledged"], "acknowledged write")
    return f"lost {lost_sessions} and {lost_writes}"


def _share(lost: int, total: int, noun: str) -> str:
    if not lost:
        return f"none of {total:,} {noun}s"
    return f"{lost:,} of {_number(total, noun)} ({100 * lost / total:.1f} %)"


def _number(number: int, noun: str) -> str:
    return f"1 {noun}" if number == 1 else f"{number:,} {noun}s"


def _when(faults: Sequence[FaultEvidence], domain: str | None) -> str:
    if not faults:
        return "without a failure" if domain is None else "in a drill whose fault never happened"
    phrases = list(dict.fromkeys(_phrase(each, domain) for each in faults))
    if len(phrases) > 2:
        return f"when {len(phrases)} things were broken"
    return f"when {' and '.join(phrases)}"


# A fault brings its own phrase; these are for histories of an earlier version.
_PHRASES = {
    "stop_zone": "a whole zone went down",
    "flush": "the cache was emptied",
    "test_failover": "the cache failed over",
    "failover_db_cluster": "the database failed over",
}
_PHRASES_OF_DOMAINS = {
    "instance": "an instance was lost",
    "zone": "a zone was lost",
    "cache": "the cache was lost",
    "database": "the database failed",
    "queue": "the queue failed",
    "storage": "the object storage failed",
    "network": "the network failed",
}
_NUMBERS = ("no", "one", "two", "three", "four", "five", "six")


def _phrase(fault: FaultEvidence, domain: str | None) -> str:
    if phrase := fault.get("phrase"):
        return phrase
    name = (fault["name"] or "").replace("-", "_").rpartition("/")[2]
    count = len(fault["targets"])
    if name == "terminate_instances" and count:
        number = _NUMBERS[count] if count < len(_NUMBERS) else str(count)
        return f"{number} {'instance was' if count == 1 else 'instances were'} killed"
    if name in _PHRASES:
        return _PHRASES[name]
    return _PHRASES_OF_DOMAINS.get(str(domain), f"{name.replace('_', ' ')} happened")


def _ending(verdict: Verdict, domain: str | None) -> str:
    writes, reads = verdict["writes"], verdict["reads"]
    lost = verdict["sessions"]["lost"] or writes["lost"]
    more = ""
    if expired := verdict["sessions"].get("expired"):
        more += f"; {_number(expired, 'session')} expired, not having been used for long enough"
    if reads["leaked"]:
        more += f"; {reads['leaked']:,} answers showed another session's state"
    if twice := writes["duplicated"]:
        more += f"; {_number(twice, 'write')} took effect twice"
    if shown := writes["two_versions"]:
        was = "was" if shown == 1 else "were"
        more += f"; {_number(shown, 'write')} {was} shown with two versions"
    if not lost and reads["stale"]:
        more += f"; {reads['stale']:,} of {reads['total']:,} reads were stale"
    if lost and domain is not None and not verdict["promise"][0]["promised"]:
        return more + _of_restore(verdict)
    if lost:
        return more + "; it had promised to lose none"
    if verdict["outcome"] == HELD or more:
        return more
    if verdict["outcome"] == UNKNOWN:
        return ", as far as is known; the verdict is open"
    return "; another part of its promise was broken"


def _of_restore(verdict: Verdict) -> str:
    """What the pattern had promised about a loss that it does not promise to survive."""
    for each in verdict["promise"]:
        if each["clause"].startswith(RESTORES) and each["outcome"] != UNKNOWN:
            age = each["clause"].removeprefix(RESTORES)
            was = "was" if each["outcome"] == HELD else "was not all"
            return f"; what was older than{age} {was} restored"
    return "; its promise does not cover this"
