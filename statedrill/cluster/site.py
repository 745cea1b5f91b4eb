"""What the parts of one cluster share: the roster, the network and the timings."""

from __future__ import annotations

from dataclasses import dataclass

from statedrill.cluster.addresses import Network
from statedrill.cluster.roster import Roster
from statedrill.timings import Timings


@dataclass(frozen=True)
class Site:
    """Who makes processes, who gives addresses, and how long AWS takes."""

    roster: Roster
    network: Network
    timings: Timings
