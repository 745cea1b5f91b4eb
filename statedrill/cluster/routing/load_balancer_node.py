"""One node of the load balancer: HAProxy in HTTP mode with health checks and sticky cookies.

Knows its own targets and how a request is routed to them; knows neither the other nodes nor what is
registered.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import NamedTuple

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.network.silent_address import SilentAddress
from statedrill.cluster.routing.haproxy import Haproxy
from statedrill.inputs.timings import Timings
from statedrill.processes.process import Process
from statedrill.processes.process_state import State

# Requests go to the healthy targets; when there is none, to every target (`_TEMPLATE`).
_HEALTHY, _ALL = "application", "fail-open"
_NOBODY = 1  # a port that nothing listens on


@dataclass(frozen=True)
class Routing:
    """How every node routes: whether users stick to a target, and the path of health checks.

    With `shards` a target is a place that instances take in turn, and users stick to it also while
    nobody is there.
    """

    stickiness: bool
    health: str
    shards: bool = False


class Registration(NamedTuple):
    """Where a target is, and which instance answers there."""

    address: str
    port: int
    instance: str

    @property
    def is_open(self) -> bool:
        """Whether an instance answers there."""
        return self.port != _NOBODY

    def closed(self) -> Registration:
        """The same without an instance."""
        return self._replace(port=_NOBODY)


class LoadBalancerNode:
    """Listens on `addresses`: first its own, then one that other nodes listen on too.

    The kernel leads a connection to that one to any node that is alive (SO_REUSEPORT). `on_exit` is
    called with the node when it ended without being asked to.
    """

    def __init__(
        self,
        context: ClusterContext,
        zone: str,
        addresses: Sequence[tuple[str, int]],
        routing: Routing,
        on_exit: Callable[[LoadBalancerNode], None],
    ) -> None:
        self.zone, self.address = zone, addresses[0]
        self._instances = context.registry.folder / f"instances-{zone}.map"
        self._configuration = partial(
            _configuration, addresses, context.timings, routing, self._instances
        )
        self._options = _options(context.timings, routing)
        self._shards = routing.shards
        self._known: dict[str, Registration] = {}
        self._silence: SilentAddress | None = None
        self._haproxy = Haproxy(
            context.registry,
            f"load-balancer-{zone}",
            self._configuration({}),
            listens=lambda: accepts(*self.address),
            on_exit=lambda _process, _code: on_exit(self),
            zone=zone,
        )

    @property
    def process(self) -> Process:
        """Its process."""
        return self._haproxy.process

    @property
    def serves(self) -> bool:
        """Whether it is ready to route requests."""
        return self.process.state is State.READY

    def start(self, targets: Mapping[str, Registration]) -> None:
        """Start HAProxy, which sends requests to `targets` from its first moment on.

        Raises:
            ClusterError: its port is in use, or it did not start.
        """
        self.end_silence()
        require_free(*self.address)
        self._known = dict(targets)
        self._haproxy.config = self._configuration(targets)
        self._instances.parent.mkdir(parents=True, exist_ok=True)
        lines = (f"{target} {each.instance}\n" for target, each in targets.items())
        self._instances.write_text("".join(lines))
        self._haproxy.start()

    def fall_silent(self) -> None:
        """Die with the zone: from now on nobody answers at its own address, not even to refuse."""
        self.process.kill()
        self.process.wait_gone()
        # Without it clients are refused at once, which is only easier for them.
        with contextlib.suppress(OSError):
            self._silence = SilentAddress(*self.address)

    def end_silence(self) -> None:
        """Give its address back; idempotent."""
        if self._silence:
            self._silence.close()
            self._silence = None

    def open_target(self, target: str, registration: Registration) -> None:
        """Send requests to `target`, which is healthy until a check says otherwise.

        Raises:
            ClusterError: HAProxy is gone, or refused.
        """
        address, port, instance = registration
        if self._shards:
            self._haproxy.set_map(self._instances, target, instance)
        for backend in (_ALL, _HEALTHY):
            server = f"{backend}/{target}"
            if target not in self._known:
                options = self._options[backend].format(target=target)
                self._haproxy.add_server(server, address, port, options)
            self._haproxy.set_server(server, address, port)
        self._known[target] = registration

    def close_target(self, target: str) -> None:
        """No new requests for `target`; those under way go on.

        Raises:
            ClusterError: HAProxy is gone, or refused.
        """
        if known := self._known.get(target):
            for backend in (_ALL, _HEALTHY):
                self._haproxy.close_server(f"{backend}/{target}")
                if self._shards:  # its users are still sent there, and refused
                    self._haproxy.move_server(f"{backend}/{target}", known.address, _NOBODY)

    def is_idle(self, target: str) -> bool:
        """Whether no request is under way to `target`.

        Raises:
            ClusterError: HAProxy is gone.
        """
        lines = (self._haproxy.stats(backend).get(target, {}) for backend in (_HEALTHY, _ALL))
        return all(line.get("scur", "0") == "0" for line in lines)

    def health(self) -> dict[str, str]:
        """State of every target by its id: `healthy`, `unhealthy` or `initial`.

        Raises:
            ClusterError: HAProxy is gone.
        """
        lines = self._haproxy.stats(_HEALTHY)
        return {target: _health(line["status"]) for target, line in lines.items()}

    def requests(self) -> dict[str, int]:
        """How many requests every target has got since the start, by its id.

        Raises:
            ClusterError: HAProxy is gone.
        """
        healthy, every = self._haproxy.stats(_HEALTHY), self._haproxy.stats(_ALL)
        return {
            target: int(healthy[target]["stot"]) + int(every[target]["stot"])
            for target in healthy.keys() & every.keys()
        }


def _health(status: str) -> str:
    if status.startswith("UP") or status == "no check":
        return "healthy"
    return "initial" if status.startswith("MAINT") else "unhealthy"


def _options(timings: Timings, routing: Routing) -> dict[str, str]:
    """The options of a target's line in each backend."""
    cookie = "cookie {target}" if routing.stickiness or routing.shards else ""
    checks = (
        f"check inter {_ms(timings.health_check_interval_s)}ms "
        f"fall {timings.unhealthy_threshold} rise {timings.healthy_threshold}"
    )
    return {_HEALTHY: f"{checks} {cookie}", _ALL: cookie}


def _configuration(
    addresses: Sequence[tuple[str, int]],
    timings: Timings,
    routing: Routing,
    instances: Path,
    targets: Mapping[str, Registration],
) -> str:
    servers = {
        backend: "\n".join(
            f"  server {target} {each.address}:{each.port} {options.format(target=target)}"
            f"{'' if each.is_open else ' disabled'}"
            for target, each in targets.items()
        )
        for backend, options in _options(timings, routing).items()
    }
    cookie = "  cookie AWSALB insert indirect nocache\n"
    if routing.shards:  # also when the target is down or closed
        cookie += "  option persist\n"
    return _TEMPLATE.format(
        binds="\n".join(f"  bind {host}:{port}" for host, port in addresses),
        healthy=_HEALTHY,
        all=_ALL,
        healthy_servers=servers[_HEALTHY],
        all_servers=servers[_ALL],
        cookie=cookie if routing.stickiness or routing.shards else "",
        instance=f"%[srv_name,map_str({instances})]" if routing.shards else "%s",
        health=routing.health,
        timeout_ms=_ms(timings.load_balancer_timeout_s),
        check_ms=_ms(timings.health_check_timeout_s),
    )


def _ms(seconds: float) -> int:
    return max(1, round(seconds * 1000))


# A request is never sent again (`retries 0`), as by an ALB. The cookie of a target that is down is
# ignored and another one's is set, so a user who was re-routed stays there when the first is back.
_TEMPLATE = """defaults
  mode http
  log global
  retries 0
  timeout connect 2s
  timeout client 60s
  timeout http-keep-alive 60s
  timeout server {timeout_ms}ms
  timeout check {check_ms}ms

frontend users
{binds}
  use_backend {all} if {{ nbsrv({healthy}) eq 0 }}
  default_backend {healthy}

backend {healthy}
  balance roundrobin
{cookie}  option httpchk GET {health}
  http-check expect status 200
  http-response set-header X-Instance-Id {instance}
{healthy_servers}

backend {all}
  balance roundrobin
{cookie}  http-response set-header X-Instance-Id {instance}
{all_servers}
"""
