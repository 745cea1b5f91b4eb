"""Profiles: how many users there are, or sessions a second, at which time."""
