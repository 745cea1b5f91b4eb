"""Services of AWS without processes, for tests of faults."""

from __future__ import annotations

from statedrill.errors import ClusterError


class FakeQueue:
    """A queue whose consumer deletes at once, but for what it cannot apply."""

    def __init__(self, name: str, max_receive_count: int | None = 3) -> None:
        self.name, self.visibility_s, self.max_receive_count = name, 30, max_receive_count
        self.seconds, self.letters, self.moved = 30, list[str](), 0
        self.on_the_way, self.consumer_waits = list[str](), False
        self.consumer_drops_what_it_cannot_apply = False
        self.arriving, self.kept = ["first", "second"], ""

    def visibility_timeout(self) -> int:
        return self.seconds

    def set_visibility_timeout(self, seconds: int) -> None:
        self.seconds = seconds

    def send_marked(self, body: str) -> str:
        if not self.consumer_drops_what_it_cannot_apply:
            self.on_the_way.append(f"mark of {body}")
        if not self.consumer_waits:
            self.consume()
        return f"mark of {body}"

    def consume(self) -> None:
        self.letters, self.on_the_way = self.letters + self.on_the_way, []

    def depth(self) -> int:
        return len(self.on_the_way)

    def receive(self, visibility_s: int) -> tuple[str, str, str] | None:
        if not self.arriving:
            return None
        self.kept, self.arriving = self.arriving[0], self.arriving[1:]
        return self.kept, "group", f"receipt of {self.kept}"

    def hide(self, receipt: str, seconds: int) -> None:
        if receipt != f"receipt of {self.kept}":
            raise ClusterError("it is not there")
        if seconds == 0:
            self.arriving, self.kept = [self.kept, *self.arriving], ""

    def waiting(self) -> int:
        return len(self.arriving)

    def dead_letters(self) -> int:
        return len(self.letters)

    def has_dead_letter(self, mark: str) -> bool:
        return mark in self.letters

    def delete_dead_letter(self, mark: str) -> bool:
        was_there = mark in self.letters
        self.letters = [each for each in self.letters if each != mark]
        return was_there

    def redrive(self) -> int:
        self.moved, self.letters = self.moved + len(self.letters), []
        return self.moved


class FakeApis:
    """Two APIs behind a proxy; each answers every second call with the error that is set."""

    apis: tuple[str, ...]

    def __init__(self) -> None:
        self.is_there, self.calls = True, 0
        self.errors: dict[str, int] = {}

    def is_healthy(self) -> bool:
        return self.is_there

    def state(self) -> object:
        """Everything that a fault may change."""
        return dict(self.errors)

    def api_errors(self) -> dict[str, int]:
        return dict(self.errors)

    def set_api_error(self, error: str, percentage: int) -> None:
        for api in self.apis:
            self.errors.pop(f"{api}.{error}", None)
            if percentage:
                self.errors[f"{api}.{error}"] = percentage

    def probe_apis(self) -> dict[str, tuple[int, str]]:
        self.calls += 1
        return {api: self._answer(api) for api in self.apis}

    def _answer(self, api: str) -> tuple[int, str]:
        if self.errors and self.calls % 2 == 0:
            answers = {
                "s3.throttled": (503, "<Code>SlowDown</Code>"),
                "s3.silent": (0, ""),
                "sns.throttled": (400, "<Code>Throttling</Code>"),
                "sqs.throttled": (400, '"com.amazonaws.sqs#RequestThrottled"'),
                "sns.failed": (500, "<Code>InternalError</Code>"),
                "sqs.failed": (500, '"com.amazonaws.sqs#InternalError"'),
            }
            return next(answers[key] for key in self.errors if key.startswith(api))
        return 200, "fine"


class FakeStorage(FakeApis):
    """A bucket."""

    apis = ("s3",)


class FakeQueues(FakeApis):
    """Two queues of which the second has a dead-letter queue."""

    apis = ("sns", "sqs")

    def __init__(self) -> None:
        super().__init__()
        self.made = {"audit": FakeQueue("audit", None), "state": FakeQueue("state")}

    def queues(self) -> dict[str, FakeQueue]:
        return self.made

    def fifo_queues(self) -> dict[str, FakeQueue]:
        return self.made

    def state(self) -> object:
        queues = self.made.values()
        return dict(self.errors), [(q.seconds, list(q.letters), list(q.arriving)) for q in queues]
