"""The folder of one run: how it is named, and how its plan and its verdict are read and written.

Every stage meets the next at these files. Knows names and JSON; knows not what they say.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from statedrill.errors import InputError

PLAN_SCHEMA = 1
PLAN_FILE = "plan.json"
VERDICT_FILE = "verdict.json"


def open_folder(reports: Path, title: str) -> Path:
    """Make a new folder `reports/<UTC time>-<title>` that nobody else has.

    Raises:
        InputError: it cannot be made.
    """
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    for attempt in range(100):
        folder = reports / f"{stamp}-{title}{f'-{attempt}' if attempt else ''}"
        with suppress(FileExistsError):
            try:
                folder.mkdir(parents=True)
            except (NotADirectoryError, PermissionError) as error:
                raise InputError(
                    f"{reports}: no run folder can be made here ({error.strerror})",
                    "choose another place with --reports DIR",
                ) from error
            return folder.resolve()
    raise InputError(f"{reports}: a hundred folders of this second exist", "try again")


def read_plan(folder: Path) -> dict[str, Any]:
    """The content of `folder`'s plan.json.

    Raises:
        InputError: the folder is no run folder, or its plan is damaged or of another schema.
    """
    path = folder / PLAN_FILE
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(
            f"{folder}: not a run folder (no {PLAN_FILE})",
            "name a folder that `statedrill run` wrote, such as reports/<time>-<pattern>-…",
        ) from error
    except ValueError as error:
        raise InputError(f"{path}: damaged: {error}", "restore it, or repeat the drill") from error
    if not isinstance(content, dict) or content.get("schema") != PLAN_SCHEMA:
        raise InputError(
            f"{path}: not a plan of schema {PLAN_SCHEMA}", "read it with the version that wrote it"
        )
    # Without its promise a run would be judged as one that promised nothing.
    lacking = [each for each in ("pattern", "experiment", "load", "phases") if each not in content]
    if lacking:
        raise InputError(
            f"{path}: damaged: lacks {', '.join(lacking)}", "restore it, or repeat the drill"
        )
    return content


def write_verdict(folder: Path, verdict: Mapping[str, Any]) -> Path:
    """Write verdict.json, whole or not at all."""
    path = folder / VERDICT_FILE
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(verdict, indent=1, default=str) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return path
