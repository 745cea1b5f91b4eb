"""Turns a matplotlib drawing into inline SVG that follows the page: its colours, its font, its ids.

Colours are drawn as placeholders and replaced by the page's CSS variables, so that one drawing
serves light, dark and paper. Each picture is drawn twice, wide and narrow, and the style sheet
shows the one that fits. Knows nothing of what is drawn.
"""

from __future__ import annotations

import io
import re
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import matplotlib as mpl
from markupsafe import Markup, escape
from matplotlib.axes import Axes
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

# A placeholder per CSS variable of style.css; matplotlib needs real colours to draw with.
_ROLES = (
    "ink", "muted", "grid", "surface", "ok", "failed", "p50", "p99", "p95",
    "lost-writes", "lost-sessions", "stale", "fault", "phase",
)  # fmt: skip
COLOURS = {role: f"#0a0b{number:02x}" for number, role in enumerate(_ROLES, start=16)}
INK, MUTED, GRID, SURFACE = (COLOURS[role] for role in ("ink", "muted", "grid", "surface"))

WIDE, NARROW = 820, 370
_STYLE: dict[Any, Any] = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "text.parse_math": False,  # a name with two dollar signs is a name
    "font.size": 12,
    "text.color": INK,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": MUTED,
    "axes.facecolor": "none",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 12,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": GRID,
    "grid.linewidth": 0.8,
    "hatch.linewidth": 0.8,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelsize": 11,
    "ytick.labelsize": 11,
    "xtick.major.size": 3,
    "ytick.major.size": 0,
    "legend.frameon": False,
    "legend.fontsize": 11,
    "legend.borderpad": 0,
    "legend.borderaxespad": 0,
    "legend.handlelength": 1.5,
    "legend.columnspacing": 1.2,
    "lines.linewidth": 1.6,
    "path.simplify": True,
}


@dataclass(frozen=True)
class Canvas:
    """Where a drawing goes: a figure and its size in CSS pixels."""

    figure: Figure
    width: float
    height: float

    @property
    def narrow(self) -> bool:
        """True on the drawing for phones."""
        return self.width < 500


@dataclass(frozen=True)
class Subject:
    """What is drawn: a name that makes its ids unique on the page, title and text for those who
    do not see it, and the function that draws it.
    """

    name: str
    title: str
    text: str
    draw: Callable[[Canvas], None]


def picture(subject: Subject, height: float) -> Markup:
    """The wide and the narrow drawing of one picture, as HTML."""
    drawings = [
        Markup('<div class="{}">{}</div>').format(kind, drawing(subject, width, height, kind))
        for kind, width in (("wide", WIDE), ("narrow", NARROW))
    ]
    return Markup('<div class="picture">{}</div>').format(Markup("").join(drawings))


def drawing(subject: Subject, width: float, height: float, kind: str = "only") -> Markup:
    """One drawing of `width` by `height` CSS pixels as an <svg> element with title and text."""
    name = f"{subject.name}-{kind}"
    style = {**_STYLE, "svg.hashsalt": name}
    with mpl.rc_context(style), warnings.catch_warnings():
        # The browser draws the text, with fonts that matplotlib does not have.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        figure = Figure(figsize=(width / 72, height / 72), dpi=72)
        FigureCanvasSVG(figure)
        subject.draw(Canvas(figure, width, height))
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return _element(buffer.getvalue(), name, subject, f"0 0 {width:g} {height:g}")


def place(canvas: Canvas, left: float, top: float, right: float, bottom: float) -> Axes:
    """Axes whose edges lie this many CSS pixels within the drawing's edges."""
    across = (canvas.width - left - right) / canvas.width
    up = (canvas.height - top - bottom) / canvas.height
    return canvas.figure.add_axes((left / canvas.width, bottom / canvas.height, across, up))


_BODY = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_METADATA = re.compile(r"<metadata>.*?</metadata>", re.DOTALL)
_SHEET = re.compile(r"<defs>\s*<style.*?</style>\s*</defs>", re.DOTALL)
_ID = re.compile(r' id="([^"]*)"')
_USED = re.compile(r'(?:url\(#|href="#)([^")]*)')
_TAG = re.compile(r"<[^>]*>")
_DECIMALS = re.compile(r"(\d\.\d{2})\d+")
_FAMILY = re.compile(r"font-family: [^;\"]*;? ?")
_TURN = re.compile(r' transform="rotate\(-0 [^)]*\)"')


def _element(text: str, name: str, subject: Subject, box: str) -> Markup:
    body = _BODY.search(text)
    assert body is not None, "matplotlib wrote no <svg>"
    inner = _SHEET.sub("", _METADATA.sub("", body.group(1))).replace("xlink:href", "href")
    inner = _TAG.sub(lambda m: _DECIMALS.sub(r"\1", m[0]), inner)  # numbers in words stay whole
    inner = _FAMILY.sub("", _TURN.sub("", inner))
    inner = re.sub(r"\s*\n\s*", " ", inner)
    used = set(_USED.findall(inner))
    inner = _ID.sub(lambda m: f' id="{name}-{m[1]}"' if m[1] in used else "", inner)
    inner = re.sub(r"(url\(#|href=\"#)", rf"\g<1>{name}-", inner)
    for role, colour in COLOURS.items():
        inner = inner.replace(colour, f"var(--{role})")
    return Markup(
        f'<svg viewBox="{box}" role="img" aria-labelledby="{name}-title {name}-text">'
        f'<title id="{name}-title">{escape(subject.title)}</title>'
        f'<desc id="{name}-text">{escape(subject.text)}</desc>{inner}</svg>'
    )
