"""Histories of other tools, recognised by content and read into one neutral form; the export.

One file a format, one row in the table below. Knows files and notations; judges nothing.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from statedrill.errors import HistoryError
from statedrill.history.formats import etcd, jepsen_edn, jepsen_log, porcupine_kv
from statedrill.history.formats.export import export_jepsen
from statedrill.history.formats.external import ForeignHistory, ForeignOperation

__all__ = ["ForeignHistory", "ForeignOperation", "export_jepsen", "read", "recognise"]

_HEAD_BYTES = 1 << 16


@dataclass(frozen=True)
class _Format:
    name: str
    recognise: Callable[[str], bool]
    read: Callable[[Path], ForeignHistory]


_FORMATS = (
    _Format(etcd.NAME, etcd.recognise, etcd.read),
    _Format(porcupine_kv.NAME, porcupine_kv.recognise, porcupine_kv.read),
    _Format(jepsen_edn.NAME, jepsen_edn.recognise, jepsen_edn.read),
    _Format(jepsen_log.NAME, jepsen_log.recognise, jepsen_log.read),
)


def recognise(path: Path | str) -> str | None:
    """The name of the format that a file or folder is in, by its content; None: of no format here.

    A folder is etcd's (`client-*`), or Jepsen's with a `history.edn` in it.

    Raises:
        HistoryError: there is nothing at `path`, or it cannot be read.
    """
    found = _find(Path(path))
    return found[0].name if found else None


def read(path: Path | str) -> ForeignHistory:
    """The history at `path`, whatever its format.

    Raises:
        HistoryError: of no known format, damaged (names file, line and reason), or of a work
            that is not supported.
    """
    found = _find(Path(path))
    if found is None:
        known = ", ".join(each.name for each in _FORMATS)
        if Path(path).is_dir():
            raise HistoryError(
                f"{path}: neither the folder of a run nor a history of a known format",
                f"name the folder with plan.json, or a history: {known}",
            )
        raise HistoryError(f"{path}:1: not a history of a known format", f"known are: {known}")
    form, file = found
    try:
        return form.read(file)
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise HistoryError(f"{file}:{line}: not UTF-8 text", "restore the file") from error


def _find(path: Path) -> tuple[_Format, Path] | None:
    if not path.exists():
        raise HistoryError(f"{path}: there is no such file or folder", "check the path")
    if path.is_dir():
        if etcd.recognise_folder(path):
            return _FORMATS[0], path
        path = path / "history.edn"
        if not path.exists():
            return None
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES).decode("utf-8", errors="replace")
    except OSError as error:
        raise HistoryError(
            f"{path}: cannot be read ({error.strerror})", "check its rights"
        ) from error
    return next(((form, path) for form in _FORMATS if form.recognise(head)), None)
