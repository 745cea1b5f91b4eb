"""Compares two sets of verdicts: what a change to the checker changed, verdict by verdict.

`python -m tools.compare_verdicts record OUT INPUT…` judges every run folder and every foreign
history below the inputs with `--statedrill COMMAND` (another checkout's, for instance) and writes
one JSON line each; `python -m tools.compare_verdicts compare BEFORE AFTER` names each difference.
The runs are copied before they are judged: nothing is written into the inputs.
"""

from __future__ import annotations

import argparse
import csv
import json
import shlex
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

Verdicts = dict[str, dict[str, Any]]


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0, or 1 where verdicts differ or are missing on one side."""
    parser = argparse.ArgumentParser(prog="compare_verdicts", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    recording = verbs.add_parser("record")
    recording.add_argument("out", type=Path)
    recording.add_argument("inputs", type=Path, nargs="+")
    recording.add_argument("--statedrill", default=f"{sys.executable} -m statedrill")
    comparing = verbs.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    chosen = parser.parse_args(arguments)
    if chosen.verb == "record":
        print(f"{record(chosen.out, chosen.inputs, shlex.split(chosen.statedrill))} verdicts")
        return 0
    lines = differences(_read(chosen.before), _read(chosen.after))
    print("\n".join(lines))
    return 0 if len(lines) == 1 else 1


def record(out: Path, inputs: Sequence[Path], command: Sequence[str]) -> int:
    """Judge everything below `inputs` with `command`; returns the number of verdicts."""
    found = [each for folder in inputs for each in _judgeable(folder)]
    with ThreadPoolExecutor(2) as pool:
        verdicts = list(pool.map(lambda each: _verdict(each, command), found))
    with out.open("w", encoding="utf-8") as file:
        for path, verdict in zip(found, verdicts, strict=True):
            name = "/".join(path.parts[-3:])
            file.write(json.dumps({"history": name, "verdict": verdict}, sort_keys=True) + "\n")
    return len(found)


def differences(before: Verdicts, after: Verdicts) -> list[str]:
    """One line for the sum, and one for each key whose value differs."""
    lines = []
    outcomes: Counter[str] = Counter()
    differing = 0
    for name in sorted(before.keys() | after.keys()):
        if name not in before or name not in after:
            lines.append(f"{name}: only {'after' if name in after else 'before'}")
            continue
        outcomes[str(after[name].get("outcome"))] += 1
        found = list(_differing(before[name], after[name]))
        differing += bool(found)
        lines += [f"{name}: {each}" for each in found]
    counted = ", ".join(f"{count} {outcome}" for outcome, count in sorted(outcomes.items()))
    both = len(before.keys() & after.keys())
    return [f"{both} verdicts ({counted}): {both - differing} identical", *lines]


def _judgeable(folder: Path) -> Iterator[Path]:
    manifest = folder / "manifest.tsv"
    if manifest.exists():
        with manifest.open(encoding="utf-8", newline="") as file:
            rows = [folder / row["file"] for row in csv.DictReader(file, delimiter="\t")]
        # The files of an etcd run are judged together: the record of all its clients.
        yield from dict.fromkeys(
            path.parents[1] if "etcd-robustness" in path.parts else path for path in rows
        )
    else:
        yield from sorted(path.parent for path in folder.rglob("plan.json"))


def _verdict(history: Path, command: Sequence[str]) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as scratch:
        judged = history
        if (history / "plan.json").exists():
            judged = Path(shutil.copytree(history, Path(scratch) / history.name))
        done = subprocess.run(
            [*command, "check", str(judged), "--json"], capture_output=True, text=True, check=False
        )
    if not done.stdout.strip():
        return {"outcome": None, "exit": done.returncode, "stderr": done.stderr[-400:]}
    verdict: dict[str, Any] = json.loads(done.stdout)
    return {**verdict, "exit": done.returncode}


def _differing(before: Any, after: Any, key: str = "") -> Iterator[str]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for each in sorted(before.keys() | after.keys()):
            missing = "(absent)"
            yield from _differing(
                before.get(each, missing), after.get(each, missing), f"{key}.{each}".lstrip(".")
            )
    elif isinstance(before, list) and isinstance(after, list) and len(before) == len(after):
        for number, pair in enumerate(zip(before, after, strict=True)):
            yield from _differing(*pair, f"{key}[{number}]")
    elif before != after:
        yield f"{key}: {_short(before)} -> {_short(after)}"


def _short(value: Any) -> str:
    text = json.dumps(value)
    return text if len(text) < 120 else f"{text[:117]}..."


def _read(path: Path) -> Verdicts:
    with path.open(encoding="utf-8") as file:
        rows = [json.loads(line) for line in file]
    return {row["history"]: row["verdict"] for row in rows}


if __name__ == "__main__":
    raise SystemExit(main())
