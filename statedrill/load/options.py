"""The command-line options that the load generator adds to Locust's.

Knows Locust's parser; what the options mean is said in `arrivals`.
"""

from __future__ import annotations

from locust.argument_parser import LocustArgumentParser

from statedrill.inputs.arrival_rate import SPACINGS, UNIFORM


def add_options(parser: LocustArgumentParser, **_: object) -> None:
    """Add `--arrival-rate` and `--arrivals`; a listener of Locust's `init_command_line_parser`."""
    group = parser.add_argument_group("statedrill", "the open model")
    group.add_argument(
        "--arrival-rate",
        metavar="<50/s>",
        default="",
        env_var="STATEDRILL_ARRIVAL_RATE",
        help="start sessions at this rate whatever the answers do; -u is then the pool of users",
    )
    group.add_argument(
        "--arrivals",
        choices=SPACINGS,
        default=UNIFORM,
        env_var="STATEDRILL_ARRIVALS",
        help="evenly spaced, or a Poisson process with the run's seed",
    )
