"""Fills the templates: one self-contained page from a context. Everything is escaped.

Knows the templates and the style sheet; knows neither runs nor verdicts.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import cache
from pathlib import Path

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from statedrill import __version__
from statedrill.report.glossary import glossary


def page(template: str, context: Mapping[str, object]) -> str:
    """The HTML of `template` (run.html, comparison.html)."""
    shared = {"style": _style(), "glossary": glossary(), "version": __version__}
    return _environment().get_template(template).render(**shared, **context)


def write_text(path: Path, text: str) -> Path:
    """Write the whole file or nothing of it: a reader never sees half a page."""
    unfinished = path.with_name(path.name + ".part")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)
    return path


def keep_units_together(text: str) -> str:
    """Prose in which a number and its unit stay on one line."""
    return re.sub(r"(?<=\d) (?=(?:%|ms|s)(?!\w))", "\N{NO-BREAK SPACE}", text)


@cache
def _environment() -> Environment:
    made = Environment(
        loader=PackageLoader("statedrill.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["keep_units_together"] = keep_units_together
    return made


@cache
def _style() -> Markup:
    # The style sheet is a file of ours, and the only text that is not escaped.
    return Markup((Path(__file__).parent / "templates" / "style.css").read_text(encoding="utf-8"))
