"""What the local cluster can do, asked before anything starts.

Knows services and faults; knows no cluster that is running.
"""

from __future__ import annotations

from collections.abc import Sequence

from statedrill import faults
from statedrill.cluster.fault_target import capabilities
from statedrill.cluster.services import service_options
from statedrill.inputs.experiment import Experiment
from statedrill.inputs.pattern import Pattern
from statedrill.plan.plan import Offer


def local_offer() -> Offer:
    """The services that it has, and why it cannot play an experiment on a pattern."""
    return Offer("local", service_options(), _refusals)


def _refusals(pattern: Pattern, experiment: Experiment) -> Sequence[str]:
    called = (f"{call.module}.{call.func}" for call in experiment.calls)
    return faults.refusals(called, capabilities(pattern))
