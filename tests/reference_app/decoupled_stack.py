"""A decoupled deployment as processes: web, workers, PostgreSQL, topic and queues."""

from __future__ import annotations

import random
from pathlib import Path

from tests.reference_app.client import User, over_http
from tests.support.aws import Region
from tests.support.services import App, Postgres
from tests.support.waiting import wait_until

WORKER = "reference_app.worker"


class Stack:
    """One web process, workers by number, and what they need."""

    def __init__(
        self, folder: Path, postgres: Postgres, region: Region, store: str = "decoupled"
    ) -> None:
        self._folder = folder
        self.postgres = postgres
        self.region = region
        self.env = {**region.env, "DATABASE_URL": postgres.url, "SESSION_STORE": store}
        self.web = App(folder / "web", self.env)
        self.workers: list[App] = []

    def add_worker(self) -> App:
        folder = self._folder / f"worker{len(self.workers)}"
        worker = App(folder, self.env, WORKER)
        self.workers.append(worker)
        worker.start()
        return worker

    def user(self) -> User:
        one = User(over_http(self.web.url), name=f"d{random.getrandbits(40):x}-u1")
        one.sign_in()
        return one

    def drained(self) -> None:
        wait_until(lambda: self.region.depth() == 0, "the queues are empty", 30)

    def close(self) -> None:
        for one in (self.web, *self.workers):
            one.kill()


def healthy(app: App) -> None:
    probe = User(over_http(app.url))
    wait_until(lambda: probe.call("GET", "/health").status == 200, f"healthy\n{app.log()}")


def entries(user: User) -> list[str]:
    return [one["id"] for one in user.get("/history")["entries"]]
