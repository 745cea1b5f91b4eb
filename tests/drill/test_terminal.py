from __future__ import annotations

import io
from typing import Any, cast

import pytest
from rich.console import Console

from statedrill.drill.terminal import PlainObserver, event_sentence, terminal_observer
from statedrill.history.events import Event


def sentence(**event: Any) -> str:
    return event_sentence(cast(Event, {"t": 1, "wall": 1.0, **event}))


@pytest.mark.parametrize(
    ("event", "text"),
    [
        ({"event": "cluster-ready", "took_s": 1.26}, "cluster ready in 1.3 s"),
        (
            {"event": "fault-begin", "name": "stop_zone", "targets": ["cache-1", "i-1"]},
            "fault stop_zone: cache-1, i-1",
        ),
        ({"event": "fault-proof", "proved": True, "proof": "gone"}, "proved: gone"),
        ({"event": "fault-proof", "proved": False, "proof": "there"}, "NOT PROVED: there"),
        (
            {"event": "failover", "service": "cache", "from": "cache-1", "to": "cache-2"},
            "failover of the cache: cache-1 -> cache-2",
        ),
        ({"event": "experiment", "failed": ["a", "b"]}, "the experiment says: a; b"),
        ({"event": "experiment", "failed": []}, ""),
        ({"event": "process", "name": "cache-1"}, ""),
    ],
)
def test_what_matters_to_a_user_is_a_sentence_and_the_rest_is_silent(
    event: dict[str, Any], text: str
) -> None:
    assert sentence(**event) == text


def test_without_a_terminal_every_phase_is_a_line() -> None:
    out = io.StringIO()
    observer = terminal_observer("sticky-none", Console(file=out, width=80))
    assert isinstance(observer, PlainObserver)
    with observer as seen:
        seen.phase("warmup", None)
        seen.phase("baseline", 5.0)
        seen.note("[not markup]")
    lines = out.getvalue().splitlines()
    assert [line.split(" s  ")[1] for line in lines] == [
        "warming up",
        "baseline: nothing is broken yet (5 s)",
        "[not markup]",
        "done in 0 s",
    ]
