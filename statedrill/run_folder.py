"""The folder of one run: how it is named, and how its plan and its verdict are read and written.

Every stage reads what the one before has written there. Knows the names and the shape of the
files; does not know what they mean.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

from statedrill.errors import InputError
from statedrill.plan.record import PlanRecord
from statedrill.records import problem

PLAN_SCHEMA = 1
PLAN_FILE = "plan.json"
VERDICT_FILE = "verdict.json"
LOGS_FOLDER = "logs"

_RESTORE = "restore it from a copy, or repeat the drill"
_MOST_S = 1e9


def open_folder(reports: Path, title: str) -> Path:
    """Make a new folder `reports/<UTC time>-<title>`; another number when it exists already.

    Raises:
        InputError: it cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    try:
        reports.mkdir(parents=True, exist_ok=True)
        for attempt in range(100):
            folder = reports / f"{stamp}-{title}{f'-{attempt}' if attempt else ''}"
            with suppress(FileExistsError):
                folder.mkdir()
                return folder.resolve()
    except (FileExistsError, NotADirectoryError, PermissionError) as error:
        raise InputError(
            f"{reports}: no run folder can be made here ({error.strerror})",
            "choose another place with --reports DIR",
        ) from error
    raise InputError(f"{reports}: a hundred folders of this second exist", "try again")


def read_plan(folder: Path) -> PlanRecord:
    """The content of `folder`'s plan.json, with every key that a plan must have.

    Raises:
        InputError: the folder is no run folder, or its plan is damaged or of another schema.
    """
    path = folder / PLAN_FILE
    try:
        content = json.loads(path.read_bytes())
    except OSError as error:
        raise InputError(
            f"{folder}: not a run folder (no {PLAN_FILE})",
            "name a folder that `statedrill run` wrote, such as reports/<time>-<pattern>-…",
        ) from error
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path}: damaged: {error}", _RESTORE) from error
    if not isinstance(content, dict) or content.get("schema") != PLAN_SCHEMA:
        raise InputError(
            f"{path}: not a plan of schema {PLAN_SCHEMA}", "read it with the version that wrote it"
        )
    # Without its promise, say, a run would be judged as one that promised nothing.
    if wrong := problem(content, PlanRecord) or _impossible(content):
        raise InputError(f"{path}: damaged: {wrong}", _RESTORE)
    return cast(PlanRecord, content)


def write_verdict(folder: Path, verdict: Mapping[str, Any]) -> Path:
    """Write verdict.json, whole or not at all."""
    path = folder / VERDICT_FILE
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(verdict, indent=1, default=str) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return path


def write_log(folder: Path, name: str, text: str) -> Path:
    """Write a file into the folder of logs, which an old or copied run may not have."""
    path = folder / LOGS_FOLDER / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def _impossible(value: object, place: str = "") -> str | None:
    """The first number of a plan that counts or measures nothing, with its place, in words."""
    if isinstance(value, Mapping):
        inside = ((f"{place}.{key}" if place else str(key), each) for key, each in value.items())
        return next(filter(None, (_impossible(each, at) for at, each in inside)), None)
    most = _MOST_S if place.endswith("_s") else math.inf
    if isinstance(value, int | float) and not 0 <= value <= most:
        return f"{place}: {value} is no possible value"
    return None
