"""One YAML or JSON file of the user's: its content, the line of every key, and all its problems.

Loads without executing anything, keeps the line of each key, finds duplicate keys, and refuses
what is no text, too large or too deep. Knows YAML; knows no word of any particular kind of file.
"""

from __future__ import annotations

import difflib
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import yaml

from statedrill.errors import InputError

Place = tuple[str | int, ...]
"""Where a value stands: keys of mappings and indices of lists, from the top of the file."""

_MOST_BYTES = 1 << 20
_MOST_VALUES = 20_000
_MOST_DEPTH = 50
_MOST_PROBLEMS = 30
_LONGEST_SENTENCE = 400
_SURROGATE = re.compile("[\ud800-\udfff]")


def did_you_mean(word: object, known: Sequence[str]) -> str:
    """`did you mean 'x'?`, or an empty text when no known word resembles `word`."""
    close = difflib.get_close_matches(str(word), known, 1)
    return f"did you mean '{close[0]}'?" if close else ""


def shown(value: object) -> str:
    """`value` as a message shows it: its repr, shortened to one readable line."""
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:76]} …"


class YamlFile:
    """One parsed file, and the problems found in it so far.

    `content` is what the file holds, with every key of a mapping as text. `kind` names the file in
    messages ("pattern", "experiment").
    """

    def __init__(self, path: Path, kind: str) -> None:
        """Read and parse `path`.

        Raises:
            InputError: it cannot be read, is no text, too large, too deep, or not YAML.
        """
        self.path, self.kind = path, kind
        self._lines: dict[Place, int] = {}
        self._problems: list[tuple[int, str]] = []
        self.content: Any = self._parse(self._read())

    def problem(self, place: Place, what: str, line: int = 0) -> None:
        """Note that the value at `place` is wrong: `what` goes on where the key's name ends."""
        line = line or self._line(place)
        keys = ".".join(str(key) for key in place if not isinstance(key, int))
        text = f"{f'line {line}: ' if line else ''}{keys or 'the file'}: {what}"
        self._problems.append((line, textwrap.shorten(text, _LONGEST_SENTENCE, placeholder=" …")))

    def raise_problems(self, hint: str) -> None:
        """Do nothing while no problem was noted.

        Raises:
            InputError: names every problem noted so far, in the order of the file.
        """
        if self._problems:
            in_order = sorted(self._problems, key=lambda each: each[0])
            texts = list(dict.fromkeys(text for _, text in in_order))
            if len(texts) > _MOST_PROBLEMS:
                texts[_MOST_PROBLEMS:] = [f"… and {len(texts) - _MOST_PROBLEMS} more"]
            raise InputError(f"{self.path}: not a valid {self.kind}", hint, texts)

    def _line(self, place: Place) -> int:
        """The line of `place`, or of the nearest thing around it; 0 when there is none."""
        around = (place[:length] for length in range(len(place), 0, -1))
        return next((self._lines[each] for each in around if each in self._lines), 0)

    def _read(self) -> str:
        hint = f"name an existing {self.kind} file"
        try:
            with self.path.open("rb") as file:
                content = file.read(_MOST_BYTES + 1)
            text = content.decode("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise InputError(f"{self.path}: cannot be read ({error})", hint) from error
        if len(content) > _MOST_BYTES:
            raise InputError(f"{self.path}: cannot be read (larger than 1 MiB)", hint)
        return text

    def _parse(self, text: str) -> Any:
        try:
            is_json = self.path.suffix == ".json"
            content = self._parse_json(text) if is_json else self._parse_yaml(text)
            self._note_broken_text((), content)
        except RecursionError as error:
            raise self._too_deep() from error
        return content

    def _parse_json(self, text: str) -> Any:
        try:
            return json.loads(text)
        except json.JSONDecodeError as error:
            where = f"{self.path}:{error.lineno}:{error.colno}"
            raise InputError(f"{where}: not JSON: {error.msg}", "mend the line") from error
        except ValueError as error:  # a number of more than 4300 digits
            raise InputError(f"{self.path}: not JSON: {error}", "mend the number") from error

    def _parse_yaml(self, text: str) -> Any:
        try:
            loader = _Loader(text)
            top = loader.get_single_node()
            if top is None:
                return None
            self._note_lines(top)
            return loader.construct_document(top)
        except yaml.YAMLError as error:
            mark = getattr(error, "problem_mark", None)
            where = f"{self.path}:{mark.line + 1}:{mark.column + 1}" if mark else str(self.path)
            what = getattr(error, "problem", None) or getattr(error, "reason", None) or error
            raise InputError(
                f"{where}: not YAML: {what}",
                "mend the line; indentation is by spaces, lists are [a, b] or lines with '- '",
            ) from error

    def _note_lines(self, top: yaml.Node) -> None:
        """Walk over all values. An alias counts as often as it appears: a short file that expands
        to millions of values, or that contains itself, is refused before it is built.
        """
        waiting: list[tuple[Place, yaml.Node]] = [((), top)]
        count = 0
        while waiting:
            place, node = waiting.pop()
            count += 1
            if count > _MOST_VALUES:
                raise InputError(
                    f"{self.path}: has more than {_MOST_VALUES} values, with aliases written out",
                    f"a {self.kind} is a short file: leave out what repeats",
                )
            if len(place) > _MOST_DEPTH:
                raise self._too_deep()
            waiting += self._children(place, node)

    def _children(self, place: Place, node: yaml.Node) -> Iterator[tuple[Place, yaml.Node]]:
        """What lies directly in `node`; notes its lines, and keys that appear twice."""
        if isinstance(node, yaml.SequenceNode):
            for number, item in enumerate(node.value):
                self._lines[*place, number] = item.start_mark.line + 1
                yield (*place, number), item
        elif isinstance(node, yaml.MappingNode):
            first: dict[str, int] = {}
            for key, value in node.value:
                name, line = str(key.value), key.start_mark.line + 1
                if name in first:
                    self.problem(
                        (*place, name), f"appears twice, first on line {first[name]}", line
                    )
                first.setdefault(name, line)
                self._lines.setdefault((*place, name), line)
                yield (*place, name), value

    def _note_broken_text(self, place: Place, value: Any) -> None:
        """Note every text with an escape such as "\\ud800", which no file or page can hold."""
        if isinstance(value, dict):
            for key, inside in value.items():
                self._note_broken_text((*place, key), inside)
        elif isinstance(value, list):
            for number, inside in enumerate(value):
                self._note_broken_text((*place, number), inside)
        elif isinstance(value, str) and _SURROGATE.search(value):
            self.problem(place, f"has half of a character in it: {shown(value)}")

    def _too_deep(self) -> InputError:
        return InputError(
            f"{self.path}: nested deeper than {_MOST_DEPTH} levels",
            f"a {self.kind} needs a few levels only: mend the brackets or the indentation",
        )


class _Loader(yaml.SafeLoader):
    """Plain values only, and every key as the text that stands in the file (`on`, `1`)."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        self.flatten_mapping(node)
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode):
                raise _not_yaml(key, "a key must be text")
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            # What PyYAML lets through of `!!int x`, `!!bool x` or the date 2024-99-99.
            raise _not_yaml(node, f"no value of its kind: {error}") from error


def _not_yaml(node: yaml.Node, what: str) -> yaml.YAMLError:
    return yaml.constructor.ConstructorError(None, None, what, node.start_mark)
