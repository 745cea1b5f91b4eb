from __future__ import annotations

from statedrill.cluster.compute.target_health import TargetHealth
from statedrill.errors import ClusterError


class Balancer:
    def __init__(self) -> None:
        self.states: dict[str, str] | None = {}
        self.asked = 0

    def health(self) -> dict[str, str]:
        self.asked += 1
        if self.states is None:
            raise ClusterError("it does not answer")
        return self.states


def test_a_target_is_unhealthy_since_the_first_look_that_found_it_so() -> None:
    balancer = Balancer()
    health = TargetHealth(balancer.health)
    balancer.states = {"a": "unhealthy", "b": "healthy", "c": "initial"}
    assert health.unhealthy_since_s(10.0) == {"a": 10.0}
    balancer.states = {"a": "unhealthy", "b": "unhealthy", "c": "healthy"}
    assert health.unhealthy_since_s(10.2) == {"a": 10.0}
    assert health.unhealthy_since_s(10.3) == {"a": 10.0, "b": 10.3}
    assert balancer.asked == 2


def test_a_recovery_and_a_balancer_that_does_not_answer_begin_anew() -> None:
    balancer = Balancer()
    health = TargetHealth(balancer.health)
    balancer.states = {"a": "unhealthy", "b": "unhealthy", "c": "healthy"}
    health.unhealthy_since_s(10.0)
    balancer.states = {"a": "healthy", "b": "unhealthy"}
    assert health.unhealthy_since_s(11.0) == {"b": 10.0}
    balancer.states = None
    assert health.unhealthy_since_s(12.0) == {}
    balancer.states = {"a": "healthy", "b": "unhealthy"}
    assert health.unhealthy_since_s(13.0) == {"b": 13.0}


def test_no_time_passes_while_every_target_is_unhealthy() -> None:
    balancer = Balancer()
    health = TargetHealth(balancer.health)
    balancer.states = {"a": "unhealthy", "b": "healthy"}
    assert health.unhealthy_since_s(10.0) == {"a": 10.0}
    balancer.states = {"a": "unhealthy", "b": "unhealthy"}
    assert health.unhealthy_since_s(11.0) == {"a": 11.0, "b": 11.0}
    assert health.unhealthy_since_s(60.0) == {"a": 60.0, "b": 60.0}
    balancer.states = {"a": "unhealthy", "b": "healthy"}
    assert health.unhealthy_since_s(61.0) == {"a": 60.0}


def test_a_single_target_is_the_whole_group() -> None:
    health = TargetHealth(lambda: {"a": "unhealthy"})
    health.unhealthy_since_s(10.0)
    assert health.unhealthy_since_s(20.0) == {"a": 20.0}
