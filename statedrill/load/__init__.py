"""The load generator: what scenario and profile files import, and the audit.

`from statedrill.load import StatefulUser, Profile, BreakpointProfile, shapes` is the public face.
The names are imported when a file asks for them: the first three import Locust, which replaces
`subprocess.Popen` and `time.sleep` in the whole process, so nothing but a Locust process may ask.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from statedrill.load.profiles import shapes as shapes
    from statedrill.load.profiles.profile import Profile as Profile
    from statedrill.load.users.breakpoint_profile import BreakpointProfile as BreakpointProfile
    from statedrill.load.users.user import StatefulUser as StatefulUser

_HOMES = {
    "StatefulUser": "statedrill.load.users.user",
    "Profile": "statedrill.load.profiles.profile",
    "BreakpointProfile": "statedrill.load.users.breakpoint_profile",
    "shapes": "statedrill.load.profiles.shapes",
}
__all__ = ["BreakpointProfile", "Profile", "StatefulUser", "shapes"]


def __getattr__(name: str) -> Any:
    """The public `name`, imported now."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module = import_module(_HOMES[name])
    return module if name == "shapes" else getattr(module, name)
