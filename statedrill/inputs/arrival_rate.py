"""The grammar of arrival rates, the same on the command line and in the load processes.

    rate = number [ "/" ( "s" | "m" | "h" ) ] [ "uniform" | "poisson" ]

Without a unit the number is per second. Knows the text only and imports no more than `re`: load
processes read it, too.
"""

from __future__ import annotations

import math
import re
from typing import NamedTuple

from statedrill.errors import InputError

UNIFORM = "uniform"
POISSON = "poisson"
SPACINGS = (UNIFORM, POISSON)

_UNITS_S = {None: 1.0, "s": 1.0, "m": 60.0, "h": 3600.0}
_RATE = re.compile(
    r"(?P<number>(?:\d+\.?\d*|\.\d+)(?:e[+-]?\d+)?)"
    r"(?:\s*/\s*(?P<unit>[smh]))?"
    rf"(?:\s+(?P<spacing>{'|'.join(SPACINGS)}))?",
    re.ASCII,
)


class ArrivalRate(NamedTuple):
    """`per_s` new sessions a second; `spacing` is None where the text does not say it."""

    per_s: float
    spacing: str | None = None


def parse_arrival_rate(text: str) -> ArrivalRate:
    """The rate that `text` says, such as `50`, `50/s`, `300/m` or `50/s poisson`.

    Raises:
        InputError: it does not follow the grammar, or is not more than nothing.
    """
    match = _RATE.fullmatch(text.strip())
    per_s = float(match["number"]) / _UNITS_S[match["unit"]] if match else 0.0
    if match is None or not 0 < per_s < math.inf:
        raise InputError(
            f"arrival rate {text!r} is not a rate", "write it as 50/s, 3000/m or '50/s poisson'"
        )
    return ArrivalRate(per_s, match["spacing"])
