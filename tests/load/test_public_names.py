"""What scenario and profile files import, and what that costs a process that asks for nothing."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any


def python(text: str) -> Any:
    """What a new interpreter prints as JSON; importing Locust here would replace `time.sleep`."""
    command = [sys.executable, "-c", f"import json, sys\n{text}"]
    return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)


def test_the_room_imports_no_locust_until_a_name_is_used() -> None:
    found = python(
        "import statedrill.load\n"
        "before = 'locust' in sys.modules\n"
        "statedrill.load.StatefulUser\n"
        "print(json.dumps([before, 'locust' in sys.modules]))"
    )
    assert found == [False, True]


def test_all_public_names_can_be_imported_and_no_other_exists() -> None:
    found = python(
        "import statedrill.load as load\n"
        "names = [getattr(load, name).__name__ for name in load.__all__]\n"
        "print(json.dumps([names, hasattr(load, 'UserActions')]))"
    )
    public = ["BreakpointProfile", "Profile", "StatefulUser", "statedrill.load.profiles.shapes"]
    assert found == [public, False]


def test_the_old_module_names_give_the_same_things() -> None:
    found = python(
        "from statedrill.load.user import StatefulUser\n"
        "from statedrill.load.profile import Profile\n"
        "from statedrill.load.breakpoint import BreakpointProfile\n"
        "from statedrill.load.shapes import ramp\n"
        "import statedrill.load as new\n"
        "print(json.dumps([new.StatefulUser is StatefulUser, new.Profile is Profile,\n"
        "    new.BreakpointProfile is BreakpointProfile, new.shapes.ramp is ramp]))"
    )
    assert found == [True] * 4
