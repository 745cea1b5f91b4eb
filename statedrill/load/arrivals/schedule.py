"""When sessions arrive in the open model: due times from a rate, the same on every machine.

Pure: a rate in, seconds from the start out. Arrivals do not wait for responses; what the server
does changes nothing here.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator
from itertools import count

from statedrill.inputs.arrival_rate import UNIFORM

# The rate is taken as constant for this long.
_STEP_S = 0.01


def due_times(
    rate: Callable[[float], float], kind: str, seed: int, until_s: float = 86_400.0
) -> Iterator[float]:
    """The seconds from the start at which sessions are due, before `until_s`, never decreasing.

    The i-th arrival comes when the integral of `rate` (arrivals per second at an elapsed time)
    reaches s(i): i for `uniform`, and for `poisson` the sum of i+1 exponential variables of mean 1
    from the generator seeded with `seed` (the time change that makes any rate a unit rate; Cinlar,
    Introduction to Stochastic Processes, 1975).
    """
    marks = _marks(kind, seed)
    mark = next(marks)
    reached = 0.0
    for step in range(math.ceil(until_s / _STEP_S)):
        start_s = step * _STEP_S
        level = rate(start_s)
        gained = level * _STEP_S
        # A tolerance for sums of floats, which must not push an arrival into the next step.
        while level > 0 and mark < reached + gained - 1e-9:
            due_s = start_s + max(0.0, (mark - reached) / level)
            if due_s >= until_s:
                return
            yield due_s
            mark = next(marks)
        reached += gained


def share_of(times: Iterator[float], worker: int, workers: int) -> Iterator[float]:
    """Every `workers`-th time, beginning with number `worker`: what one of several takes."""
    for number, due_s in enumerate(times):
        if number % workers == worker:
            yield due_s


def _marks(kind: str, seed: int) -> Iterator[float]:
    if kind == UNIFORM:
        yield from (float(number) for number in count())
    dice = random.Random(f"arrivals-{seed}")
    total = 0.0
    while True:
        total += dice.expovariate(1.0)
        yield total
