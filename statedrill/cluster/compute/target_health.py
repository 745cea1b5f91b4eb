"""Since when the load balancer has found which instance unhealthy: what health type ELB goes by.

Knows the words of the load balancer; decides nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from statedrill.errors import ClusterError

_LOOK_S = 0.25


class TargetHealth:
    """Asks `health` (target -> `healthy`, `unhealthy` or `initial`) at most every 250 ms.

    A load balancer that does not answer finds nobody unhealthy. While every target is unhealthy
    their time begins anew: then it is something else that is broken, and to end them all would
    leave nobody to serve when that is over, when they do not recover in the same moment.
    """

    def __init__(self, health: Callable[[], Mapping[str, str]]) -> None:
        self._health = health
        self._since_s: dict[str, float] = {}
        self._looked_s: float | None = None

    def unhealthy_since_s(self, now_s: float) -> Mapping[str, float]:
        """Each unhealthy target with the monotonic time of the first look that found it so."""
        if self._looked_s is None or now_s >= self._looked_s + _LOOK_S:
            self._looked_s = now_s
            try:
                states = self._health()
            except ClusterError:
                states = {}
            unhealthy = [target for target, state in states.items() if state == "unhealthy"]
            known = {} if len(unhealthy) == len(states) else self._since_s
            self._since_s = {target: known.get(target, now_s) for target in unhealthy}
        return self._since_s
