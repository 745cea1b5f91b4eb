"""What a machine without room or files is told: one cause and one cure."""

from __future__ import annotations

import errno
import resource
import shutil
from pathlib import Path

import pytest

from statedrill.cluster.routing import haproxy
from statedrill.cluster.services.postgres import data_directory
from statedrill.errors import BAD_INPUT, MissingPart


def test_too_few_files_are_told_before_the_load_balancer_starts(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda _: (256, 256))
    with pytest.raises(MissingPart, match="only 256 files may be open") as caught:
        haproxy._maxconn()
    assert "ulimit -n" in caught.value.hint
    assert caught.value.exit_code == BAD_INPUT


@pytest.mark.parametrize(
    ("told", "number"),
    [("[Errno 28] No space left on device: 'b'", errno.ENOSPC), ("torn", errno.EIO)],
)
def test_a_copy_that_did_not_fit_says_so(
    told: str, number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def copytree(*_: object, **__: object) -> None:
        raise shutil.Error([("a", "b", told)])

    monkeypatch.setattr(data_directory, "template", lambda: tmp_path)
    monkeypatch.setattr(shutil, "copytree", copytree)
    with pytest.raises(OSError, match=str(tmp_path / "data")) as caught:
        data_directory.copy_template(tmp_path / "data")
    assert caught.value.errno == number
