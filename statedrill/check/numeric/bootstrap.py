"""Confidence intervals of a rate, 95 %, by bootstrapping sessions, not operations.

Operations of one session share a fate, so sessions are what is drawn again. Sessions with the
same (opportunities, violations) are interchangeable: a draw is one multinomial sample of how often
each such pair comes up. With no violation the bootstrap would say [0, 0]; there the rule of three
gives the upper bound 3/n.
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

_DRAWS = 1000
_LEAST_DRAWS = 200
_WORK = 4_000_000


def interval(by_session: Mapping[tuple[int, int], int], seed: int) -> tuple[float, float] | None:
    """The interval of violations / opportunities; None where there was no opportunity, or all
    of them in one session.

    `by_session` counts sessions by (opportunities, violations).
    """
    table = sorted(by_session.items())  # the order of the parts must not change the draws
    pairs = np.array([pair for pair, _ in table], dtype=np.float64).reshape(-1, 2)
    sessions = np.array([count for _, count in table], dtype=np.int64)
    chances, broken = pairs[:, 0], pairs[:, 1]
    total = float((chances * sessions).sum())
    if total == 0:
        return None
    if not broken.any():
        return 0.0, min(1.0, 3 / total)
    if sessions[chances > 0].sum() < 2:
        return None  # one session says nothing of how much sessions differ
    draws = int(np.clip(_WORK // len(pairs), _LEAST_DRAWS, _DRAWS))
    rng = np.random.default_rng(seed)
    drawn = rng.multinomial(int(sessions.sum()), sessions / sessions.sum(), size=draws)
    drawn_chances = drawn @ chances
    rates = (drawn @ broken)[drawn_chances > 0] / drawn_chances[drawn_chances > 0]
    low, high = np.quantile(rates, (0.025, 0.975))
    return round(float(low), 6), round(min(1.0, float(high)), 6)
