"""A page as a browser would see it, and a table as a reader looks something up in it."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from statedrill.report.table import Table


class Page(HTMLParser):
    """What a browser would see: ids, links, loads, words, and whether every tag is closed."""

    VOID = frozenset({"meta", "br", "link", "img", "input", "hr"})

    def __init__(self, text: str) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.links: list[str] = []
        self.loads: list[str] = []
        self.tags: list[str] = []
        self.words: list[str] = []
        self.open: list[str] = []
        self.labels: list[str] = []
        self.feed(text)
        self.close()

    @property
    def text(self) -> str:
        return re.sub(r"\s+", " ", " ".join(self.words))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        facts = {key: value or "" for key, value in attrs}
        self.tags.append(tag)
        if tag not in self.VOID:
            self.open.append(tag)
        self.ids += [facts["id"]] if "id" in facts else []
        self.labels += facts.get("aria-labelledby", "").split()
        if tag == "a":
            self.links.append(facts["href"])
        self.loads += [facts[key] for key in ("src", "data", "srcset", "poster") if key in facts]
        if tag in ("link", "script", "iframe"):
            self.loads.append(tag)
        self.loads += [key for key in facts if key.startswith("on")]

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in self.VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if not self.open or self.open[-1] not in ("style", "script"):
            self.words.append(data)


def row_of(table: Table, title: str) -> list[str]:
    """The texts of the row under `title`, without the title."""
    return next([cell.text for cell in row[1:]] for row in table.rows if row[0].text == title)
