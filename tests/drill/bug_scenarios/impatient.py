"""A diarist who gives up after a second without an answer, and goes on over a new connection."""

from __future__ import annotations

import gevent
from locust import task

from statedrill.load import StatefulUser


class Impatient(StatefulUser):
    @task
    def write_on(self) -> None:
        with gevent.Timeout(1.0, False):
            self.append("history", f"article-{self.dice.randint(1, 500)}")
