"""Inline SVG: a whole drawing beside its golden copy, and what must hold for any matplotlib.

The golden copy is of one version of matplotlib, whose SVG the regular expressions of `svg.py` cut.
After an upgrade: look at the reports in a browser, then `python -m tests.report.figures.test_svg`.
"""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from statedrill.report.figures.svg import COLOURS, Canvas, Subject, drawing, picture, place

VERSION = ".".join(mpl.__version__.split(".")[:2])
GOLDEN = Path(__file__).with_name(f"golden-matplotlib-{VERSION}.svg")


def draw(canvas: Canvas) -> None:
    axes = place(canvas, 40, 20, 10, 30)
    axes.set_title("a < b & $c$")
    axes.plot([0, 1, 2], [1, 4, 2], color=COLOURS["p50"], marker="D", label="p50")
    axes.fill_between([0, 1, 2], [1, 2, 1], color=COLOURS["failed"], alpha=0.5, label="failed")
    axes.axvspan(0.5, 1.5, color=COLOURS["fault"], alpha=0.14, linewidth=0)
    axes.text(1, 3, "x → y", ha="center")
    axes.legend(loc="upper left")


SUBJECT = Subject("sample", "A <title>", "what it shows & more", draw)


@pytest.mark.skipif(not GOLDEN.exists(), reason=f"no golden drawing of matplotlib {VERSION}")
def test_a_drawing_is_its_golden_copy_to_the_last_letter() -> None:
    assert drawing(SUBJECT, 300, 170) + "\n" == GOLDEN.read_text(encoding="utf-8")


def test_a_drawing_is_whole_xml_with_a_title_and_a_text() -> None:
    root = ElementTree.fromstring(drawing(SUBJECT, 300, 170))
    title, text = root[0], root[1]
    assert (title.text, text.text) == ("A <title>", "what it shows & more")
    assert root.get("aria-labelledby") == f"{title.get('id')} {text.get('id')}"
    assert root.get("viewBox") == "0 0 300 170"


def test_every_colour_is_a_variable_of_the_page() -> None:
    text = drawing(SUBJECT, 300, 170)
    found = set(re.findall(r"#[0-9a-f]{6}\b", text))
    assert found == set()
    assert {"--p50", "--failed", "--fault", "--ink", "--muted", "--grid"} <= set(
        re.findall(r"var\((--[a-z0-9-]+)\)", text)
    )


def test_ids_are_of_the_drawing_alone_and_every_reference_leads_to_one() -> None:
    text = picture(SUBJECT, 170)
    ids = re.findall(r' id="([^"]*)"', text)
    used = re.findall(r'url\(#([^)]+)\)|href="#([^"]+)"', text)
    assert len(ids) == len(set(ids))
    assert all(each.startswith(("sample-wide-", "sample-narrow-")) for each in ids)
    assert {one or other for one, other in used} <= set(ids)


def test_nothing_of_matplotlibs_own_page_is_left() -> None:
    text = drawing(SUBJECT, 300, 170)
    for word in ("<metadata", "<style", "xlink", "<?xml", "DOCTYPE", "font-family", "\n"):
        assert word not in text


def test_the_words_stay_words_and_a_name_with_dollars_is_a_name() -> None:
    words = "".join(ElementTree.fromstring(drawing(SUBJECT, 300, 170)).itertext())
    assert "a < b & $c$" in words
    assert "x → y" in words


def test_coordinates_are_cut_and_numbers_in_words_are_not() -> None:
    subject = Subject("sample", "", "", lambda canvas: canvas.figure.text(0.123456, 0.5, "3.14159"))
    text = drawing(subject, 300, 170)
    assert ">3.14159<" in text
    assert not re.search(r"<[^>]*\d\.\d{3}", text)


def test_the_same_subject_is_drawn_the_same_way_twice() -> None:
    assert drawing(SUBJECT, 300, 170) == drawing(SUBJECT, 300, 170)


if __name__ == "__main__":
    GOLDEN.write_text(drawing(SUBJECT, 300, 170) + "\n", encoding="utf-8")
