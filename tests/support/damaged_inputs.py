"""Damaged input files and plans, for the tests and for the long run of `make prove`."""

from __future__ import annotations

import json
import shutil
import warnings
from pathlib import Path
from typing import Any

import yaml

from statedrill.errors import BAD_INPUT, InputError
from statedrill.inputs import discovery
from statedrill.inputs.options import Options
from statedrill.plan.plan import Plan, make_plan
from statedrill.run_folder import read_plan
from tests.support.commands import assert_one_clear_sentence, call
from tests.support.mutation import mutants
from tests.support.runs import small_run

INPUTS = ("pattern", "experiment", "experiment-json", "scenario", "profile")
_LONGEST_MESSAGE = 5000


def plan_with_damaged_inputs(kind: str, folder: Path, count: int, seed: int = 0) -> int:
    """Make plans of `count` damaged files of one kind in `folder`; how many were refused.

    Each is refused with an InputError, or makes a plan that can be written and read again.
    Whatever else is raised leaves this function.
    """
    option, path, content = _original(kind, folder)
    refused = 0
    for how, damaged in mutants(content, count, seed):
        path.write_bytes(damaged)
        words: dict[str, Any] = {option: str(path)}
        made = _plan_or_refusal(Options(**words))
        if isinstance(made, Plan):
            made.write(folder)
            assert read_plan(folder)["run"] == "r1", how
        else:
            refused += 1
            assert path.name in made.message, how
            assert made.hint, how
            assert len(str(made)) < _LONGEST_MESSAGE, how
    return refused


def check_with_damaged_plans(folder: Path, count: int, seed: int = 0) -> int:
    """`statedrill check` of a run in `folder` with `count` damaged plans; how many were refused.

    Each is refused in words that name the plan, or judged. Whatever else is raised leaves this
    function.
    """
    run = small_run(folder / "run")
    path = run / "plan.json"
    refused = 0
    for how, damaged in mutants(path.read_bytes(), count, seed):
        path.write_bytes(damaged)
        called = call("check", str(run), "--json")
        assert_one_clear_sentence(called)
        if called.code == BAD_INPUT:
            refused += 1
            assert path.name in called.err, how
    return refused


def _plan_or_refusal(options: Options) -> Plan | InputError:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own, about the text of a scenario
            return make_plan(options, "r1", "2026-01-01T00:00:00+00:00")
    except InputError as error:
        return error


def _original(kind: str, folder: Path) -> tuple[str, Path, bytes]:
    """The option of `kind`, the path for its damaged files, and what is to be damaged."""
    option, _, form = kind.partition("-")
    name = {"pattern": "decoupled", "experiment": "zone-outage", "scenario": "shopper"}
    source = discovery.find(option, name.get(option, "ramp"))
    content = source.read_bytes()
    if form == "json":
        content = json.dumps(yaml.safe_load(content), indent=1).encode()
    path = folder / (f"{source.stem}.json" if form else source.name)
    shutil.copy(source, path)
    return option, path, content
