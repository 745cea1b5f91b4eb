"""What is written about one run, from its folder alone: one function and one row for each file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from types import MappingProxyType

from statedrill.report.html import write_text
from statedrill.report.run.page import page_of_run
from statedrill.report.run_data import Run, load_run
from statedrill.report.text.junit import junit_of_run
from statedrill.report.text.markdown import summary_of_run

PAGE = "report.html"
OUTPUTS: Mapping[str, Callable[[Run], str]] = MappingProxyType(
    {
        "summary.md": summary_of_run,
        "junit.xml": junit_of_run,
        # Last: a run that has its page has all the others.
        PAGE: page_of_run,
    }
)
"""Every file of a report: its name in the run's folder -> its text."""


def write_report(run_folder: Path) -> Path:
    """Write every output into `run_folder`; returns the page's path.

    A folder that lacks something still gets its report, which says what is missing.

    Raises:
        InputError: not the folder of a run, or plan.json or verdict.json is damaged.
        HistoryError: the events are damaged.
    """
    return write_run_report(load_run(run_folder))


def write_run_report(run: Run) -> Path:
    """Write the files of `write_report` for a run that is loaded already."""
    for name, text_of in OUTPUTS.items():
        write_text(run.folder / name, text_of(run))
    return run.folder / PAGE
