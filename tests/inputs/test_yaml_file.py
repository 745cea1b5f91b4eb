"""A file of the user's is read safely: whatever it holds, the answer is content or one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import InputError
from statedrill.inputs.yaml_file import YamlFile

LAUGHS = "a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 9)
)


def read(folder: Path, content: str | bytes) -> YamlFile:
    path = folder / "file.yaml"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return YamlFile(path, "pattern")


def test_keys_are_text_as_it_is_written(tmp_path: Path) -> None:
    assert read(tmp_path, "{on: 1, 1: {no: 2}}").content == {"on": 1, "1": {"no": 2}}


def test_aliases_and_merges_are_followed(tmp_path: Path) -> None:
    content = read(tmp_path, "a: &a {x: 1, y: 2}\nb: {<<: *a, y: 3}\nc: *a\n").content
    assert (content["b"], content["c"]) == ({"x": 1, "y": 3}, {"x": 1, "y": 2})


def test_an_empty_file_is_nothing(tmp_path: Path) -> None:
    assert read(tmp_path, "# a remark\n").content is None


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"name: \xff", "cannot be read ('utf-8' codec"),
        ("a: \x07", "not YAML: special characters are not allowed"),
        ("a: [", "file.yaml:1:5: not YAML"),
        ("a: b: c", "file.yaml:1:5: not YAML: mapping values are not allowed here"),
        ("a: 1\n---\nb: 2", "not YAML: but found another document"),
        ("a: !!int x", "file.yaml:1:4: not YAML: no value of its kind: invalid literal"),
        ("a: !!bool x", "file.yaml:1:4: not YAML: no value of its kind"),
        ("\na: 2024-99-99", "file.yaml:2:4: not YAML: no value of its kind: month must be"),
        ("a: " + "9" * 5000, "file.yaml:1:4: not YAML: no value of its kind"),
        ("a: !!python/object:os.system x", "could not determine a constructor"),
        ("? [a]\n: b", "file.yaml:1:3: not YAML: a key must be text"),
        ("a: *b", "file.yaml:1:4: not YAML: found undefined alias 'b'"),
        ("&a {b: *a}", "nested deeper than 50 levels"),
        ("&a {<<: *a}", "nested deeper than 50 levels"),
        ("[" * 10_000, "nested deeper than 50 levels"),
        (LAUGHS, "has more than 20000 values, with aliases written out"),
        ("a" * (1 << 20) + "b", "cannot be read (larger than 1 MiB)"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, content)
    assert told in str(caught.value)


def test_problems_are_named_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    file = read(tmp_path, "a:\n  - x\n  - y\nb: {c: 1}\nb: 2\n")
    file.problem(("b", "c", "d"), "is deep")
    file.problem(("a", 1), "is wrong")
    file.problem(("a", 1), "is wrong")
    file.problem(("z",), "is missing")
    with pytest.raises(InputError) as caught:
        file.raise_problems("mend it")
    assert caught.value.problems == (
        "z: is missing",
        "line 3: a: is wrong",
        "line 4: b.c.d: is deep",
        "line 5: b: appears twice, first on line 4",
    )


@pytest.mark.parametrize(
    ("content", "told"),
    [
        ("{", "file.json:1:2: not JSON: Expecting property name"),
        ('{"a": ' + "9" * 5000 + "}", "not JSON: Exceeds the limit"),
        ("[" * 100_000, "nested deeper than 50 levels"),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_json_file_that_cannot_be_read_is_one_sentence(
    tmp_path: Path, content: str | bytes, told: str
) -> None:
    path = tmp_path / "file.json"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(InputError) as caught:
        YamlFile(path, "experiment")
    assert told in str(caught.value)


@pytest.mark.parametrize("name", ["file.yaml", "file.json"])
def test_a_text_that_no_file_can_hold_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"a": ["x", "\\ud800"]}')
    with pytest.raises(InputError, match="a: has half of a character in it"):
        YamlFile(tmp_path / name, "pattern").raise_problems("mend it")
