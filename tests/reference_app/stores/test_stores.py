"""The table of stores: a new one is one module and one row."""

from __future__ import annotations

from pathlib import Path

import pytest

import reference_app
from reference_app.environment import Environment, SettingsError
from reference_app.stores import STORES
from reference_app.stores.base import Resources, SessionStore, StoreKind
from reference_app.stores.memory import MemoryStore
from tests.reference_app.client import User, running

HERE = Path(reference_app.__path__[0])


class PaperStore(MemoryStore):
    def __init__(self, ttl_s: float, ink: str) -> None:
        super().__init__(ttl_s)
        self.ink = ink


def connect(ink: str, resources: Resources) -> SessionStore:
    return PaperStore(resources.command_timeout_s, ink)


def read(environment: Environment) -> str:
    return environment.one_of("INK", ("blue", "black"), "blue")


PAPER = StoreKind("paper", ("INK",), read, connect)


@pytest.fixture
def paper(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(STORES, "paper", PAPER)


@pytest.mark.usefixtures("paper")
def test_a_store_is_chosen_by_its_row_and_has_its_own_settings() -> None:
    with running(SESSION_STORE="paper", INK="black") as app:
        store = app.app.shop.store
        assert isinstance(store, PaperStore)
        assert store.ink == "black"
        user = User(app.send)
        user.sign_in()
        assert user.put("/draft", 1).json()["ver"] == 1


@pytest.mark.usefixtures("paper")
def test_its_needs_and_its_settings_are_checked_with_all_others() -> None:
    with (
        pytest.raises(SettingsError, match="INK is not set, and SESSION_STORE=paper needs it"),
        running(SESSION_STORE="paper"),
    ):
        pass
    with (
        pytest.raises(SettingsError, match=r"PORT: .* INK: 'red' is none of blue, black"),
        running(SESSION_STORE="paper", INK="red", PORT="x"),
    ):
        pass


def test_no_module_but_the_table_names_a_store() -> None:
    modules = {f"reference_app.stores.{name}" for name in STORES}
    for path in HERE.rglob("*.py"):
        if path.parent.name in ("stores", "bugs"):  # a bug keeps state in a MemoryStore of its own
            continue
        assert not [module for module in modules if module in path.read_text()], path
