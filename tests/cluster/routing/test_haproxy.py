"""What a load balancer needs of the machine."""

from __future__ import annotations

import resource

import pytest

from statedrill.cluster.routing import haproxy
from statedrill.errors import BAD_INPUT, MissingPart


def test_too_few_files_are_told_before_the_load_balancer_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    with pytest.raises(MissingPart, match="only 256 files may be open") as caught:
        haproxy.most_connections()
    assert "ulimit -n" in caught.value.hint
    assert caught.value.exit_code == BAD_INPUT
