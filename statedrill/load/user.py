"""Old name of `StatefulUser`, for one release: write `from statedrill.load import StatefulUser`."""

from statedrill.load.users.user import StatefulUser

__all__ = ["StatefulUser"]
