"""Ctrl-C is heard from the first moment on, also while Python still loads the rest."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from statedrill.errors import HELD, INTERRUPTED

ROOT = Path(__file__).resolve().parents[2]
PAUSE = """
import sys, time
class Pause:
    def find_spec(self, name, path=None, target=None):
        if name == "{module}":
            print("loading", flush=True)
            time.sleep({pause_s})
sys.meta_path.insert(0, Pause())
"""


def entry() -> list[str]:
    """What the installed command does."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    module, _, function = project["scripts"]["statedrill"].partition(":")
    return [sys.executable, "-c", f"import sys, {module}; sys.exit({module}.{function}())"]


def begun(module: str, pause_s: float, folder: Path) -> subprocess.Popen[str]:
    """`statedrill list`, in the midst of loading `module`, which takes `pause_s` longer."""
    (folder / "sitecustomize.py").write_text(PAUSE.format(module=module, pause_s=pause_s))
    process = subprocess.Popen(
        [*entry(), "list"],
        env={**os.environ, "PYTHONPATH": str(folder)},
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "loading\n"
    return process


@pytest.mark.parametrize(
    "module", ["statedrill.cli.main", "argparse", "statedrill.inputs.discovery", "yaml"]
)
def test_ctrl_c_while_statedrill_loads_is_one_sentence(module: str, tmp_path: Path) -> None:
    with begun(module, 60, tmp_path) as process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, out, err) == (INTERRUPTED, "", "statedrill: interrupted\n")


def test_a_program_that_ignores_ctrl_c_ignores_it_while_it_loads(tmp_path: Path) -> None:
    ignored = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        process = begun("statedrill.inputs.discovery", 0.2, tmp_path)
    finally:
        signal.signal(signal.SIGINT, ignored)
    with process:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=30)
    assert (process.returncode, err) == (HELD, "")
    assert "sticky" in out
