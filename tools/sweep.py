"""Plays every pattern under every experiment that applies, once: `make sweep`.

Each drill is a `statedrill run` of its own, with its folder in reports/sweep. What was played
stands in sweep.json there, so a sweep that was stopped goes on where it was. Writes table.md (what
was lost, verdict, availability, time to recover, time taken) and comparison/. A cell that is played
again says so in the table. When every cell of every pattern was played, the README's heat map is
made of them. Flags that it does not know are those of `statedrill run`.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path

from statedrill.cli.arguments import names
from statedrill.cli.planning import plans_of
from statedrill.errors import BROKEN, HELD, UNKNOWN, InputError
from statedrill.inputs import discovery
from statedrill.inputs.options import Options
from statedrill.inputs.pattern import Pattern
from statedrill.plan.plan import Plan
from statedrill.report.comparison.page import load_runs, write_comparison
from statedrill.report.formatting import Share, percent, seconds
from statedrill.report.run_data import Run
from statedrill.report.text.markdown import MARKS, row, text
from statedrill.run_folder import read_plan
from statedrill.vocabulary import FAMILIES
from tools.sweep_heatmap import write_heatmap

_PLAYED = (HELD, BROKEN, UNKNOWN)
_TITLES = ("pattern", "experiment", "verdict", "sessions lost", "acknowledged writes lost",
           "availability", "RTO", "took")  # fmt: skip

Impossible = Mapping[tuple[str, str], str]


@dataclass(frozen=True)
class Played:
    """A cell that was played: the name of its run's folder, the seconds that it took, and the how
    manieth drill of this cell it was.
    """

    pattern: str
    experiment: str
    run: str
    took_s: float
    attempt: int = 1

    @property
    def cell(self) -> tuple[str, str]:
        """Pattern and experiment."""
        return self.pattern, self.experiment


class Sweep:
    """The cells that were played so far, kept in `folder`/sweep.json."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._file = folder / "sweep.json"
        rows = json.loads(self._file.read_text()) if self._file.exists() else []
        played = [Played(**each) for each in rows]
        self.played = {each.cell: each for each in played if self._is_there(each)}
        self._writing = threading.Lock()

    def of_outcome(self, outcome: str) -> set[tuple[str, str]]:
        """The cells whose last drill came to `outcome`."""
        runs = self.runs()
        return {cell for cell, run in zip(self.played, runs, strict=True) if run.outcome == outcome}

    def play(self, plan: Plan, flags: Sequence[str]) -> int:
        """Play the cell of `plan` and keep it; the exit code of its drill."""
        before, began_s = set(self._folders(plan)), time.monotonic()
        words = ["run", "--headless", "--reports", str(self.folder)]
        words += ["--pattern", str(plan.pattern.path), "--experiment", str(plan.experiment.path)]
        code = statedrill([*words, *flags])
        made = [each for each in self._folders(plan) if each not in before]
        if code in _PLAYED and made:
            with self._writing:
                self._keep(cell_of(plan), made[0].name, round(time.monotonic() - began_s, 1))
        return code

    def _keep(self, cell: tuple[str, str], run: str, took_s: float) -> None:
        earlier = self.played.pop(cell, None)
        attempt = earlier.attempt + 1 if earlier else 1
        self.played[cell] = Played(*cell, run, took_s, attempt)
        self._write()

    def sort(self, cells: Sequence[tuple[str, str]]) -> None:
        """Have the cells in the order of `cells`, others behind them."""
        place = {cell: number for number, cell in enumerate(cells)}
        ordered = sorted(self.played, key=lambda cell: place.get(cell, len(place)))
        self.played = {cell: self.played[cell] for cell in ordered}

    def minutes(self) -> float:
        """What all drills took together."""
        return sum(each.took_s for each in self.played.values()) / 60

    def runs(self) -> list[Run]:
        """The last run of each cell, in the order in which they were played."""
        folders = [self.folder / each.run for each in self.played.values()]
        return load_runs(folders) if folders else []

    def _folders(self, plan: Plan) -> Iterable[Path]:
        """The folders of the runs of a cell that is not being played."""
        for each in self.folder.glob("*/plan.json"):
            with contextlib.suppress(InputError):  # a drill of another cell may be writing it
                made = read_plan(each.parent)
                if (made["pattern"]["name"], made["experiment"]["name"]) == cell_of(plan):
                    yield each.parent

    def _is_there(self, each: Played) -> bool:
        return (self.folder / each.run / "plan.json").exists()

    def _write(self) -> None:
        unfinished = self._file.with_suffix(".part")
        rows = [asdict(each) for each in self.played.values()]
        unfinished.write_text(json.dumps(rows, indent=1) + "\n")
        unfinished.replace(self._file)


def statedrill(words: Sequence[str]) -> int:
    """The exit code of the command with these words; what it says on standard error is seen."""
    command = [sys.executable, "-m", "statedrill", *words]
    return subprocess.run(command, stdout=subprocess.DEVNULL, check=False).returncode


def main(arguments: Sequence[str] | None = None) -> int:
    """Play what is left; the table is written after every drill, the comparison at the end."""
    parser = argparse.ArgumentParser(prog="python -m tools.sweep", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("reports/sweep"))
    parser.add_argument("--patterns", type=names, help="names with commas (all there are)")
    parser.add_argument("--experiments", type=names, help="names with commas (all there are)")
    parser.add_argument(
        "--at-once",
        type=int,
        default=1,
        metavar="N",
        help="drills at the same time (1); more than one make latencies worse",
    )
    parser.add_argument("--at-most", type=int, default=sys.maxsize, help="drills of this call")
    parser.add_argument("--again", choices=tuple(MARKS), help="play the cells of this verdict anew")
    chosen, flags = parser.parse_known_args(arguments)
    chosen.folder.mkdir(parents=True, exist_ok=True)
    sweep = Sweep(chosen.folder)
    plans, impossible = plans_of(
        Options(pattern=pattern, experiment=experiment)
        for experiment in chosen.experiments or every_experiment()
        for pattern in chosen.patterns or every_pattern()
    )
    done = sweep.played.keys() - (sweep.of_outcome(chosen.again) if chosen.again else set())
    left = [plan for plan in plans if cell_of(plan) not in done][: chosen.at_most]
    code = play_all(sweep, left, flags, chosen.at_once, impossible)
    if not sweep.played:
        return code
    sweep.sort([cell_of(plan) for plan in plans])
    print(write_table(sweep, impossible).read_text())
    print(write_comparison(sweep.folder / "comparison", sweep.runs(), impossible))
    whole = not (chosen.patterns or chosen.experiments)
    if whole and {cell_of(plan) for plan in plans} <= sweep.played.keys():
        write_heatmap(sweep.runs(), impossible, sweep.minutes())
    return HELD if code in _PLAYED else code


def play_all(
    sweep: Sweep, left: Sequence[Plan], flags: Sequence[str], at_once: int, impossible: Impossible
) -> int:
    """Play the cells of these plans; the first exit code that is no verdict ends that, and is
    returned: an interrupt, a wrong flag, or a crash of statedrill itself.
    """
    ended: list[int] = []

    def play(number: int, plan: Plan) -> None:
        if ended:
            return
        print(f"{number}/{len(left)} {' under '.join(cell_of(plan))}", flush=True)
        if (code := sweep.play(plan, flags)) not in _PLAYED:
            ended.append(code)
        else:
            write_table(sweep, impossible)

    with ThreadPoolExecutor(at_once) as pool:
        list(pool.map(play, range(1, len(left) + 1), left))
    return ended[0] if ended else HELD


def every_pattern() -> list[str]:
    """The names of the patterns that come with statedrill: sticky, distributed, decoupled."""
    families = {family: number for number, family in enumerate(FAMILIES)}
    found = [Pattern.read(each.path) for each in discovery.entries("pattern")]
    found.sort(key=lambda each: (families[each.family], each.name))
    return [each.name for each in found]


def every_experiment() -> list[str]:
    """The names of the experiments that come with statedrill, the one without a failure first."""
    return sorted(
        (each.name for each in discovery.entries("experiment")), key=lambda n: n != "none"
    )


def cell_of(plan: Plan) -> tuple[str, str]:
    """Pattern and experiment, by name."""
    return plan.pattern.name, plan.experiment.name


def write_table(sweep: Sweep, impossible: Impossible) -> Path:
    """Write table.md: a row for each cell, what was left out, and the whole time."""
    path = sweep.folder / "table.md"
    path.write_text(table([*sweep.played.values()], sweep.runs(), impossible))
    return path


def table(played: Sequence[Played], runs: Sequence[Run], impossible: Impossible) -> str:
    """The content of table.md."""
    lines = [row(*_TITLES), "|---|---|---|" + "--:|" * (len(_TITLES) - 3)]
    lines += [_line(each, run) for each, run in zip(played, runs, strict=True)]
    minutes = sum(each.took_s for each in played) / 60
    lines += ["", f"{len(played)} drills in {minutes:.0f} minutes."]
    for cell, why in impossible.items():
        lines.append(f"- left out: {text(' under '.join(cell))}: {text(why)}")
    return "\n".join(lines) + "\n"


def _line(each: Played, run: Run) -> str:
    verdict = run.verdict
    sessions, writes = verdict["sessions"], verdict["writes"]
    lost = [
        Share(sessions["lost"], sessions["total"]),
        Share(writes["lost"], writes["acknowledged"]),
    ]
    return row(
        each.pattern,
        each.experiment,
        MARKS[run.outcome] + (f", drill {each.attempt}" if each.attempt > 1 else ""),
        *(share.counted for share in lost),
        percent(verdict["availability"]["ratio"]),
        seconds(verdict["recovery"]["rto_availability_s"]),
        seconds(each.took_s),
    )


if __name__ == "__main__":
    raise SystemExit(main())
