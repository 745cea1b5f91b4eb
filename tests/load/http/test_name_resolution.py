"""Which addresses a client tries, and in which order."""

from __future__ import annotations

import os
from pathlib import Path

from statedrill.load.http.name_resolution import NameResolution

NAME = ("127.9.0.80", 8080)


def test_without_a_file_a_name_is_its_own_address(tmp_path: Path) -> None:
    assert NameResolution().addresses(NAME) == [NAME]
    assert NameResolution(tmp_path / "missing").addresses(NAME) == [NAME]


def test_each_connection_begins_with_another_address(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("".join(f"127.9.{zone}.80:8080 127.9.0.80:8080\n" for zone in (1, 2, 3)))
    names = NameResolution(file)
    asked = [[host for host, _ in names.addresses(NAME)] for _ in range(4)]
    assert [each[0] for each in asked] == ["127.9.2.80", "127.9.3.80", "127.9.1.80", "127.9.2.80"]
    assert all(len(set(each)) == 3 for each in asked)
    assert names.addresses(("127.0.0.1", 80)) == [("127.0.0.1", 80)]


def test_what_has_changed_is_read_again_and_what_is_gone_is_remembered(tmp_path: Path) -> None:
    file = tmp_path / "names"
    file.write_text("127.9.1.80:8080 127.9.0.80:8080\n")
    names = NameResolution(file)
    assert names.addresses(NAME) == [("127.9.1.80", 8080)]
    file.write_text("127.9.2.80:8080 127.9.0.80:8080\n")
    os.utime(file, ns=(1, 1))
    assert names.addresses(NAME) == [("127.9.2.80", 8080)]
    file.unlink()
    assert names.addresses(NAME) == [("127.9.2.80", 8080)]
