"""The heat map of a sweep in the README: what each pattern lost under each experiment.

`make sweep` writes it between the README's two marks when every cell that applies was played.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from statedrill.report.comparison.heatmap import grid
from statedrill.report.comparison.overview import Square, squares_of
from statedrill.report.formatting import format_count
from statedrill.report.run_data import Run
from statedrill.report.text.markdown import row

README = Path(__file__).resolve().parent.parent / "README.md"
BEGIN, END = "<!-- sweep: begin -->", "<!-- sweep: end -->"
# By the steps of the comparison's colours: nothing, up to 14 %, up to 56 %, more.
_COLOURS = {"none": "", **dict(zip("012345678", "🟩🟨🟨🟨🟧🟧🟧🟥🟥", strict=True))}


def write_heatmap(
    runs: Sequence[Run],
    impossible: Mapping[tuple[str, str], str],
    minutes: float,
    readme: Path = README,
) -> None:
    """Put the heat map of `runs` between the marks of `readme`."""
    text = readme.read_text()
    before, after = text.partition(BEGIN)[0], text.partition(END)[2]
    readme.write_text(f"{before}{BEGIN}\n{heatmap(runs, impossible, minutes)}\n{END}{after}")


def heatmap(runs: Sequence[Run], impossible: Mapping[tuple[str, str], str], minutes: float) -> str:
    """The heat map in Markdown: experiments down, patterns across."""
    cells = grid(runs, lambda run: "", impossible)
    patterns = [name for name, _ in cells.rows]
    lines = [row("", *patterns), "|---|" + ":-:|" * len(patterns)]
    columns = zip(*squares_of(cells), strict=True)
    for (experiment, _), squares in zip(cells.columns, columns, strict=True):
        lines.append(row(experiment, *(_cell(square) for square in squares)))
    return "\n".join([*lines, "", _measured(runs, minutes)])


def _cell(square: Square) -> str:
    return f"{_COLOURS[square.step]} {square.text}{square.mark}".strip()


def _measured(runs: Sequence[Run], minutes: float) -> str:
    plans = [run.plan for run in runs if run.plan]
    hosts = sorted({f"{plan['host']['cores']} cores" for plan in plans})
    days = sorted({plan["created"][:10] for plan in plans})
    timings = sorted({plan["timings"]["column"] for plan in plans})
    return (
        "Per cent of sessions or of acknowledged writes lost, whichever is more; ✗: a promise was "
        "broken, ?: unknown, empty: nothing to break. Measured on one machine "
        f"({', '.join(hosts)}, delays `{'`, `'.join(timings)}`), each cell once: "
        f"{format_count(len(runs))} drills, together {minutes:.0f} minutes, "
        f"{' to '.join(dict.fromkeys((days[0], days[-1])))}. `make sweep` plays them anew."
    )
