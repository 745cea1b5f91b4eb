from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from statedrill.drill import live
from statedrill.drill.live import LiveFigures


def say(folder: Path, worker: int, **figures: Any) -> None:
    line = {"users": 10, "requests": 50, "errors": 1, "p99_ms": 5.0, "sessions_lost": 2, **figures}
    with (folder / f"load-{worker}.jsonl").open("a") as file:
        file.write(json.dumps(line) + "\n")


def test_the_newest_second_of_every_load_process_is_added_up(tmp_path: Path) -> None:
    say(tmp_path, 0, users=1)
    say(tmp_path, 0)
    say(tmp_path, 1, p99_ms=9.0)
    figures = LiveFigures(tmp_path)
    figures.update()
    assert (figures.users, figures.rate, figures.errors, figures.p99_ms) == (20, 100.0, 2.0, 9.0)
    assert (figures.processes, figures.silent, figures.sessions_lost) == (2, [], 4)


def test_a_load_process_that_is_silent_does_not_count_but_what_it_found_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    figures = LiveFigures(tmp_path)
    for worker in (0, 1, 10):
        say(tmp_path, worker)
    figures.update()
    now_s = time.monotonic() + live._SILENT_S
    monkeypatch.setattr(live.time, "monotonic", lambda: now_s)
    say(tmp_path, 1)
    figures.update()
    assert (figures.silent, figures.users, figures.sessions_lost) == ([0, 10], 10, 6)
    say(tmp_path, 0)
    figures.update()
    assert figures.silent == [10]
