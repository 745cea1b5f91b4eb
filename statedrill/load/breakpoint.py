"""Old name of the breakpoint profile, for one release: import it from `statedrill.load`."""

from statedrill.load.users.breakpoint_profile import BreakpointProfile

__all__ = ["BreakpointProfile"]
