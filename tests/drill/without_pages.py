"""The command line of statedrill, without the pages of a run: of many drills nobody reads them."""

from __future__ import annotations

import sys
from pathlib import Path

from statedrill.cli import verbs
from statedrill.cli.main import main


def write_no_report(folder: Path) -> Path:
    """Instead of the report."""
    return folder


if __name__ == "__main__":
    verbs._write_report = write_no_report
    sys.exit(main())
