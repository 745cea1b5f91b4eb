"""Where patterns, experiments, scenarios and profiles are found: by name, or by path.

A name is looked up beside the code (a checkout) or in the wheel's own copy; anything with a
slash or an ending is a path of the user's. Reads first lines only; validates nothing.
"""

from __future__ import annotations

import ast
import difflib
from dataclasses import dataclass
from pathlib import Path

import yaml

from statedrill.errors import InputError

_PACKAGE = Path(__file__).resolve().parents[1]
_CHECKOUT = _PACKAGE.parent
_SHARE = _PACKAGE / "share"


@dataclass(frozen=True)
class FileKind:
    """One kind of file: where it stands in a checkout and in a wheel, and its ending."""

    kind: str
    folder: str
    suffixes: tuple[str, ...]


FILE_KINDS = {
    file_kind.kind: file_kind
    for file_kind in (
        FileKind("pattern", "reference_app/patterns", (".yaml", ".yml")),
        FileKind("scenario", "scenarios", (".py",)),
        FileKind("profile", "scenarios/profiles", (".py",)),
        FileKind("experiment", "experiments", (".yaml", ".yml", ".json")),
    )
}


@dataclass(frozen=True)
class Entry:
    """A file that can be named on the command line, with its one-line description."""

    kind: str
    name: str
    path: Path
    description: str


def find(kind: str, name: str) -> Path:
    """The file of `kind` called `name`, or the path `name` itself.

    Raises:
        InputError: there is no such file; says which names exist.
    """
    file_kind = FILE_KINDS[kind]
    if "/" in name or name.endswith(file_kind.suffixes):
        if path := _existing(name):
            return path
        raise InputError(f"{name}: no such {kind} file", f"name a file or a known {kind}")
    for path in _files(file_kind):
        if path.stem == name:
            return path
    known = [path.stem for path in _files(file_kind)]
    close = difflib.get_close_matches(name, known, 1)
    raise InputError(
        f"there is no {kind} named '{name}'",
        f"did you mean '{close[0]}'?" if close else f"choose one of: {', '.join(known)}",
    )


def entries(kind: str) -> list[Entry]:
    """Every file of `kind` that comes with statedrill, in the order of their names."""
    return [Entry(kind, path.stem, path, _description(path)) for path in _files(FILE_KINDS[kind])]


def _existing(name: str) -> Path | None:
    try:
        path = Path(name).expanduser().resolve()
        return path if path.is_file() else None
    except (OSError, RuntimeError):  # too long a name, or the home of an unknown user
        return None


def _files(file_kind: FileKind) -> list[Path]:
    for folder in (_CHECKOUT / file_kind.folder, _SHARE / file_kind.folder):
        found = [
            path
            for path in sorted(folder.glob("*"), key=lambda each: each.stem)
            if path.suffix in file_kind.suffixes and not path.name.startswith("_")
        ]
        if found:
            return found
    return []


def _description(path: Path) -> str:
    """The file's own description, or why it has none: one broken file must not hide the others."""
    try:
        text = path.read_text(encoding="utf-8")
        if path.suffix == ".py":
            description = ast.get_docstring(ast.parse(text))
        else:
            content = yaml.safe_load(text)
            description = content.get("description") if isinstance(content, dict) else None
    except (OSError, SyntaxError, ValueError, MemoryError, RecursionError, yaml.YAMLError) as error:
        return f"(cannot be read: {' '.join(str(error).split())[:80]})"
    return str(description or "").strip().partition("\n")[0]
