"""What the faults of AWS's APIs have in common: a share of the calls of a service ends in an error.

Named after the actions of AWS Fault Injection Service (aws:fis:inject-api-throttle-error, ...).
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, ClassVar, Protocol, cast, runtime_checkable

from typing_extensions import override

from statedrill.errors import ClusterError, ControlError
from statedrill.faults.base import Capabilities, Fault, FaultTarget, Proof, wait_for
from statedrill.vocabulary import Equipment

_PROOF_S = 10.0


@runtime_checkable
class HasApis(Protocol):
    """A service whose calls can end in errors. Methods raise ClusterError when it is gone."""

    def api_errors(self) -> Mapping[str, int]:
        """The share of calls, in percent, that end in an error now: `<api>.<error>` -> share."""

    def set_api_error(self, error: str, percentage: int) -> None:
        """Let `percentage` of its calls be `throttled`, `failed` (though done) or `silent`."""

    def probe_apis(self) -> Mapping[str, tuple[int, str]]:
        """What a call that changes nothing is answered now, by API: status and body.

        0 and nothing for one that is kept waiting by what `set_api_error` did.
        """

    def is_healthy(self) -> bool:
        """Whether it can serve; with the service, its errors are gone."""


@dataclass(frozen=True)
class Arguments:
    """The share of calls, each drawn for itself."""

    percentage: Annotated[int, "a whole number from 1 to 100"] = 100


class ApiErrors(Fault):
    """`error` for a share of the calls of `service`; an answer with it has one of `codes` in it."""

    service: ClassVar[str]
    error: ClassVar[str]
    codes: ClassVar[tuple[str, ...]]
    arguments = Arguments
    equipment = frozenset({Equipment.AWS_PROXY})

    def __init__(self, target: FaultTarget, arguments: Arguments) -> None:
        self._service = cast(HasApis, target.service(self.service))
        self._percentage = arguments.percentage
        if not 1 <= self._percentage <= 100:
            raise ControlError(
                f"Percentage is {self._percentage}", "give a whole number from 1 to 100"
            )
        if self._shares():
            raise ControlError(
                f"calls of the {self.service} are {self.error} already", "undo that: restore"
            )
        self.targets = (self.service,)

    @classmethod
    @override
    def why_unavailable(cls, capabilities: Capabilities) -> str:
        return capabilities.why_not(cls.service, HasApis, "made to answer errors")

    @override
    def inject(self) -> None:
        self._service.set_api_error(self.error, self._percentage)

    @override
    def prove(self) -> Proof:
        """A call to every API of the service was answered so, or not at all."""
        seen: dict[str, str] = {}

        def seen_everywhere() -> bool:
            answers = self._service.probe_apis()
            for api, (status, body) in answers.items():
                code = next((each for each in self.codes if each in body), "")
                if code:
                    seen[api] = f"{api} answered {status} {code}"
                elif status == 0 and not self.codes:
                    seen[api] = f"{api} did not answer"
            return seen.keys() == answers.keys()

        proved = wait_for(seen_everywhere, _PROOF_S)
        return Proof(proved, "; ".join(seen.values()) or f"no call was {self.error}")

    @override
    def is_over(self) -> bool:
        return self._service.is_healthy() and not self._shares()

    @override
    def undo(self) -> None:
        # The proxy may live on while the service behind it is gone; without it no error is left.
        with contextlib.suppress(ClusterError):
            self._service.set_api_error(self.error, 0)

    def _shares(self) -> list[int]:
        errors = self._service.api_errors()
        return [share for key, share in errors.items() if key.endswith(f".{self.error}")]
