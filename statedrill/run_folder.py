"""The folder of one run: how it is named, and the verdict in it.

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


def write_verdict(folder: Path, verdict: Mapping[str, Any]) -> Path:
    """Write verdict.json, whole or not at all."""
    path = folder / VERDICT_FILE
    unfinished = path.with_suffix(".part")
    unfinished.write_text(json.dumps(verdict, indent=1, default=str) + "\n", encoding="utf-8")
    unfinished.replace(path)
    return path
