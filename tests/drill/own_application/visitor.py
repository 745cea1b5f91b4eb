"""A visitor who sets preferences and fills a cart, and needs nothing else."""

from __future__ import annotations

from locust import task

from statedrill.load import StatefulUser


class VisitorOfSmall(StatefulUser):
    @task
    def choose(self) -> None:
        self.put("preferences", {"page": self.dice.randint(1, 9)})
        self.read("preferences")

    @task
    def fill(self) -> None:
        self.add("cart", "tea")
        self.read("cart")
