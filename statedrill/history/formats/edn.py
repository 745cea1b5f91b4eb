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
from statedrill.history.formats.external import DAMAGED

_TOKEN = re.compile(
    r"""(?:[\s,]++|;[^\n]*+)*+  # blanks, commas and comments before each token
    (?: (?P<open>\#\{|[\[({])
    | (?P<close>[\])}])
    | (?P<string>"(?:[^"\\]|\\.)*")
    | (?P<discard>\#_)
    | (?P<special>\#\#-?[A-Za-z]+)
    | (?P<tag>\#[A-Za-z][\w.*+!?$%&=<>/-]*)
    | (?P<char>\\(?:newline|return|space|tab|u[0-9a-fA-F]{4}|[^\s]))
    | (?P<atom>[^\s,;"\[\](){}\\\#]+[^\s,;"\[\](){}]*)
    | (?P<end>\Z) )
    """,
    re.VERBOSE | re.DOTALL,
)
_DEEPEST = 200  # Python itself hashes and prints no deeper values
_CLOSES = {"[": "]", "(": ")", "{": "}", "#{": "}"}
_INTEGER = re.compile(r"[+-]?\d+N?")
_LONGEST_INTEGER = 4000  # Python itself reads no more than 4300 digits
_FLOAT = re.compile(r"[+-]?\d+(?:\.\d*)?(?:[eE][+-]?\d+)?M?")
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


# What was written must equal what is read back, which a float's NaN does not.
_SPECIAL = {"##Inf": float("inf"), "##-Inf": float("-inf"), "##NaN": Symbol("##NaN")}


@dataclass(frozen=True, slots=True)
class Tagged:
    """A value with a tag before it, such as `#inst "2026-01-01"`."""

    tag: str
    value: Any


@dataclass(slots=True)
class _Frame:
    opened: str
    begun: int
    values: list[Any]
    prefixes: list[str]


class Reader:
    """Reads the forms of one text one by one.

    With `unwrap` a first `[` or `(` is taken as the wrapping of all that follows, so that a file
    with one vector of maps reads like a file with a map a line.
    """

    def __init__(self, text: str, source: str, unwrap: bool = False) -> None:
        self.text, self.source, self.unwrap = text, source, unwrap
        self._position = 0  # of the current token
        self._atoms: dict[str, Any] = {}

    def forms(self) -> Iterator[tuple[int, Any]]:
        """(line of its first character, value) of each form.

        Raises:
            HistoryError: the text is not EDN; names file, line and reason.
        """
        base = _Frame("", 0, [], [])
        stack = [base]
        closing = ""  # of the wrapping
        begun, line, counted = 0, 1, 0
        for token, kind in self._tokens():
            frame = stack[-1]
            if frame is base and not base.prefixes:
                begun = self._position
            if kind == "atom":
                self._add(frame, self._atom(token))
            elif kind == "open":
                if self.unwrap and token in "[(":
                    closing = _CLOSES[token]
                else:
                    self._open(stack, token)
            elif kind == "close" and frame is base and token == closing and not base.prefixes:
                closing = ""
            elif kind == "close":
                self._close(stack, token)
            elif kind in ("discard", "tag"):
                frame.prefixes.append(token)
            else:
                self._add(frame, self._scalar(token, kind))
            self.unwrap = False
            if base.values:
                line += self.text.count("\n", counted, begun)
                counted = begun
                yield line, base.values.pop()
        if len(stack) > 1 or base.prefixes or closing:
            opened = self._line(stack[-1].begun)
            self._position = len(self.text.rstrip())
            self.fail(f"the text ends inside what began in line {opened} (cut off?)")

    def fail(self, reason: str) -> NoReturn:
        """Raise HistoryError for the line of the current token."""
        raise HistoryError(f"{self.source}:{self._line(self._position)}: {reason}", DAMAGED)

    def _line(self, position: int) -> int:
        return self.text.count("\n", 0, position) + 1

    def _tokens(self) -> Iterator[tuple[str, str]]:
        match_at, text = _TOKEN.match, self.text
        match = match_at(text, 0)
        while match is not None:
            kind = match.lastgroup
            if kind == "end":
                return
            end = match.end()
            token = match[kind or 0]
            self._position = end - len(token)
            yield token, kind or ""
            self._position = end
            match = match_at(text, end)
        blank = re.compile(r"(?:[\s,]|;[^\n]*)*").match(text, self._position)
        self._position = blank.end() if blank else self._position
        self.fail(f"not EDN at {text[self._position : self._position + 20]!r}")

    def _open(self, stack: list[_Frame], token: str) -> None:
        if len(stack) > _DEEPEST:
            self.fail(f"more than {_DEEPEST} collections inside one another")
        stack.append(_Frame(token, self._position, [], []))

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
        if token not in _SPECIAL:
            self.fail(f"not EDN: {token}")
        return _SPECIAL[token]

    def _atom(self, token: str) -> Any:
        if token in self._atoms:
            return self._atoms[token]
        value = self._new_atom(token)
        if isinstance(value, Keyword):  # they come again and again; numbers do not
            self._atoms[token] = value
        return value

    def _new_atom(self, token: str) -> Any:
        if token in _WORDS:
            return _WORDS[token]
        if token[0] == ":":
            if len(token) == 1 or token[1] == ":":
                self.fail(f"not a keyword: {token}")
            return Keyword(token[1:])
        if _INTEGER.fullmatch(token):
            if len(token) > _LONGEST_INTEGER:
                self.fail(f"an integer of more than {_LONGEST_INTEGER} digits")
            return int(token.rstrip("N"))
        if _FLOAT.fullmatch(token):
            return float(token.rstrip("M"))
        if token[0].isdigit() or (token[0] in "+-." and token[1:2].isdigit()):
            self.fail(f"not a number that is supported: {token[:40]}")
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
