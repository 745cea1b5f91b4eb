"""A reader: articles, recommendations from what was read, and now and then a small picture.

Use it with Locust alone (`locust -f scenarios/reader.py,scenarios/profiles/steady.py`) or in a
drill, alone or beside the shopper.
"""

from __future__ import annotations

from locust import task

from statedrill.load import StatefulUser


class Reader(StatefulUser):
    """Reads an article, looks at what comes next, and comes back another day."""

    @task(6)
    def read_an_article(self) -> None:
        self.append("history", f"article-{self.dice.randint(1, 500)}")
        if self.dice.random() < 0.6:
            self.read("history", at_once=True)

    @task(3)
    def look_at_recommendations(self) -> None:
        self.recommendations()

    @task(2)
    def show_a_picture(self) -> None:
        name = self.dice.choice(("portrait", "banner"))
        self.upload(name)
        self.download(name)

    @task(1)
    def read_in_the_dark(self) -> None:
        self.put("preferences", {"theme": self.dice.choice(("light", "dark"))})
        self.read("preferences")

    @task(1)
    def come_back_another_day(self) -> None:
        self.come_back()
        self.read("history")
