from __future__ import annotations

import resource

import pytest

from statedrill.processes.open_files import greatest_file_limit, raise_file_limit

NONE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("soft", "hard", "raised_to"),
    [
        (1_024, 20_000, 20_000),
        (1_024, NONE, 65_536),  # a limit is needed: programs walk through all numbers below it
        (1_024, 1_000_000, 65_536),
        (20_000, 20_000, None),
        (100_000, NONE, None),  # never lowered
        (NONE, NONE, None),
    ],
)
def test_the_limit_is_raised_to_the_greatest_that_is_allowed(
    soft: int, hard: int, raised_to: int | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    taken: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "getrlimit", lambda _: (soft, hard))
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: taken.append(limits))
    raise_file_limit()
    assert taken == ([] if raised_to is None else [(raised_to, hard)])
    assert greatest_file_limit() == (raised_to or min(hard if hard != NONE else 65_536, 65_536))
