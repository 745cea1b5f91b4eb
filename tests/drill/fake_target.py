"""A target without processes, for tests of the order of events: it notes what a drill asks of it.

The drill's children are scripts: what each does when it is started, and how long it lives.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from statedrill.history.events import Emit
from statedrill.history.recorder import Recorder


class Clock:
    """Stands for the module `time`: sleeping takes no time, and things happen on schedule."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, Callable[[], None]]] = []

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        for at, action in [each for each in self._due if each[0] <= self.now]:
            self._due.remove((at, action))
            action()

    def at(self, seconds: float, action: Callable[[], None]) -> None:
        self._due.append((seconds, action))


@dataclass
class FakeProcess:
    """A child of a drill: alive from its start until `lives_s` later, or until it is stopped."""

    clock: Clock
    log: Path
    lives_s: float | None
    code: int = 0
    on_start: Callable[[], None] = lambda: None
    stopped: bool = False
    ends_at: float = -1.0

    def start(self, timeout_s: float) -> None:
        self.ends_at = float("inf") if self.lives_s is None else self.clock.now + self.lives_s
        self.on_start()

    @property
    def alive(self) -> bool:
        return not self.stopped and self.clock.now < self.ends_at

    @property
    def exit_code(self) -> int | None:
        return None if self.alive else self.code

    def stop(self, grace_s: float = 2.0) -> None:
        self.stopped = True

    def log_tail(self, lines: int = 10) -> str:
        return "its last words"


@dataclass
class FakeTarget:
    """Notes in `asked` what was asked of it, in order, with the children that were started."""

    clock: Clock
    folder: Path
    emit: Emit
    children: Mapping[str, dict[str, Any]] = field(default_factory=dict)
    unhealthy: Sequence[str] = ()
    asked: list[str] = field(default_factory=list)
    processes: dict[str, FakeProcess] = field(default_factory=dict)
    url: str = "http://127.0.0.1:1"

    @property
    def control_file(self) -> Path:
        return self.folder / "control.json"

    @property
    def registry(self) -> FakeTarget:
        return self

    def process(self, name: str, *_: Any, **__: Any) -> FakeProcess:
        script = {"locust": {"lives_s": None}, "chaos": {"lives_s": 3.0}, "audit": {"lives_s": 1.0}}
        kind = name.partition("-")[0]
        words = {**script[kind], **self.children.get(kind, {})}
        on_start = words.pop("on_start", lambda: None)
        if kind == "locust":
            on_start = self._loading(on_start)

        def begin() -> None:
            self.asked.append(name)
            on_start()

        made = FakeProcess(self.clock, self.folder / f"{name}.log", on_start=begin, **words)
        self.processes[name] = made
        return made

    def _loading(self, then: Callable[[], None]) -> Callable[[], None]:
        def begin() -> None:
            with (self.folder / "history" / "load-0.jsonl").open("a") as file:
                file.write(json.dumps({"users": 10, "requests": 5}) + "\n")
            then()

        return begin

    def extra_address(self, port: int) -> tuple[str, int]:
        return "127.0.0.1", port

    def start(self) -> None:
        self.asked.append("start")

    def missing(self) -> list[str]:
        return list(self.unhealthy)

    def restore(self) -> list[str]:
        self.asked.append("restore")
        return []

    def settle(self, timeout_s: float) -> bool:
        self.asked.append("settle")
        return True

    def restart_instances(self, timeout_s: float) -> None:
        self.asked.append("restart")

    def stop(self) -> None:
        self.asked.append("stop")


def whole_record(folder: Path) -> None:
    """What a load process leaves that has ended in order."""
    with Recorder(folder / "history", "r1"):
        pass


def phases(folder: Path) -> Iterator[str]:
    for line in (folder / "history" / "events.jsonl").read_text().splitlines():
        if (event := json.loads(line))["event"] == "phase":
            yield event["phase"]
