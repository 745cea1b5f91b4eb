"""The verdict for a reader: pages, a summary, JUnit's XML, and the terminal's table.

Everything here is made from a run's folder alone; nothing is judged again. The entries are
loaded on first use, because pandas and matplotlib are slow to import and the terminal needs
neither.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statedrill.report.comparison.page import write_comparison
    from statedrill.report.run.page import write_report
    from statedrill.report.text.terminal import terminal_table, text_summary

__all__ = ["terminal_table", "text_summary", "write_comparison", "write_report"]

_HOMES = {
    "write_report": "run.page",
    "write_comparison": "comparison.page",
    "terminal_table": "text.terminal",
    "text_summary": "text.terminal",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
