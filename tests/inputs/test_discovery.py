"""Files are found by their name in the box, or by their path; what is not there is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import InputError
from statedrill.inputs import discovery


@pytest.mark.parametrize("kind", discovery.FILE_KINDS)
def test_each_kind_has_files_with_a_description_of_one_line(kind: str) -> None:
    entries = discovery.entries(kind)
    assert entries
    assert [entry.name for entry in entries] == sorted(entry.name for entry in entries)
    for entry in entries:
        assert entry.description
        assert "\n" not in entry.description
        assert discovery.find(kind, entry.name) == entry.path


@pytest.mark.parametrize(
    ("kind", "name", "content"),
    [
        ("experiment", "broken.yaml", b"{"),
        ("experiment", "list.yaml", b"[1]"),
        ("experiment", "bytes.json", b"\xff"),
        ("pattern", "empty.yaml", b"description:"),
        ("profile", "broken.py", b"def"),
    ],
)
def test_a_broken_file_is_listed_with_the_others(
    kind: str, name: str, content: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / discovery.FILE_KINDS[kind].folder
    folder.mkdir(parents=True)
    (folder / name).write_bytes(content)
    monkeypatch.setattr(discovery, "_CHECKOUT", tmp_path)
    (entry,) = discovery.entries(kind)
    assert entry.name == Path(name).stem
    assert "None" not in entry.description
    assert entry.description.startswith("(cannot be read: ") or name in ("list.yaml", "empty.yaml")


def test_a_path_names_a_file_anywhere(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("")
    assert discovery.find("pattern", str(tmp_path / "mine.yaml")) == tmp_path / "mine.yaml"


@pytest.mark.parametrize("name", ["./absent.yaml", "~nobody-at-all/x.yaml", f"{'x' * 5000}.yaml"])
def test_a_path_without_a_file_is_refused(name: str) -> None:
    with pytest.raises(InputError, match="no such pattern file"):
        discovery.find("pattern", name)


def test_an_unknown_name_says_which_there_are_or_which_was_meant() -> None:
    with pytest.raises(InputError, match="did you mean 'sticky'"):
        discovery.find("pattern", "stiky")
    with pytest.raises(InputError, match="choose one of: decoupled, decoupled-fifo, distributed"):
        discovery.find("pattern", "nothing-like-it")
