"""Run the benchmarks: `python -m tests.benchmarks [group …]`, or `make bench ONLY=load`.

Each `bench_<group>.py` has `bench()`, which returns figures whose names end in their unit; what
takes too long for every run is in `bench_alone()`, for a group that is named. Ratios come from one
run with both sides on the same machine; absolute figures are for reading only.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path

from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
RESULTS = HERE.parent.parent / "reports" / "bench" / "results.json"


def main(wanted: list[str]) -> int:
    """Run the groups in `wanted` (none: all), print a table, write results.json."""
    groups = [path.stem.removeprefix("bench_") for path in sorted(HERE.glob("bench_*.py"))]
    unknown = set(wanted) - set(groups)
    if unknown:
        print(f"no benchmark named {', '.join(sorted(unknown))}; there are: {', '.join(groups)}")
        return 104
    console = Console(highlight=False)
    results = _earlier_results()
    for group in wanted or groups:
        console.print(f"measuring {group} …")
        begin = time.monotonic()
        module = importlib.import_module(f"tests.benchmarks.bench_{group}")
        figures = module.bench()
        if wanted and hasattr(module, "bench_alone"):
            figures |= module.bench_alone()
        results.update(figures)
        table = Table("figure", "value", title=f"{group} ({time.monotonic() - begin:.0f} s)")
        for name, value in figures.items():
            table.add_row(name, f"{value:,.3f}")
        console.print(table)
    RESULTS.parent.mkdir(parents=True, exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1, sort_keys=True) + "\n")
    console.print(f"written: {RESULTS}", soft_wrap=True)
    return 0


def _earlier_results() -> dict[str, float]:
    """What groups that are not measured now gave last time."""
    try:
        return dict(json.loads(RESULTS.read_text()))
    except (OSError, ValueError):
        return {}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
