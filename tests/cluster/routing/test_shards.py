"""Where a load balancer with shards sends the users of a volume: home, or nowhere."""

from __future__ import annotations

import http.client
from collections.abc import Iterator

import pytest

from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.cluster.routing.load_balancer_node import Routing
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.routing.test_load_balancer import CHECKED_OFTEN, App
from tests.cluster.support import context_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

ANN, BOB = "AWSALB=vol-0", "AWSALB=vol-1"


@pytest.fixture
def apps() -> Iterator[list[App]]:
    made = [App(name) for name in ("i-a", "i-b", "i-c")]
    yield made
    for each in made:
        each.shutdown()
        each.server_close()


@pytest.fixture
def balancer(registry: ProcessRegistry, apps: list[App]) -> Iterator[LoadBalancer]:
    """One whose volumes vol-0 and vol-1 are with the first two apps."""
    with context_for(registry, CHECKED_OFTEN) as context:
        made = LoadBalancer(context, Routing(stickiness=False, health="/health", shards=True))
        made.start()
        for volume, app in zip(("vol-0", "vol-1"), apps, strict=False):
            give(made, volume, app)
        yield made
        made.close()


def give(balancer: LoadBalancer, volume: str, app: App) -> None:
    """An instance has the volume and takes traffic."""
    balancer.register(volume, "127.0.0.1", app.server_port, app.name)


def get(address: tuple[str, int], cookie: str = "") -> tuple[int, str | None, str]:
    """(status, the instance that answered, the new cookie or "")."""
    connection = http.client.HTTPConnection(*address, timeout=5)
    try:
        connection.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        body = response.read().decode()
        if response.status == 200:
            assert response.getheader("X-Instance-Id") == body
        made = response.getheader("Set-Cookie", "").split(";")[0]
        return response.status, body if response.status == 200 else None, made
    finally:
        connection.close()


def everywhere(balancer: LoadBalancer, cookie: str) -> set[tuple[int, str | None, str]]:
    """What every node of the load balancer answers, twice each."""
    return {get(node.address, cookie) for node in balancer._nodes for _ in range(2)}


def newcomers(balancer: LoadBalancer) -> set[tuple[int, str | None, str]]:
    return everywhere(balancer, "")


def wait_for_health(balancer: LoadBalancer, volume: str, state: str) -> None:
    wait_until(lambda: all(node.health()[volume] == state for node in balancer._nodes))


def test_every_node_leads_users_to_the_instance_that_has_their_volume(
    balancer: LoadBalancer,
) -> None:
    assert everywhere(balancer, ANN) == {(200, "i-a", "")}
    assert everywhere(balancer, BOB) == {(200, "i-b", "")}
    assert newcomers(balancer) == {(200, "i-a", ANN), (200, "i-b", BOB)}


def test_users_of_a_volume_without_an_instance_go_nowhere_and_come_home(
    balancer: LoadBalancer, apps: list[App]
) -> None:
    balancer.deregister("vol-0", 0)  # its instance is still alive, and must get nothing
    assert everywhere(balancer, ANN) == {(503, None, "")}
    assert everywhere(balancer, BOB) == {(200, "i-b", "")}
    assert newcomers(balancer) == {(200, "i-b", BOB)}
    give(balancer, "vol-0", apps[2])
    assert everywhere(balancer, ANN) == {(200, "i-c", "")}
    assert newcomers(balancer) == {(200, "i-c", ANN), (200, "i-b", BOB)}


def test_users_of_a_dead_instance_stay_with_their_volume(
    balancer: LoadBalancer, apps: list[App]
) -> None:
    apps[0].shutdown()
    apps[0].server_close()
    assert everywhere(balancer, ANN) == {(503, None, "")}
    wait_for_health(balancer, "vol-0", "unhealthy")
    assert everywhere(balancer, ANN) == {(503, None, "")}
    assert newcomers(balancer) == {(200, "i-b", BOB)}
    balancer.deregister("vol-0", 0)
    give(balancer, "vol-0", apps[2])
    assert everywhere(balancer, ANN) == {(200, "i-c", "")}


def test_an_unhealthy_instance_keeps_its_users_and_gets_no_new_ones(
    balancer: LoadBalancer, apps: list[App]
) -> None:
    apps[0].sick = True
    wait_for_health(balancer, "vol-0", "unhealthy")
    assert everywhere(balancer, ANN) == {(200, "i-a", "")}
    assert newcomers(balancer) == {(200, "i-b", BOB)}


def test_while_no_volume_has_an_instance_nobody_is_served_and_nobody_is_moved(
    balancer: LoadBalancer, apps: list[App]
) -> None:
    for volume in ("vol-0", "vol-1"):
        balancer.deregister(volume, 0)
    assert everywhere(balancer, ANN) | newcomers(balancer) == {(503, None, "")}
    give(balancer, "vol-1", apps[2])
    assert everywhere(balancer, ANN) == {(503, None, "")}
    assert everywhere(balancer, BOB) == {(200, "i-c", "")}


def test_a_node_that_starts_again_knows_the_volumes_without_an_instance(
    balancer: LoadBalancer, apps: list[App]
) -> None:
    balancer.deregister("vol-1", 0)
    give(balancer, "vol-0", apps[2])
    node = balancer._nodes[1]
    pid = node.process.pid
    node.process.kill()
    wait_until(lambda: node.serves and node.process.pid != pid)
    wait_until(lambda: get(node.address, ANN) == (200, "i-c", ""))
    assert everywhere(balancer, BOB) == {(503, None, "")}  # its users are not moved
    assert newcomers(balancer) == {(200, "i-c", ANN)}
    give(balancer, "vol-1", apps[1])
    assert everywhere(balancer, BOB) == {(200, "i-b", "")}
