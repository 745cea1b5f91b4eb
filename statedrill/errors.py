"""Every error that a user can cause or cure: what happened, where, and what to do now.

Knows exit codes; knows nothing of any room. A crash of statedrill itself is not one of these.
"""

from __future__ import annotations

from collections.abc import Sequence

HELD = 0
CRASHED = 1
UNKNOWN = 3
BROKEN = 99
BAD_INPUT = 104
INTERRUPTED = 105

_LONGEST_MESSAGE = 1000


class StatedrillError(Exception):
    """An error with a cure: `message` says what and where, `hint` what to do now."""

    exit_code = CRASHED

    def __init__(self, message: str, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"{self.message}\n  {self.hint}" if self.hint else self.message


class InputError(StatedrillError):
    """The user's input is wrong; `problems` names every problem found, not only the first."""

    exit_code = BAD_INPUT

    def __init__(self, message: str, hint: str = "", problems: Sequence[str] = ()) -> None:
        listed = "".join(f"\n  - {problem}" for problem in problems)
        super().__init__(message + listed, hint)
        self.problems = tuple(problems)


class CannotPlay(InputError):
    """A pattern has nothing that an experiment breaks; nothing else is wrong with the inputs."""

    def __init__(self, target: str, pattern: str, experiment: str, reasons: Sequence[str]) -> None:
        super().__init__(
            f"the target '{target}' cannot play {experiment} on {pattern}",
            "choose another experiment, or a pattern that has what it breaks",
            reasons,
        )
        self.pattern, self.experiment = pattern, experiment


class MissingPart(InputError):
    """A program, package or right that this machine lacks; the hint says how to get it."""


class ClusterError(StatedrillError):
    """A process of the cluster did not start, did not get ready, or could not be restored."""

    exit_code = UNKNOWN


class ControlError(StatedrillError):
    """A request to the control address was refused or made no sense."""

    exit_code = BAD_INPUT


class HistoryError(StatedrillError):
    """A recorded history is missing, damaged or of an unknown kind.

    The message may quote what stands there: of more than 1,000 characters the rest is left out.
    """

    exit_code = BAD_INPUT

    def __init__(self, message: str, hint: str = "") -> None:
        rest = len(message) - _LONGEST_MESSAGE
        super().__init__(f"{message[:_LONGEST_MESSAGE]} …" if rest > 0 else message, hint)


class Interrupted(StatedrillError):
    """The user stopped the drill; what was recorded so far is kept."""

    exit_code = INTERRUPTED
