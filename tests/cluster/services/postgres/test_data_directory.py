"""Where a PostgreSQL's data folder comes from."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from statedrill.cluster.services.postgres import data_directory
from statedrill.errors import ClusterError
from statedrill.inputs.services import DatabaseOptions
from tests.cluster.support import SHOP


@pytest.mark.parametrize(
    ("wrote", "number"),
    [("cp: error writing 'b': No space left on device", errno.ENOSPC), ("torn", errno.EIO)],
)
def test_a_copy_that_did_not_fit_says_so(
    wrote: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    copier = tmp_path / "cp"
    copier.write_text(f'#!/bin/sh\necho "{wrote}" >&2\nexit 1\n')
    copier.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setattr(data_directory, "template", lambda _: tmp_path)
    with pytest.raises(OSError, match=str(tmp_path / "data")) as caught:
        data_directory.copy_template(tmp_path / "data", SHOP)
    assert caught.value.errno == number


@pytest.mark.cluster
def test_the_template_is_made_by_one_and_found_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    made = data_directory.template(SHOP)
    assert (made / "PG_VERSION").is_file()
    stamp = made.stat().st_ctime_ns
    assert data_directory.template(SHOP) == made
    assert made.stat().st_ctime_ns == stamp
    assert [each.name for each in made.parent.iterdir()] == [made.name]


@pytest.mark.cluster
def test_a_tool_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="initdb failed"):
        data_directory.run_tool("initdb", f"--pgdata={tmp_path}/x", "--locale=nowhere")


@pytest.mark.cluster
def test_names_that_sql_reserves_are_good_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    names = DatabaseOptions(name="order", user="user")
    made = data_directory.template(names)
    assert made != data_directory.template(SHOP)
