"""How evenly sessions and requests are spread over the instances that are in service.

- *In service* is an instance from the event that the load balancer has it to the next event about
  it. One that answers nothing counts as well: it has a share of 0.
- The imbalance is the coefficient of variation of the instances' shares: their standard deviation
  (of the whole population) divided by their mean. 0: all have the same; sqrt(n - 1): one of n has
  all. None where fewer than two instances are in service, or where there is nothing to share.
- *Requests* are those that an instance answered (it says so in its response), by the moment of
  their call, in windows of W = 2 s moved by one bin. Only instances in service at every bin's end
  of the window take part. Requests that are sent to k instances by chance have an imbalance of
  about sqrt((k - 1) / n), n being the requests of a window.
- A *session* is with the instance that answered it last, from the call of that operation until it
  is signed out or the load ends. It is counted at the end of each bin.

Per phase: the greatest imbalance, and that at the end of the phase.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from statedrill.check.context import CheckContext
from statedrill.check.metrics.record import PhaseMeasures
from statedrill.check.numeric.arrays import NONE, Array, run_starts
from statedrill.check.numeric.stable_sort import dense, stable_order
from statedrill.history.columns import Names
from statedrill.history.store import History, Part
from statedrill.vocabulary import Kind, Outcome, Phase

WINDOW_S = 2.0
_IN_SERVICE = "registered"
_PHASES = (Phase.BASELINE, Phase.FAULT, Phase.RECOVERY)


class Imbalance(NamedTuple):
    """At the end of each bin: instances in service, and the imbalance of what they have (NaN: not
    defined, as after the load).
    """

    instances: Array
    requests: Array
    sessions: Array


def by_instance(part: Part, names: Names, context: CheckContext) -> dict[str, Array]:
    """What each instance (a column each, in the order of their codes) had in each bin (a row each);
    additive over parts.

    `requests` counts those answered; `session_moves` is by how many the number of its sessions
    grew. Needs all rows of the part's sessions.
    """
    column = np.full(1 << 16, NONE, dtype=np.int32)
    column[sorted(names.instances)] = np.arange(len(names.instances))
    shape = context.bins, len(names.instances)
    instance = column[part["instance"]]
    rows = np.flatnonzero((instance != NONE) & (part["phase"] <= Phase.RECOVERY))
    bins = (part["call"][rows] - context.origin_ns) // context.bin_ns
    place = np.clip(bins, 0, context.bins - 1) * shape[1] + instance[rows]
    came, left = _session_moves(part, rows, place, instance)
    requests, came, left = (
        np.bincount(each, minlength=shape[0] * shape[1]).reshape(shape)
        for each in (place, came, left)
    )
    return {"requests": requests, "session_moves": came - left}


def _session_moves(part: Part, rows: Array, place: Array, instance: Array) -> tuple[Array, Array]:
    """Where (places: bin and instance in one) sessions came, and where they left, of `rows` with
    these places.
    """
    order = stable_order(dense(part["session"][rows]))  # a part is in the order of call
    rows, place = rows[order], place[order]
    session, here = part["session"][rows], instance[rows]
    first = run_starts(session)
    moved = np.flatnonzero(first | run_starts(here))
    # Where it was before loses it at the same moment.
    away = moved[~first[moved]]
    left = place[away] - here[away] + here[away - 1]
    last = np.flatnonzero(np.append(first[1:], True)[: len(first)])
    ends = part["kind"][rows[last]] == Kind.SIGN_OUT
    ends &= part["outcome"][rows[last]] == Outcome.OK
    return place[moved], np.append(left, place[last[ends]])


def imbalance(
    counts: dict[str, Array], history: History, context: CheckContext, load_end_ns: int
) -> Imbalance | None:
    """The course of the imbalance; None where the events name no instance in service.

    `counts` are those of `by_instance`, of all parts.
    """
    spans = _in_service(history, context)
    if not spans:
        return None
    in_service = _at_bin_ends([*spans.values()], context)
    names = history.names.instances
    columns = [names[code] for code in sorted(names)]
    requests, sessions = (
        _of_instances(counts[key], columns, [*spans]) for key in ("requests", "session_moves")
    )
    ended = context.whole_bins(context.origin_ns, load_end_ns).stop
    wide = max(1, round(WINDOW_S * 1e9 / context.bin_ns))
    return Imbalance(
        instances=in_service.sum(axis=1),
        requests=_until(ended, _variation(_last(requests, wide), _all_of(in_service, wide))),
        sessions=_until(ended, _variation(np.cumsum(sessions, axis=0), in_service)),
    )


def of_phases(
    course: Imbalance, history: History, context: CheckContext
) -> dict[str, PhaseMeasures]:
    """The figures of each phase that has a whole bin."""
    found: dict[str, PhaseMeasures] = {}
    for phase, begin_ns, end_ns in history.windows():
        bins = context.whole_bins(begin_ns, end_ns)
        if phase not in _PHASES or bins.start >= bins.stop:
            continue
        wide = context.whole_bins(begin_ns + int(WINDOW_S * 1e9) - context.bin_ns, end_ns)
        figures: PhaseMeasures = {"instances": int(course.instances[bins.stop - 1])}
        if (requests := _greatest_and_last(course.requests[wide])) is not None:
            figures["requests_cv_max"], figures["requests_cv_end"] = requests
        if (sessions := _greatest_and_last(course.sessions[bins])) is not None:
            figures["sessions_cv_max"], figures["sessions_cv_end"] = sessions
        found[phase.name.lower()] = figures
    return found


def _in_service(history: History, context: CheckContext) -> dict[str, list[tuple[int, int]]]:
    """Instance -> from when to when it was in service (ns)."""
    spans: dict[str, list[tuple[int, int]]] = {}
    since: dict[str, int] = {}
    for event in history.events:
        if event["event"] != "instance" or event["role"] != "instance":
            continue
        begun = since.pop(event["id"], None)
        if begun is not None:
            spans.setdefault(event["id"], []).append((begun, event["t"]))
        if event["state"] == _IN_SERVICE:
            since[event["id"]] = event["t"]
    for name, begun in since.items():
        spans.setdefault(name, []).append((begun, context.end_ns + context.bin_ns))
    return spans


def _at_bin_ends(spans: list[list[tuple[int, int]]], context: CheckContext) -> Array:
    """Whether each instance (a column each) is in service at the end of each bin."""
    ends = context.origin_ns + context.bin_ns * np.arange(1, context.bins + 1)
    there = np.zeros((context.bins, len(spans)), dtype=bool)
    for column, times in enumerate(spans):
        for begun, ended in times:
            there[:, column] |= (begun <= ends) & (ends < ended)
    return there


def _of_instances(counts: Array, columns: list[str], names: list[str]) -> Array:
    """The counts of `names`; 0 for those that never answered."""
    found = np.zeros((len(counts), len(names)), dtype=np.int64)
    for at, name in enumerate(names):
        if name in columns:
            found[:, at] = counts[:, columns.index(name)]
    return found


def _last(counts: Array, wide: int) -> Array:
    """The sums of the last `wide` bins, fewer at the beginning."""
    running: Array = np.cumsum(counts, axis=0)
    running[wide:] -= running[:-wide].copy()
    return running


def _all_of(there: Array, wide: int) -> Array:
    """Whether it was there at the end of each of the last `wide` bins and of the one before."""
    whole = there.copy()
    for back in range(1, wide + 1):
        whole[back:] &= there[:-back]
        whole[:back] = False
    return whole


def _variation(counts: Array, among: Array) -> Array:
    """The coefficient of variation in each row of `counts`, over the columns of `among`."""
    number = among.sum(axis=1)
    shares = np.where(among, counts, 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        mean = shares.sum(axis=1) / number
        square = (np.where(among, (shares - mean[:, None]) ** 2, 0.0)).sum(axis=1) / number
        found: Array = np.sqrt(square) / mean
    found[(number < 2) | ~(mean > 0)] = np.nan
    return found


def _until(end: int, values: Array) -> Array:
    values[end:] = np.nan
    return values


def _greatest_and_last(values: Array) -> tuple[float, float] | None:
    known = values[~np.isnan(values)]
    if len(known) == 0:
        return None
    return round(float(known.max()), 4), round(float(known[-1]), 4)
