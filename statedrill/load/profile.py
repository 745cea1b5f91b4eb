"""Old name of `Profile`, for one release: write `from statedrill.load import Profile`."""

from statedrill.load.profiles.profile import Profile

__all__ = ["Profile"]
