"""What the words of a report mean, for a reader who meets them for the first time.

Each check brings the word for what it finds. Knows no run and no verdict.
"""

from __future__ import annotations

from statedrill.check.checks import CHECKS
from statedrill.vocabulary import FAILURE_DOMAINS

_TERMS = {
    "acknowledged write": "A write whose answer told the user that it is safe: 200 or 201 (stored) "
    "or 202 (accepted into a queue).",
    "audit": "After the cluster is whole again every object of every session is read once more; "
    "what is missing then is lost.",
    "cluster": "One pattern made of live processes: load balancer, instances, database, cache, "
    "queue, object store.",
    "drill": "One execution of a plan.",
    "experiment": "What breaks and when: a Chaos Toolkit file.",
    "failure domain": f"What an experiment takes away: {', '.join(FAILURE_DOMAINS[:-1])} or "
    f"{FAILURE_DOMAINS[-1]}.",
    "fault": "One thing broken, with begin, end, and proof that it really happened.",
    "finding": "The answer of one check: held, broken or unknown, with evidence.",
    "footing": "Whether the baseline reached the planned rate cleanly. A drill without footing "
    "says nothing about the fault's effect.",
    "history": "Every operation and every cluster event of a drill, on one clock.",
    "held, broken, unknown": "The three outcomes. Broken beats unknown beats held; what was never "
    "checked is unknown, never held.",
    "imbalance": "How unevenly the instances in service share requests or sessions: standard "
    "deviation over mean. 0: all have the same.",
    "given up": "What a service acknowledged after the point to which it was restored.",
    "interval": "Where the true share lies with 95 % confidence, from resampling whole sessions. "
    "Nothing seen in n chances means: less than 3/n (rule of three).",
    "operation": "One recorded call to the application, with the outcome ok, failed (surely not "
    "done) or unknown.",
    "outage": "For how long fewer than half as many operations succeeded as before the "
    "fault; degraded: fewer than 99 of 100.",
    "p50, p99": "Half, or 99 of 100, of the operations were at least this fast.",
    "pattern": "How the application is deployed and where its state lives, plus its promise.",
    "phase": "Part of a drill: warmup, baseline, fault, recovery, settle, audit.",
    "plan": "Every input of one drill, resolved and frozen before it starts.",
    "profile": "How many users or arrivals, and when.",
    "promise": "What the pattern claims: which failure domains it survives without losing an "
    "acknowledged write or a session, and which session guarantees hold.",
    "RPO": "Recovery point observed: how far before the fault the oldest lost write was "
    "acknowledged.",
    "RTO": "Recovery time observed: from the fault until service (availability) or state is "
    "right again.",
    "scenario": "What users do: one Locust file.",
    "verdict": "The drill's answer: held, broken or unknown, with reasons.",
    "witness": "The few operations, at most four, that prove a violation by themselves.",
}


def glossary() -> dict[str, str]:
    """Every term and its meaning, in alphabetical order."""
    terms = _TERMS | {check.term: check.meaning for check in CHECKS}
    return {term: terms[term] for term in sorted(terms, key=str.lower)}
