"""Damaged copies of a valid input: broken bytes, lines and words, and JSON values of another kind.

For tests that no input ends in a traceback. The same seed makes the same mutants.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Iterator
from typing import Any

# What stands instead of a value: other kinds, limits of integers, texts that look like something.
ODD_VALUES: tuple[Any, ...] = (
    None, True, -1, 0, 2**31, 2**40, 2**63, 10**30, 0.5, 1e308, float("nan"), float("inf"),
    "", "x", "None", "\ud800", "../../etc", [], [None], {}, {"x": 1}, [[[]]],
)  # fmt: skip
_ODD_WORDS = (
    b"", b"-1", b"99999999999999999999", b"1e999", b"nan", b"null", b'"', b"'", b"{", b"]",
    b"\x00", b"\xff\xfe", b": :", b"- -", b"*x", b"!!python/name:os.system", b"\t",
)  # fmt: skip
# The same for EDN: a keyword, text, number or vector, and what stands instead of it.
_FORM = re.compile(rb':[a-z-]+|"[^"]*"|\d+|nil|\[+[^\[\]{}]*\]+|#\{[^{}]*\}')
_ODD_FORMS = (
    b"nil", b"{}", b"{:a 1}", b"[]", b"[5]", b"[[{} 1 2]]", b"[[:r {} nil]]", b"#{}", b"#{[1]}",
    b"##NaN", b"##Inf", b"9" * 5000, b'"x"', b":x", b"-1.5", b"#inst 5",
)  # fmt: skip
_WORD = re.compile(rb"[A-Za-z0-9_.+-]+")


def mutants(data: bytes, count: int, seed: int = 0) -> Iterator[tuple[str, bytes]]:
    """`count` pairs (how, damaged copy of `data`); JSON and JSON lines get damaged values, too."""
    dice = random.Random(seed)
    ways: list[Callable[[bytes, random.Random], bytes]] = [*_BYTES]
    if b"\x00" not in data[:1000]:
        ways += [*_LINES, *_WORDS]
    if _is_json(data):
        ways += [other_value] * 6
    if b":invoke" in data:
        ways += [_replace_a_form] * 6
    for number in range(count):
        way = dice.choice(ways)
        yield f"{number}: {way.__name__.strip('_')}", way(data, dice)


def other_value(data: bytes, dice: random.Random) -> bytes:
    """One value of a JSON document, or of one line of JSON lines, removed or replaced."""
    lines = data.split(b"\n") if not _parsed(data) else [data]
    full = [number for number, line in enumerate(lines) if line.strip()]
    at = dice.choice(full)
    whole = _parsed(lines[at])
    if whole:
        damaged = _damage(whole[0], dice)
        lines[at] = json.dumps(damaged).encode("utf-8")
    return b"\n".join(lines)


def _damage(value: Any, dice: random.Random) -> Any:
    """`value` with one part of it removed or replaced; all depths come up."""
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = dice.choice(list(value))
        if dice.random() < 0.2:
            return {name: each for name, each in value.items() if name != key}
        return {**value, key: _damage(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        at = dice.randrange(len(value))
        if dice.random() < 0.2:
            return value[:at] + value[at + 1 :]
        return [*value[:at], _damage(value[at], dice), *value[at + 1 :]]
    return dice.choice(ODD_VALUES)


def _parsed(data: bytes) -> list[Any]:
    """The JSON value in `data`, in a list; an empty list where there is none."""
    try:
        return [json.loads(data)]
    except ValueError:
        return []


def _is_json(data: bytes) -> bool:
    return bool(_parsed(data) or _parsed(data.split(b"\n", 1)[0]))


def _flip_a_bit(data: bytes, dice: random.Random) -> bytes:
    at = dice.randrange(len(data) or 1)
    return data[:at] + bytes([data[at] ^ 1 << dice.randrange(8)]) + data[at + 1 :] if data else b"x"


def _cut_off(data: bytes, dice: random.Random) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def _lose_a_piece(data: bytes, dice: random.Random) -> bytes:
    begin, size = dice.randrange(len(data) + 1), dice.choice((1, 4, 100))
    return data[:begin] + data[begin + size :]


def _repeat_a_piece(data: bytes, dice: random.Random) -> bytes:
    begin, size = dice.randrange(len(data) + 1), dice.choice((1, 4, 100))
    return data[: begin + size] + data[begin:]


def _overwrite_with_noise(data: bytes, dice: random.Random) -> bytes:
    begin, size = dice.randrange(len(data) + 1), dice.choice((1, 8, 64))
    return data[:begin] + dice.randbytes(size) + data[begin + size :]


def _overwrite_with_zeros(data: bytes, dice: random.Random) -> bytes:
    begin, size = dice.randrange(len(data) + 1), dice.choice((1, 8, 512))
    return data[:begin] + bytes(size) + data[begin + size :]


def _become_empty(data: bytes, dice: random.Random) -> bytes:
    return dice.choice((b"", b"\n", b" ", b"{}", b"[]", b"null", b"\xff\xfe\x00"))


def _nest_deeply(data: bytes, dice: random.Random) -> bytes:
    depth = dice.choice((50, 100_000))
    at = dice.randrange(len(data) + 1)
    opened, closed = dice.choice(((b"[", b"]"), (b"(", b")"), (b'{"a":', b"}"), (b"- ", b"")))
    return data[:at] + opened * depth + closed * (depth * dice.randrange(2)) + data[at:]


def _lose_a_line(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    del lines[dice.randrange(len(lines))]
    return b"\n".join(lines)


def _repeat_a_line(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    lines.insert(dice.randrange(len(lines) + 1), dice.choice(lines))
    return b"\n".join(lines)


def _swap_two_lines(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    one, two = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    return b"\n".join(lines)


def _indent_a_line(data: bytes, dice: random.Random) -> bytes:
    lines = data.split(b"\n")
    at = dice.randrange(len(lines))
    lines[at] = dice.choice((b"  ", b"\t")) + lines[at]
    return b"\n".join(lines)


def _replace_a_word(data: bytes, dice: random.Random) -> bytes:
    words = list(_WORD.finditer(data))
    if not words:
        return data
    word = dice.choice(words)
    other = dice.choice((*_ODD_WORDS, dice.choice(words)[0]))
    return data[: word.start()] + other + data[word.end() :]


def _replace_a_form(data: bytes, dice: random.Random) -> bytes:
    forms = list(_FORM.finditer(data))
    if not forms:
        return data
    form = dice.choice(forms)
    other = dice.choice((*_ODD_FORMS, dice.choice(forms)[0]))
    return data[: form.start()] + other + data[form.end() :]


_BYTES = (
    _flip_a_bit, _cut_off, _lose_a_piece, _repeat_a_piece, _overwrite_with_noise,
    _overwrite_with_zeros, _become_empty,
)  # fmt: skip
_LINES = (_lose_a_line, _repeat_a_line, _swap_two_lines, _indent_a_line)
_WORDS = (_replace_a_word, _replace_a_word, _replace_a_word, _nest_deeply)
