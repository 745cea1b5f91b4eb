"""A proxy before MiniStack that answers a share of the calls as AWS does when it is in trouble.

HAProxy; what it does to the calls of a service stands in a map that is changed while it runs. Knows
the services by their names in AWS's signatures and how each words its errors; knows no resource.
"""

from __future__ import annotations

import http.client
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from statedrill.cluster.context import ClusterContext
from statedrill.cluster.network.addresses import accepts, require_free
from statedrill.cluster.routing.haproxy import Haproxy
from statedrill.errors import ClusterError

_HOST_NUMBER = 71
_SILENCE_S = 10
"""How long a call waits before it is refused; an SDK with a shorter limit gives up before that."""
_PROBE_TIMEOUT_S = 1.0
_TARGET_TIMEOUT_S = 5.0
_START_TIMEOUT_S = 5.0


class _Answer(NamedTuple):
    status: int
    content_type: str
    body: str
    header: str = ""  # name and value of one more


_S3 = '<?xml version="1.0" encoding="UTF-8"?><Error><Code>{}</Code><Message>{}</Message></Error>'
_SNS = (
    '<ErrorResponse xmlns="http://sns.amazonaws.com/doc/2010-03-31/"><Error><Type>{}</Type>'
    "<Code>{}</Code><Message>{}</Message></Error></ErrorResponse>"
)
_SQS = '{{"__type":"com.amazonaws.sqs#{}","message":"{}"}}'
_JSON = "application/x-amz-json-1.0"

# As the services word it: the error pages of S3, the common errors of SNS and SQS.
THROTTLED: Mapping[str, _Answer] = MappingProxyType(
    {
        "s3": _Answer(
            503, "application/xml", _S3.format("SlowDown", "Please reduce your request rate.")
        ),
        "sns": _Answer(400, "text/xml", _SNS.format("Sender", "Throttling", "Rate exceeded")),
        "sqs": _Answer(
            400,
            _JSON,
            _SQS.format("RequestThrottled", "Request is throttled."),
            'x-amzn-query-error "RequestThrottled;Sender"',
        ),
    }
)
_SORRY = "We encountered an internal error. Please try again."
FAILED: Mapping[str, _Answer] = MappingProxyType(
    {
        "s3": _Answer(500, "application/xml", _S3.format("InternalError", _SORRY)),
        "sns": _Answer(500, "text/xml", _SNS.format("Receiver", "InternalError", _SORRY)),
        "sqs": _Answer(
            500,
            _JSON,
            _SQS.format("InternalError", _SORRY),
            'x-amzn-query-error "InternalError;Receiver"',
        ),
    }
)


class AwsProxy:
    """Forwards every call to `target`, but for those that `set_error` says."""

    def __init__(self, context: ClusterContext, port: int, target: tuple[str, int]) -> None:
        self.host, self.port = context.network.regional_address(_HOST_NUMBER), port
        self._target = target
        folder = context.registry.folder
        self._map = folder / "aws-errors.map"
        config = _CONFIG.format(
            host=self.host,
            port=port,
            map=self._map,
            silence_s=_SILENCE_S,
            throttled="\n".join(_rule("http-request", "throttled", THROTTLED)),
            failed="\n".join(_rule("http-response", "failed", FAILED)),
            target=f"{target[0]}:{target[1]}",
        )
        self._haproxy = Haproxy(
            context.registry, "aws-proxy", config, listens=lambda: accepts(self.host, self.port)
        )

    @property
    def alive(self) -> bool:
        """Whether its process exists."""
        return self._haproxy.process.alive

    def start(self) -> None:
        """Listen, and forward everything.

        Raises:
            ClusterError: its address is in use, or HAProxy did not start.
        """
        require_free(self.host, self.port)
        self._map.parent.mkdir(parents=True, exist_ok=True)
        self._map.write_text("")
        self._haproxy.start(_START_TIMEOUT_S)

    def stop(self) -> None:
        """End it at once; idempotent."""
        self._haproxy.process.kill()
        self._haproxy.process.wait_gone()

    def set_error(self, service: str, error: str, percentage: int) -> None:
        """Let `percentage` of the calls of `service` (`s3`, `sns`, `sqs`) end in `error`.

        `throttled`: refused, not done. `failed`: done, and then answered as an internal error.
        `silent`: not done, and refused with 503 only after as long as a client waits.

        Raises:
            ClusterError: HAProxy is gone or refused.
        """
        key = f"{service}.{error}"
        if key in self.errors():
            self._change(f"del map {self._map} {key}")
        if percentage:
            self._change(f"add map {self._map} {key} {percentage}")

    def errors(self) -> Mapping[str, int]:
        """The shares that are not 0, by `<service>.<error>`.

        Raises:
            ClusterError: HAProxy is gone.
        """
        lines = self._haproxy.ask(f"show map {self._map}").split("\n")
        return {key: int(share) for _, key, share in map(str.split, filter(None, lines))}

    def probe(self, service: str) -> tuple[int, str]:
        """Status and body of a call that changes nothing; 0 and nothing when it is kept waiting.

        Only the proxy can do that: it took the call, and who stands behind it answers the same.

        Raises:
            ClusterError: the proxy or who stands behind it is gone, or does not answer.
        """
        try:
            try:
                return _answer((self.host, self.port), service, _PROBE_TIMEOUT_S)
            except TimeoutError:
                self.errors()  # it works, and does not hang
                _answer(self._target, service, _TARGET_TIMEOUT_S)
                return 0, ""
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError(f"{service} does not answer: {error!r}") from error

    def _change(self, command: str) -> None:
        if answer := self._haproxy.ask(command).strip():
            raise ClusterError(f"the AWS proxy refused '{command}': {answer}")


def _answer(address: tuple[str, int], service: str, timeout_s: float) -> tuple[int, str]:
    """What a call of `service` that changes nothing is answered at `address`."""
    connection = http.client.HTTPConnection(*address, timeout=timeout_s)
    scope = f"Credential=test/20260101/us-east-1/{service}/aws4_request"
    action = {"sns": "/?Action=ListTopics", "sqs": "/?Action=ListQueues"}.get(service, "/")
    try:
        connection.request("GET", action, headers={"Authorization": f"AWS4-HMAC-SHA256 {scope}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode(errors="replace")
    finally:
        connection.close()


def _rule(when: str, error: str, answers: Mapping[str, _Answer]) -> list[str]:
    return [
        f"  {when} return status {each.status} content-type {each.content_type}"
        f"{f' hdr {each.header}' if each.header else ''} string '{each.body}'"
        f" if {error} {{ var(txn.service) -m str {service} }}"
        for service, each in answers.items()
    ]


# An SDK names the service in its signature: Credential=<key>/<day>/<region>/<service>/...
# `rand` is drawn for each call; a share of 100 hits all of them.
_CONFIG = """\
defaults
  mode http
  retries 0
  timeout connect 1s
  timeout client 1h
  timeout server 1h
  timeout tarpit {silence_s}s

listen aws
  bind {host}:{port}
  http-request set-var(txn.service) req.fhdr(authorization),field(4,/)
  http-request set-var(txn.throttled) var(txn.service),concat(.throttled),map_str_int({map},0)
  http-request set-var(txn.failed) var(txn.service),concat(.failed),map_str_int({map},0)
  http-request set-var(txn.silent) var(txn.service),concat(.silent),map_str_int({map},0)
  http-request set-var(txn.throttled) rand(100),sub(txn.throttled)
  http-request set-var(txn.failed) rand(100),sub(txn.failed)
  http-request set-var(txn.silent) rand(100),sub(txn.silent)
  acl throttled var(txn.throttled) -m int lt 0
  acl failed var(txn.failed) -m int lt 0
  acl silent var(txn.silent) -m int lt 0
  http-request tarpit deny_status 503 if silent
{throttled}
{failed}
  server ministack {target}

"""
