"""EDN, the notation that Jepsen writes: a strict parser that knows its line, and a writer.

Vectors and lists become tuples, sets frozensets, maps dicts, keywords `Keyword`. Knows the
notation only; what the values mean is for the readers beside it. Grammar: edn-format.org.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

from statedrill.errors import HistoryError
from statedrill.history.formats.foreign import DAMAGED

_TOKEN = re.compile(
    r"""(?P<space>(?:[\s,]|;[^\n]*)+)
    | (?P<open>\#\{|[\[({])
    | (?P<close>[\])}])
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<discard>\#_)
    | (?P<special>\#\#-?[A-Za-z]+)
    | (?P<tag>\#[A-Za-z][\w.*+!?$%&=<>/-]*)
    | (?P<char>\\(?:newline|return|space|tab|u[0-9a-fA-F]{4}|[^\s]))
    | (?P<atom>[^\s,;"\[\](){}\\\#]+[^\s,;"\[\](){}]*)
    """,
    re.VERBOSE | re.DOTALL,
)
_CLOSES = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_INTEGER = re.compile(r"[+-]?\d+N?")
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?")
_SPECIAL = {"##Inf": float("inf"), "##-Inf": float("-inf"), "##NaN": float("nan")}
_WORDS = {"nil": None, "true": True, "false": False}
_WORD_OF = {"None": "nil", "True": "true", "False": "false"}
_CHARS = {"newline": "\n", "return": "\r", "space": " ", "tab": "\t"}
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", '"': '"', "\\": "\\", "b": "\b", "f": "\f", "/": "/"}
_ESCAPED = str.maketrans({'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"})
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.)", re.DOTALL)


class Keyword(str):
    """A keyword without its colon: `:ok` is `Keyword("ok")`. Equal to the same plain text."""

    __slots__ = ()


class Symbol(str):
    """A symbol: a bare word that is no keyword, number, nil, true or false."""

    __slots__ = ()


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag before it, such as `#inst "2026-01-01"`."""

    tag: str
    value: Any


@dataclass(slots=True)
class _Frame:
    opened: str
    line: int
    values: list[Any]
    prefixes: list[str]


class Reader:
    """Reads the forms of one text one by one.

    With `unwrap` a first `[` or `(` is taken as the wrapping of all that follows, so that a file
    with one vector of maps reads like a file with a map a line.
    """

    def __init__(self, text: str, source: str, unwrap: bool = False) -> None:
        self.text, self.source, self.unwrap = text, source, unwrap
        self.line = 1
        self._counted = 0

    def forms(self) -> Iterator[tuple[int, Any]]:
        """(line of its first character, value) of each form.

        Raises:
            HistoryError: the text is not EDN; names file, line and reason.
        """
        base = _Frame("", 1, [], [])
        stack = [base]
        wrapped = ""
        begun, first = 1, True
        for token, kind in self._tokens():
            frame = stack[-1]
            if frame is base and not base.prefixes:
                begun = self.line
            if kind == "open":
                if first and self.unwrap and token in "[(":
                    wrapped = _CLOSES[token]
                else:
                    stack.append(_Frame(token, self.line, [], []))
            elif kind == "close":
                if frame is base and wrapped and token == wrapped and not base.prefixes:
                    wrapped, self.unwrap = "", False
                else:
                    self._close(stack, token)
            elif kind in ("discard", "tag"):
                frame.prefixes.append(token)
            else:
                self._add(frame, self._scalar(token, kind))
            first = False
            if base.values:
                yield begun, base.values.pop()
        if len(stack) > 1 or base.prefixes or wrapped:
            opened = stack[-1]
            self.fail(f"the text ends inside what began in line {opened.line} (cut off?)")

    def fail(self, reason: str) -> NoReturn:
        """Raise HistoryError for the current line."""
        raise HistoryError(f"{self.source}:{self.line}: {reason}", DAMAGED)

    def _tokens(self) -> Iterator[tuple[str, str]]:
        position, size = 0, len(self.text)
        while position < size:
            match = _TOKEN.match(self.text, position)
            self.line += self.text.count("\n", self._counted, position)
            self._counted = position
            if match is None or match.lastgroup is None:
                self.fail(f"not EDN at {self.text[position : position + 20]!r}")
            position = match.end()
            if match.lastgroup != "space":
                yield match.group(), match.lastgroup

    def _close(self, stack: list[_Frame], token: str) -> None:
        frame = stack[-1]
        if len(stack) == 1 or _CLOSES[frame.opened] != token or frame.prefixes:
            self.fail(f"{token!r} closes nothing that is open")
        stack.pop()
        self._add(stack[-1], self._collection(frame))

    def _collection(self, frame: _Frame) -> Any:
        values = frame.values
        if frame.opened in "[(":
            return tuple(values)
        try:
            if frame.opened == "#{":
                return self._set(values)
            if len(values) % 2:
                self.fail("a map with a key that has no value")
            pairs = dict(zip(values[::2], values[1::2], strict=True))
        except TypeError:
            self.fail("a map inside a set, or as a key of a map, is not supported")
        if len(pairs) * 2 != len(values):
            self.fail("a map that has one key twice")
        return pairs

    def _set(self, values: list[Any]) -> frozenset[Any]:
        found = frozenset(values)
        if len(found) != len(values):
            self.fail("a set that has one element twice")
        return found

    def _add(self, frame: _Frame, value: Any) -> None:
        while frame.prefixes:
            prefix = frame.prefixes.pop()
            if prefix == "#_":
                return
            value = Tagged(prefix[1:], value)
        frame.values.append(value)

    def _scalar(self, token: str, kind: str) -> Any:
        if kind == "string":
            return _ESCAPE.sub(self._escape, token[1:-1]) if "\\" in token else token[1:-1]
        if kind == "char":
            name = token[1:]
            return chr(int(name[1:], 16)) if len(name) == 5 else _CHARS.get(name, name)
        if kind == "special":
            if token not in _SPECIAL:
                self.fail(f"not EDN: {token}")
            return _SPECIAL[token]
        return self._atom(token)

    def _atom(self, token: str) -> Any:
        if token in _WORDS:
            return _WORDS[token]
        if token[0] == ":":
            if len(token) == 1 or token[1] == ":":
                self.fail(f"not a keyword: {token}")
            return Keyword(token[1:])
        if _INTEGER.fullmatch(token):
            return int(token.rstrip("N"))
        if _FLOAT.fullmatch(token):
            return float(token.rstrip("M"))
        if token[0].isdigit() or (token[0] in "+-." and token[1:2].isdigit()):
            self.fail(f"not a number that is supported: {token}")
        return Symbol(token)

    def _escape(self, match: re.Match[str]) -> str:
        code = match.group(1)
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code not in _ESCAPES:
            self.fail(f"not an escape: \\{code}")
        return _ESCAPES[code]


def dumps(value: Any) -> str:
    """The EDN text of nil, numbers, texts, keywords, tuples, lists, sets and maps of them."""
    if isinstance(value, Keyword):
        return f":{value}"
    if isinstance(value, str):
        return f'"{value.translate(_ESCAPED)}"'
    if isinstance(value, tuple | list):
        return f"[{' '.join(map(dumps, value))}]"
    if isinstance(value, frozenset | set):
        return f"#{{{' '.join(sorted(map(dumps, value)))}}}"
    if isinstance(value, dict):
        return "{" + ", ".join(f"{dumps(key)} {dumps(each)}" for key, each in value.items()) + "}"
    return _WORD_OF.get(repr(value), repr(value))
