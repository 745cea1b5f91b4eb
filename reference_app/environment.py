"""Reads environment variables one by one and collects everything that is wrong with them.

Knows types and how a problem is worded; knows no variable. Written by hand because importing
pydantic takes 0.11 s of processor time, and a process that replaces a dead one starts in 0.39.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import TypeVar, cast
from urllib.parse import urlsplit

T = TypeVar("T")


class SettingsError(Exception):
    """A setting is wrong or missing; the text names every problem, in one line."""


class Environment:
    """The variables of one process; an empty one counts as not set.

    Every method returns the checked value, or the default when the variable is not set. A wrong
    value is added to `problems`, and what is returned for it must not be used: `check` raises.
    """

    def __init__(self, variables: Mapping[str, str]) -> None:
        self._variables = variables
        self.problems: list[str] = []

    def check(self) -> None:
        """Raises SettingsError with all problems."""
        if self.problems:
            raise SettingsError("; ".join(dict.fromkeys(self.problems)))

    def require(self, *names: str, by: str = "") -> None:
        """Variables that must be set, and which setting asks for them."""
        why = f", and {by} needs it" if by else ""
        self.problems += [f"{name} is not set{why}" for name in names if not self.text(name)]

    def text(self, name: str, default: str = "") -> str:
        """Any text."""
        return self._variables.get(name, "").strip() or default

    def one_of(self, name: str, choices: Collection[str], default: str) -> str:
        """One of some words."""

        def parse(text: str) -> str:
            if text not in choices:
                raise ValueError(f"{text!r} is none of {', '.join(choices)}")
            return text

        return self.parsed(name, parse, default)

    def seconds(self, name: str, default: float) -> float:
        """A positive number of seconds."""

        def parse(text: str) -> float:
            try:
                number = float(text)
            except ValueError:
                number = 0.0
            if not 0 < number < float("inf"):
                raise ValueError(f"{text!r} is not a positive number of seconds")
            return number

        return self.parsed(name, parse, default)

    def count(self, name: str, default: int, least: int = 1) -> int:
        """A whole number of at least `least`."""

        def parse(text: str) -> int:
            if not text.isdecimal() or int(text) < least:
                raise ValueError(f"{text!r} is not a whole number from {least} up")
            return int(text)

        return self.parsed(name, parse, default)

    def port(self, name: str) -> int | None:
        """A TCP port."""

        def parse(text: str) -> int | None:
            if not text.isdecimal() or not 0 < int(text) < 65536:
                raise ValueError(f"{text!r} is not a port (1 to 65535)")
            return int(text)

        return self.parsed(name, parse, None)

    def url(self, name: str, *schemes: str) -> str:
        """A URL with one of these schemes, the usual one first, and a host; or the empty text."""

        def parse(text: str) -> str:
            try:
                parts = urlsplit(text)
                valid = parts.scheme in schemes and bool(parts.hostname)
                valid = valid and (parts.port is None or parts.port > 0)
            except ValueError:  # a port that is no number, half an IPv6 address
                valid = False
            if not valid:
                raise ValueError(f"{text!r} is not a {schemes[0]}:// URL with a host")
            return text

        return self.parsed(name, parse, "")

    def parsed(self, name: str, parse: Callable[[str], T], default: T) -> T:
        """What `parse` makes of the text; the message of its ValueError becomes a problem."""
        text = self.text(name)
        if not text:
            return default
        try:
            return parse(text)
        except ValueError as error:
            self.problems.append(f"{name}: {error}")
            return cast(T, None)
