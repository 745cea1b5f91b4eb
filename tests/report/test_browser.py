"""The pages in a real browser: no page is wider than a phone, in any of its parts."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from statedrill.report.comparison.page import load_runs, write_comparison
from statedrill.report.run.outputs import write_report
from tests.report.runs import write_run

BROWSER = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif(BROWSER is None, reason="there is no Chromium on PATH"),
]

# Headless Chromium has no window narrower than about 500 pixels, so the page stands in a frame.
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe style="border:0;width:{width}px;height:900px" srcdoc="{page}"></iframe><script>
addEventListener("load", () => {{
  const page = document.querySelector("iframe").contentDocument;
  page.querySelectorAll("details").forEach(each => each.open = true);
  const wide = [...page.querySelectorAll("body *")].filter(each =>
    each.getBoundingClientRect().right > page.documentElement.clientWidth + 1
    && !each.parentElement.closest(".scroll") && !each.closest(".skip, .unseen")
    && !each.ownerSVGElement);  // what is within a drawing is cut at its edges
  document.title = "width=" + page.documentElement.scrollWidth + " wide=" +
    wide.slice(0, 5).map(each => each.tagName + "." + each.className).join(",") + ";";
}});
</script>"""


def assert_fits(page: Path, width: int, tmp_path: Path) -> None:
    """Nothing of `page` reaches beyond a screen of `width` pixels; tables scroll in their box."""
    text = page.read_text().replace("&", "&amp;").replace('"', "&quot;")
    frame = tmp_path / f"frame-{width}.html"
    frame.write_text(FRAME.format(width=width, page=text))
    done = subprocess.run(_command(frame, tmp_path), capture_output=True, text=True, timeout=120,
                          check=True)  # fmt: skip
    found = re.search(r"<title>width=(\d+) wide=([^;]*);</title>", done.stdout)
    assert found, done.stdout[:300] + done.stderr[-300:]
    assert found[2] == ""
    assert int(found[1]) <= width


def _command(frame: Path, tmp_path: Path) -> Sequence[str]:
    assert BROWSER is not None
    quiet = ("--no-first-run", "--disable-background-networking", "--disable-component-update",
             "--disable-sync", "--disable-quic", "--disable-gpu")  # fmt: skip
    return (BROWSER, "--headless", "--no-sandbox", *quiet, f"--user-data-dir={tmp_path}/profile",
            "--window-size=1000,1000", "--virtual-time-budget=3000", "--dump-dom",
            frame.as_uri())  # fmt: skip


@pytest.mark.parametrize("width", [320, 390, 768])
def test_the_report_of_a_run_is_no_wider_than_the_screen(tmp_path: Path, width: int) -> None:
    page = write_report(write_run(tmp_path / "run"))
    assert_fits(page, width, tmp_path)


@pytest.mark.parametrize("width", [320, 768])
def test_a_comparison_is_no_wider_than_the_screen(tmp_path: Path, width: int) -> None:
    runs = [write_run(tmp_path / name, "sticky", name) for name in ("none", "zone-outage")]
    page = write_comparison(tmp_path / "comparison", load_runs(runs))
    assert_fits(page, width, tmp_path)


def test_a_long_name_makes_no_page_wider(tmp_path: Path) -> None:
    name = "a-very-" * 30 + "x" * 200
    page = write_report(write_run(tmp_path / "run", summary=f"{name} lost nothing.", why=[name]))
    assert_fits(page, 320, tmp_path)
