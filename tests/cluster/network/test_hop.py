"""The hop takes commands, one JSON object a line, and says what it does not understand."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from statedrill.cluster.network.hop import Hop


def do(*commands: dict[str, Any]) -> dict[str, Any]:
    async def play() -> dict[str, Any]:
        hop = Hop()
        return [await hop.do(command) for command in commands][-1]

    return asyncio.run(play())


def test_a_hop_without_links_describes_none() -> None:
    assert do({"do": "describe"}) == {}


@pytest.mark.parametrize(
    "command",
    [
        {},
        {"do": "delay"},
        {"do": "delay", "link": "nowhere", "delay_s": 1.0},
        {"do": "open", "link": "a/x"},
        {"do": "open", "link": "a/x", "listen": 5, "target": ["h", 1]},
    ],
)
def test_a_command_that_is_not_understood_is_an_error(command: dict[str, Any]) -> None:
    with pytest.raises((KeyError, TypeError, ValueError)):
        do(command)
