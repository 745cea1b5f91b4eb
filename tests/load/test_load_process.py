from __future__ import annotations

import json
from pathlib import Path

import gevent
import pytest

from statedrill.load.load_process import STRIDE, LoadProcess, new_recording, session_numbers
from statedrill.load.settings import Settings

SETTINGS = Settings(run="r")


def test_no_two_load_processes_make_the_same_session() -> None:
    made = [
        LoadProcess(SETTINGS, new_recording(SETTINGS), session_numbers(worker))
        for worker in (0, 1, STRIDE - 1)
    ]
    numbers = [each.session("http://127.0.0.1:1").number for each in made for _ in range(3)]
    assert len(set(numbers)) == 9
    assert min(numbers) == 1
    alone = LoadProcess(SETTINGS, new_recording(SETTINGS), session_numbers())
    assert [alone.session("http://127.0.0.1:1").number for _ in range(3)] == [1, 2, 3]


def test_the_record_is_handed_over_twice_a_second_and_a_line_written_each_second(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("statedrill.load.load_process._FLUSH_S", 0.01)
    settings = Settings(history=tmp_path, run="r")
    process = LoadProcess(
        settings,
        new_recording(settings),
        session_numbers(),
        planned=lambda: {"users": 3, "planned_rate": 3.0},
    )
    process.report()
    process.recording.write(tuple(range(21)))
    path = tmp_path / "operations-0.jsonl"
    with gevent.Timeout(5):
        while not (tmp_path / "load-0.jsonl").read_text() or "20]" not in path.read_text():
            gevent.sleep(0.005)
    process.close()
    process.close()
    line = json.loads((tmp_path / "load-0.jsonl").read_text().splitlines()[0])
    wanted = {"t", "wall", "worker", "users", "planned_rate", "requests", "errors", "p50_ms",
              "p99_ms", "sessions", "sessions_lost", "lag_ms_max", "cpu_pct"}  # fmt: skip
    assert wanted <= set(line)
    assert json.loads(path.read_text().splitlines()[-1]) == {"end": True, "rows": 1}
