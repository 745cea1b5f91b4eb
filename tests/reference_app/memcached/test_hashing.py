"""How many keys are elsewhere when one node of three is gone, or when one joins them."""

from __future__ import annotations

import pytest

from reference_app.memcached.hashing import HASHING

NODES = ("cache.0001", "cache.0002", "cache.0003")
USERS = [f"run-u{n}" for n in range(6000)]


def moved(hashing: str, before: tuple[str, ...], after: tuple[str, ...]) -> float:
    """The share of the keys on nodes that stay whose place is another one."""
    choose = HASHING[hashing]
    stay = [user for user in USERS if choose(user, before) in after]
    return sum(choose(user, before) != choose(user, after) for user in stay) / len(stay)


@pytest.mark.parametrize("hashing", HASHING)
def test_every_node_has_its_share(hashing: str) -> None:
    homes = [HASHING[hashing](user, NODES) for user in USERS]
    assert all(0.3 < homes.count(node) / len(USERS) < 0.37 for node in NODES)


def test_rendezvous_moves_no_key_that_need_not_move() -> None:
    assert moved("rendezvous", NODES, NODES[:2]) == 0
    assert 0.2 < moved("rendezvous", NODES, (*NODES, "cache.0004")) < 0.3


def test_modulo_moves_most_of_them() -> None:
    assert 0.4 < moved("modulo", NODES, NODES[:2]) < 0.6
    assert 0.7 < moved("modulo", NODES, (*NODES, "cache.0004")) < 0.8
