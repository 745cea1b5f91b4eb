"""Puts the verdict together: what the checks found, and what the drill's own events say."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from statedrill.check.aggregate import Crash
from statedrill.check.check_history import check_history
from statedrill.check.context import CheckContext, make_context
from statedrill.check.metrics.availability import availability
from statedrill.check.metrics.breakpoint import breakpoint_found
from statedrill.check.metrics.footing import footing
from statedrill.check.metrics.imbalance import imbalance, of_phases
from statedrill.check.metrics.planned_load import comparable_bins, load_end_ns, planned_load
from statedrill.check.metrics.record import PhaseMeasures
from statedrill.check.metrics.recovery import recovery
from statedrill.check.metrics.samples import measures_of, sampled
from statedrill.check.metrics.threshold_results import Certainty, judge_thresholds
from statedrill.check.metrics.timeseries import latencies, operations, phases, series
from statedrill.check.verdict import counts
from statedrill.check.verdict.fault_evidence import faults, unconfirmed_failure, unplanned_exits
from statedrill.check.verdict.promise import clauses
from statedrill.check.verdict.record import SCHEMA, Verdict
from statedrill.check.verdict.restore_evidence import backups, restores
from statedrill.check.verdict.sentences import reasons, summary
from statedrill.check.verdict.uncertainties import uncertainties
from statedrill.history.store import History
from statedrill.plan.record import PlanRecord
from statedrill.vocabulary import HELD, PHASE_NAMES, UNKNOWN, Phase, worst


class Judgement(NamedTuple):
    """A verdict as verdict.json has it, and the checks that crashed, with their tracebacks."""

    verdict: Verdict
    crashes: tuple[Crash, ...]


def assemble(history: History, plan: PlanRecord) -> Judgement:
    """The verdict of `history`, made under `plan`."""
    context = make_context(history, plan, *history.span())
    total, traffic = check_history(history, context)
    evidence = faults(history, context)
    exits = unplanned_exits(history, context, plan["pattern"]["promise"]["survives"])
    failure = unconfirmed_failure(plan["experiment"]["domain"], evidence, history)
    # that the application's own processes die is no excuse for it
    unknown = uncertainties(history, context, total.counts, exits.cluster, failure)
    planned = planned_load(history.load, context, plan["load"]["arrivals"] == "poisson")
    load = footing(history, plan, traffic, context, planned)
    certain = Certainty(load["outcome"] == HELD, not unknown.audit, not unknown.record)
    broken_ns = _load_begin_ns(history, context), load_end_ns(history, context, planned)
    comparable = comparable_bins(history, context, planned)
    available, rto_s = availability(traffic, context, broken_ns, comparable)
    latency_ms, service_ms = latencies(traffic)
    spread = imbalance(total.bins, history, context, broken_ns[1])
    verdict: Verdict = {
        "schema": SCHEMA,
        "outcome": UNKNOWN,
        "summary": "",
        "why": [],
        "pattern": plan["pattern"]["name"],
        "experiment": plan["experiment"]["name"],
        "scenario": plan["scenario"]["name"],
        "profile": plan["profile"]["name"],
        "seed": plan["seed"],
        "run": plan["run"],
        "sessions": counts.sessions(total),
        "writes": counts.writes(total),
        "reads": counts.reads(total),
        "guarantees": counts.guarantees(total),
        "availability": available,
        "recovery": recovery(total, context, rto_s),
        "latency_ms": latency_ms,
        "service_ms": service_ms,
        "operations": operations(traffic, history.names),
        "faults": evidence,
        "promise": clauses(plan, total, unknown, context.restore),
        "thresholds": judge_thresholds(total, traffic, context, certain),
        "footing": load,
        "findings": counts.findings(total, plan["seed"], unknown),
        "phases": phases(history, context),
        "series": series(total, traffic, context, spread),
        "lateness_s": context.lateness_ns / 1e9,
        "deaths": [*exits.cluster, *exits.application],
    }
    if found := breakpoint_found(history):
        verdict["breakpoint"] = found
    if saved := backups(history, context):
        verdict["backups"] = saved
    if restored := restores(history, context):
        verdict["restores"] = restored
    samples = sampled(history, context, total.bins["queued"])
    if samples is not None:
        verdict["series"]["samples"] = samples
    if spread is not None or samples is not None:
        of_spread = of_phases(spread, history, context) if spread else {}
        of_samples = measures_of(samples, history, context, traffic) if samples else {}
        verdict["measures"] = _merged(of_spread, of_samples)
    _conclude(verdict, [*unknown.all(), *load["why"]], plan["experiment"]["domain"])
    return Judgement(verdict, tuple(total.crashes.values()))


def _merged(
    left: dict[str, PhaseMeasures], right: dict[str, PhaseMeasures]
) -> dict[str, PhaseMeasures]:
    """The figures of both, by phase, in the order of the drill."""
    phases_ = sorted(left.keys() | right.keys(), key=PHASE_NAMES.index)
    return {phase: {**left.get(phase, {}), **right.get(phase, {})} for phase in phases_}


def _conclude(verdict: Verdict, open_questions: Sequence[str], domain: str | None) -> None:
    """Fill in the outcome and the sentences, which follow from all the rest."""
    outcomes = [each["outcome"] for each in verdict["promise"] if each["promised"]]
    outcomes += [each["outcome"] for each in verdict["thresholds"]]
    outcomes += [UNKNOWN] if open_questions else []
    verdict["outcome"] = worst(outcomes)
    verdict["why"] = reasons(verdict, open_questions)
    verdict["summary"] = summary(verdict, domain)


def _load_begin_ns(history: History, context: CheckContext) -> int:
    """When the load under the failure begins: the fault, else the fault phase, else the drill."""
    breaking = [begin for phase, begin, _ in history.windows() if phase is Phase.FAULT]
    return context.fault_ns or min(breaking, default=context.origin_ns)
