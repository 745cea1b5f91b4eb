"""Rebuilds the track record: every planted bug in a real drill, and what was found of it.

`python -m tools.track_record` plays the drills, writes `tests/drill/track_record.json` and the
table in the README between its two marks; with `--table` it writes the table from the file.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from reference_app.bugs import BUGS
from tests.drill.bug_drills import PROOFS, play_all

ROOT = Path(__file__).resolve().parent.parent
README = ROOT / "README.md"
RECORD = ROOT / "tests" / "drill" / "track_record.json"
BEGIN, END = "<!-- track record: begin -->", "<!-- track record: end -->"
HEAD = (
    "| bug | what it does | to be found as | found | witness |",
    "|---|---|---|---|---|",
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write record and README, and print one line for each bug."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--table", action="store_true", help="play nothing, write the table only")
    if not parser.parse_args(arguments).table:
        record(play())
    text = README.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    README.write_text(f"{before}{BEGIN}\n{table(read_record())}\n{END}{after}")
    return 0


def play() -> list[dict[str, Any]]:
    """The rows of all proofs. Raises AssertionError for a bug that was not found as it must be."""
    rows = []
    with tempfile.TemporaryDirectory() as folder:
        drills = play_all(PROOFS, Path(folder))
        for proof in PROOFS:
            row = proof.proved(drills[proof].result())
            print(f"{row['bug']:<32} {row['class']:<17} {row['found']:>4}", flush=True)
            rows.append(row)
    return rows


def record(rows: list[dict[str, Any]]) -> None:
    """Keep the rows."""
    RECORD.write_text(json.dumps(rows, indent=1) + "\n")


def read_record() -> list[dict[str, Any]]:
    """The rows that are kept."""
    rows: list[dict[str, Any]] = json.loads(RECORD.read_text())
    return rows


def in_readme(text: str) -> str:
    """The table that stands between the marks."""
    return text.partition(BEGIN)[2].partition(END)[0].strip()


def table(rows: list[dict[str, Any]]) -> str:
    """The rows as a table in Markdown."""
    return "\n".join([*HEAD, *(_line(row) for row in rows)])


def _line(row: dict[str, Any]) -> str:
    bug = BUGS[row["bug"]]
    done = f"{row['most']}"
    if row["least"] < row["most"]:
        done = f"{row['least']} to {row['most']}"
    under = "" if row["experiment"] == "none" else f" under {row['experiment']}"
    cells = (
        f"`{bug.name}`",
        bug.description,
        " or ".join(bug.found_as),
        f"{row['class']}: {row['found']} of {done}, in {row['pattern']}{under}",
        row["witness"],
    )
    return f"| {' | '.join(cells)} |"


if __name__ == "__main__":
    raise SystemExit(main())
