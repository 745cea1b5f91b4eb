"""The verdict in sentences: the one that a person reads first, and why the outcome is so."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from statedrill.vocabulary import BROKEN, HELD, UNKNOWN

_FAULTS = {
    "terminate_instances": "{count} {was} killed",
    "stop_zone": "a whole zone went down",
    "flush": "the cache was emptied",
    "flush_cache": "the cache was emptied",
    "test_failover": "the cache failed over",
    "failover_db_cluster": "the database failed over",
}
_DOMAINS = {
    "instance": "an instance was lost",
    "zone": "a zone was lost",
    "cache": "the cache was lost",
    "database": "the database failed",
    "queue": "the queue failed",
    "storage": "the object storage failed",
    "network": "the network failed",
}
_COUNTS = ("no", "one", "two", "three", "four", "five", "six")


def summary(verdict: Mapping[str, Any], domain: str | None) -> str:
    """One sentence, or two: what was lost, under which failure, and whether it was promised."""
    when = _when(verdict["faults"], domain)
    sentence = f"{verdict['pattern']} {_kept(verdict)} {when}"
    ending = _ending(verdict, domain)
    return f"{sentence}{ending}."


def reasons(verdict: Mapping[str, Any], doubts: Sequence[str]) -> list[str]:
    """Why the outcome is what it is: what was broken first, then what is not known."""
    broken = [
        f"Broken: {each['clause']} ({each['evidence']})."
        for each in verdict["promise"]
        if each["promised"] and each["outcome"] == BROKEN
    ]
    broken += [
        f"Broken: the threshold {each['threshold']} ({_measured(each)})."
        for each in verdict["thresholds"]
        if each["outcome"] == BROKEN
    ]
    unknown = [f"Not known: {doubt}." for doubt in dict.fromkeys(doubts)]
    unknown += [
        f"Not known: {each['clause']} ({each['evidence']})."
        for each in verdict["promise"]
        if each["promised"] and each["outcome"] == UNKNOWN
    ]
    also = [f"Also: {each}." for each in verdict["deaths"] if each not in doubts]
    also += [
        f"Also: the check {each['check']} crashed ({each['crash']})."
        for each in verdict["findings"]
        if "crash" in each
    ]
    if broken or unknown:
        return broken + unknown + also
    clauses = sum(each["promised"] for each in verdict["promise"])
    limits = len(verdict["thresholds"])
    held = f"All {clauses} promised clauses held"
    return [held + (f", and all {limits} thresholds." if limits else "."), *also]


def _measured(threshold: Mapping[str, Any]) -> str:
    if threshold["value"] is None:
        return str(threshold.get("evidence", "never measured"))
    return f"measured {threshold['value']:,.6g}"


def _kept(verdict: Mapping[str, Any]) -> str:
    sessions, writes = verdict["sessions"], verdict["writes"]
    if not writes["acknowledged"] and not sessions["total"]:
        return "was not tested: nothing is on record"
    if not writes["acknowledged"] and not sessions["lost"]:
        return "was not tested: no write was ever acknowledged"
    lost_sessions = _share(sessions["lost"], sessions["total"], "session", "sessions")
    lost_writes = _share(
        writes["lost"], writes["acknowledged"], "acknowledged write", "acknowledged writes"
    )
    if not sessions["lost"] and not writes["lost"]:
        return f"lost none of {sessions['total']:,} sessions and none of " + (
            f"{writes['acknowledged']:,} acknowledged writes"
        )
    return f"lost {lost_sessions} and {lost_writes}"


def _share(lost: int, total: int, one: str, many: str) -> str:
    if not lost:
        return f"none of {total:,} {many}"
    noun = one if total == 1 else many
    return f"{lost:,} of {total:,} {noun} ({100 * lost / total:.1f} %)"


def _writes(number: int) -> str:
    return "1 write" if number == 1 else f"{number:,} writes"


def _when(faults: Sequence[Mapping[str, Any]], domain: str | None) -> str:
    if not faults:
        return "without a failure" if domain is None else "in a drill whose fault never happened"
    told = list(dict.fromkeys(_fault(each, domain) for each in faults))
    return "when " + (" and ".join(told) if len(told) < 3 else f"{len(told)} things were broken")


def _fault(fault: Mapping[str, Any], domain: str | None) -> str:
    name = str(fault.get("name") or "").replace("-", "_").rpartition("/")[2]
    count = len(fault.get("targets") or ())
    if name == "terminate_instances" and count:
        number = _COUNTS[count] if count < len(_COUNTS) else str(count)
        noun, was = ("instance", "was") if count == 1 else ("instances", "were")
        return f"{number} {noun} {was} killed"
    if name in _FAULTS and "{" not in _FAULTS[name]:
        return _FAULTS[name]
    return _DOMAINS.get(str(domain), f"{name.replace('_', ' ')} happened")


def _ending(verdict: Mapping[str, Any], domain: str | None) -> str:
    clause = verdict["promise"][0]
    lost = verdict["sessions"]["lost"] or verdict["writes"]["lost"]
    more = ""
    if verdict["reads"]["leaked"]:
        more += f"; {verdict['reads']['leaked']:,} answers showed another session's state"
    if twice := verdict["writes"]["duplicated"]:
        more += f"; {_writes(twice)} took effect twice"
    if told := verdict["writes"]["two_versions"]:
        more += f"; {_writes(told)} {'was' if told == 1 else 'were'} shown with two versions"
    if not lost and verdict["reads"]["stale"]:
        more += f"; {verdict['reads']['stale']:,} of {verdict['reads']['total']:,} reads were stale"
    if lost and domain is not None and not clause["promised"]:
        return more + "; its promise does not cover this"
    if lost:
        return more + "; it had promised to lose none"
    if verdict["outcome"] == HELD or more:
        return more
    if verdict["outcome"] == UNKNOWN:
        return ", as far as is known; the verdict is open"
    return "; another part of its promise was broken"
