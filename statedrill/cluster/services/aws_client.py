"""The few calls that make and watch S3, SNS and SQS, as plain HTTP requests.

Unsigned: MiniStack reads region and service from the credential and checks no signature, and
importing an SDK would cost more time than all calls together. Not for real AWS.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from statedrill.errors import ClusterError


class AwsClient:
    """One connection for one thread; every call raises ClusterError when it is refused."""

    def __init__(self, host: str, port: int, region: str, timeout_s: float = 5.0) -> None:
        self._region = region
        self._http = http.client.HTTPConnection(host, port, timeout=timeout_s)

    def s3(self, method: str, path: str, body: bytes = b"") -> bytes:
        """An S3 request with path-style address, for instance PUT /bucket."""
        return self._request("s3", method, path, {}, body)

    def sns(self, action: str, parameters: Mapping[str, str]) -> bytes:
        """An action of SNS in the query protocol; the answer is XML."""
        form = urlencode({"Action": action, "Version": "2010-03-31", **parameters}).encode()
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        return self._request("sns", "POST", "/", kind, form)

    def sqs(self, action: str, parameters: Mapping[str, Any]) -> dict[str, Any]:
        """An action of SQS in the JSON protocol."""
        kind = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
        }
        answer = self._request("sqs", "POST", "/", kind, json.dumps(parameters).encode())
        found: dict[str, Any] = json.loads(answer or b"{}")
        return found

    def close(self) -> None:
        """Hang up; idempotent."""
        self._http.close()

    def __enter__(self) -> AwsClient:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _request(
        self, service: str, method: str, path: str, headers: Mapping[str, str], body: bytes
    ) -> bytes:
        scope = f"test/20200101/{self._region}/{service}/aws4_request"
        signed = f"AWS4-HMAC-SHA256 Credential={scope}, SignedHeaders=host, Signature=0"
        try:
            self._http.request(method, path, body, {**headers, "Authorization": signed})
            response = self._http.getresponse()
            answer = response.read()
        except (OSError, http.client.HTTPException) as error:
            raise ClusterError(f"{service} does not answer: {error}") from error
        if response.status >= 300:
            said = answer.decode(errors="replace")[:500]
            raise ClusterError(f"{service} refused {method} {path}: {response.status} {said}")
        return answer
