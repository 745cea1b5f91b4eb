"""A pattern file is read whole, and every problem of it is named at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import InputError
from statedrill.inputs.pattern import Pattern

GOOD = """\
name: shop
family: sticky
description: one line
application:
  command: [python, -m, shop]
  instances: 2
  env: {A: 1}
load_balancer: {stickiness: true}
services: {database: true}
promise: {survives: [cache], guarantees: [read_your_writes], idempotent: [orders]}
"""


def read(folder: Path, text: str, name: str = "shop.yaml") -> Pattern:
    path = folder / name
    path.write_text(text)
    return Pattern.read(path)


def test_a_good_file_is_read_with_its_defaults(tmp_path: Path) -> None:
    pattern = read(tmp_path, GOOD)
    assert pattern.application.command == ("python", "-m", "shop")
    assert (pattern.application.instances, pattern.application.health) == (2, "/health")
    assert pattern.application.env == {"A": "1"}
    assert pattern.workers is None
    assert (pattern.services.database, pattern.services.cache) == (True, False)
    assert pattern.promise.survives == ("cache",)
    assert pattern.as_dict()["load_balancer"] == {"stickiness": True}


def test_every_problem_is_named_at_once_with_its_line(tmp_path: Path) -> None:
    text = """\
name: other
familly: sticky
application:
  command: python
  instances: 0
services: {cache: maybe}
workers: {command: [x]}
promise: {survives: [instanse]}
"""
    with pytest.raises(InputError) as caught:
        read(tmp_path, text, "distributed.yaml")
    assert len(caught.value.problems) == 7
    message = str(caught.value)
    for part in (
        "line 1: name: must equal the file's name, 'distributed'",
        "line 2: familly: unknown key; did you mean 'family'?",
        "line 4: application.command: must be a list of words",
        "line 5: application.instances: must be a whole number from 1 to 12",
        "services.cache: must be true or false, not 'maybe'",
        "line 7: workers: workers need a queue",
        "promise.survives: has 'instanse'; choose of instance, zone",
    ):
        assert part in message


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name: [", "shop.yaml:1:8: not YAML"),
        ("- a\n- b\n", "the file: must be a mapping"),
        ("", "the file: must be a mapping"),
        ("name: shop\nname: shop\n", "line 1: name: appears twice"),
    ],
)
def test_a_file_that_is_no_pattern_says_where(tmp_path: Path, text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        read(tmp_path, text)
    assert told in str(caught.value)


def test_a_missing_file_says_so(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be read"):
        Pattern.read(tmp_path / "absent.yaml")
