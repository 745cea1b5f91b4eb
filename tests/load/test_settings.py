from __future__ import annotations

from pathlib import Path

import pytest

from statedrill.errors import InputError
from statedrill.load.settings import Settings, random_run


def test_settings_have_defaults_and_come_from_the_environment(tmp_path: Path) -> None:
    usual = Settings.from_environment({})
    assert (usual.pace_s, usual.connections, usual.timeout_s) == (1.0, "session", 10.0)
    assert usual.history is None
    assert usual.run.startswith("r")
    given = Settings.from_environment(
        {"STATEDRILL_HISTORY": str(tmp_path), "STATEDRILL_RUN": "r1", "STATEDRILL_SEED": "7",
         "STATEDRILL_PACE_S": "0", "STATEDRILL_CONNECTIONS": "request"}
    )  # fmt: skip
    assert (given.history, given.run, given.seed, given.pace_s) == (tmp_path, "r1", 7, 0.0)
    assert given.connections == "request"


def test_a_seed_is_taken_as_it_is_whatever_its_size() -> None:
    assert Settings.from_environment({"STATEDRILL_SEED": str(2**63 - 1)}).seed == 2**63 - 1
    with pytest.raises(InputError, match=r"SEED=7\.5: should be a whole number"):
        Settings.from_environment({"STATEDRILL_SEED": "7.5"})


def test_every_wrong_setting_is_named_at_once() -> None:
    wrong = {"STATEDRILL_PACE_S": "-1", "STATEDRILL_TIMEOUT_S": "soon", "STATEDRILL_SEED": "?"}
    wrong["STATEDRILL_CONNECTIONS"] = "x"
    with pytest.raises(InputError) as caught:
        Settings.from_environment(wrong)
    assert len(caught.value.problems) == 4
    for name in wrong:
        assert name in str(caught.value)


def test_a_run_id_is_new_each_time() -> None:
    assert len({random_run() for _ in range(50)}) == 50
    assert len(random_run()) == 7
