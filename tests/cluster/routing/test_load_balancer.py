"""Where a load balancer sends a request when its targets are healthy, sick, gone and back."""

from __future__ import annotations

import http.client
import threading
from collections.abc import Iterator
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from statedrill.cluster.routing.load_balancer import LoadBalancer
from statedrill.cluster.routing.load_balancer_node import LoadBalancerNode, Routing
from statedrill.inputs.timings import Timings
from statedrill.processes.registry import ProcessRegistry
from tests.cluster.support import context_for
from tests.support.waiting import wait_until

pytestmark = pytest.mark.cluster

CHECKED_OFTEN = replace(
    Timings.named("fast"), health_check_interval_s=0.05, health_check_timeout_s=0.5
)


class App(ThreadingHTTPServer):
    """Answers with its id, and to health checks with 500 while it is sick."""

    def __init__(self, name: str) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.daemon_threads = True
        self.name, self.sick = name, False
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()

    def handle_error(self, request: object, client_address: object) -> None:
        """A health check that HAProxy gave up is nothing to tell."""


class Handler(BaseHTTPRequestHandler):
    server: App

    def do_GET(self) -> None:
        body = self.server.name.encode()
        self.send_response(500 if self.server.sick and self.path == "/health" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def apps() -> Iterator[tuple[App, App]]:
    both = App("i-a"), App("i-b")
    yield both
    for each in both:
        each.shutdown()
        each.server_close()


@pytest.fixture(params=[True, False], ids=["sticky", "round robin"])
def balancer(
    request: pytest.FixtureRequest, registry: ProcessRegistry, apps: tuple[App, App]
) -> Iterator[LoadBalancer]:
    """One with both apps registered."""
    with context_for(registry, CHECKED_OFTEN) as context:
        made = LoadBalancer(context, Routing(stickiness=request.param, health="/health"))
        made.start()
        for app in apps:
            made.register(app.name, "127.0.0.1", app.server_port)
        yield made
        made.close()


def get(
    balancer: LoadBalancer, cookie: str = "", where: tuple[str, int] | None = None
) -> tuple[int, str, str]:
    """(status, the instance that answered, the new cookie or "")."""
    host, port = where or (balancer.address, balancer.port)
    connection = http.client.HTTPConnection(host, port, timeout=5)
    try:
        connection.request("GET", "/", headers={"Cookie": cookie} if cookie else {})
        response = connection.getresponse()
        answered, cookie = response.read().decode(), response.getheader("Set-Cookie", "")
        assert response.status != 200 or response.getheader("X-Instance-Id") == answered
        return response.status, answered, cookie.split(";")[0]
    finally:
        connection.close()


def answered_by(balancer: LoadBalancer, requests: int = 4) -> set[tuple[int, str]]:
    return {get(balancer)[:2] for _ in range(requests)}


def wait_for_health(balancer: LoadBalancer, **states: str) -> None:
    """Wait until every node sees these states."""
    wanted = {f"i-{name}": state for name, state in states.items()}

    def seen() -> list[dict[str, str]]:
        return [node.health() for node in balancer._nodes]

    wait_until(lambda: all(wanted.items() <= each.items() for each in seen()), f"all see {wanted}")


def test_an_unhealthy_target_gets_no_requests_while_another_is_healthy(
    balancer: LoadBalancer, apps: tuple[App, App]
) -> None:
    assert answered_by(balancer) == {(200, "i-a"), (200, "i-b")}
    apps[0].sick = True
    wait_for_health(balancer, a="unhealthy", b="healthy")
    assert answered_by(balancer) == {(200, "i-b")}


def test_when_every_target_is_unhealthy_all_of_them_get_requests(
    balancer: LoadBalancer, apps: tuple[App, App]
) -> None:
    apps[0].sick = apps[1].sick = True
    wait_for_health(balancer, a="unhealthy", b="unhealthy")
    assert answered_by(balancer) == {(200, "i-a"), (200, "i-b")}
    apps[1].sick = False
    wait_for_health(balancer, a="unhealthy", b="healthy")
    assert answered_by(balancer) == {(200, "i-b")}


def test_a_deregistered_target_gets_nothing_even_when_all_others_are_unhealthy(
    balancer: LoadBalancer, apps: tuple[App, App]
) -> None:
    apps[1].sick = True
    balancer.deregister("i-a", 1.0)
    wait_for_health(balancer, b="unhealthy")
    assert answered_by(balancer) == {(200, "i-b")}
    balancer.deregister("i-b", 0)
    assert get(balancer)[0] == 503


def test_a_node_that_starts_again_has_its_targets_from_its_first_moment_on(
    balancer: LoadBalancer, monkeypatch: pytest.MonkeyPatch
) -> None:
    first: list[int] = []

    def open_target(self: LoadBalancerNode, *target: Any) -> None:
        first.append(get(balancer, where=self.address)[0])
        opened(self, *target)

    opened = LoadBalancerNode.open_target
    monkeypatch.setattr(LoadBalancerNode, "open_target", open_target)
    node = balancer._nodes[0]
    pid = node.process.pid
    node.process.kill()
    wait_until(lambda: len(first) == 2)
    assert set(first) == {200}
    wait_until(lambda: node.serves and node.process.pid != pid)
    balancer.deregister("i-a", 0)
    assert {get(balancer, where=node.address)[1] for _ in range(4)} == {"i-b"}


@pytest.mark.parametrize("balancer", [True], ids=["sticky"], indirect=True)
def test_a_user_who_was_re_routed_stays_when_the_first_target_is_healthy_again(
    balancer: LoadBalancer, apps: tuple[App, App]
) -> None:
    _, first, cookie = get(balancer)
    assert cookie == f"AWSALB={first}"
    assert {get(balancer, cookie) for _ in range(3)} == {(200, first, "")}
    left, other = sorted(apps, key=lambda app: app.name != first)
    left.sick = True
    wait_for_health(balancer, **{first[2:]: "unhealthy"})
    _, second, new_cookie = get(balancer, cookie)
    assert (second, new_cookie) == (other.name, f"AWSALB={other.name}")
    left.sick = False
    wait_for_health(balancer, **{first[2:]: "healthy"})
    assert set(balancer.health().values()) == {"healthy"}
    assert {get(balancer, new_cookie) for _ in range(3)} == {(200, second, "")}


@pytest.mark.parametrize("balancer", [True], ids=["sticky"], indirect=True)
def test_a_user_keeps_the_target_while_all_are_unhealthy(
    balancer: LoadBalancer, apps: tuple[App, App]
) -> None:
    _, first, cookie = get(balancer)
    for app in apps:
        app.sick = True
    wait_for_health(balancer, a="unhealthy", b="unhealthy")
    assert {get(balancer, cookie) for _ in range(4)} == {(200, first, "")}
