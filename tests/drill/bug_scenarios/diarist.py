"""A diarist: appends to the reading history and reads it back. Nothing is ever overwritten there,
so whatever goes wrong is still to be seen at the audit."""

from __future__ import annotations

from locust import task

from statedrill.load import StatefulUser


class Diarist(StatefulUser):
    @task(4)
    def write_on(self) -> None:
        self.append("history", f"article-{self.dice.randint(1, 500)}")

    @task(1)
    def read_back(self) -> None:
        self.read("history")
