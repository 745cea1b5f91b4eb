"""Steady: as many users as `-u` says, started `-r` a second, for as long as `-t` says.

The number of users does not change once all are there, so one second can be compared with another.
"""

from __future__ import annotations

# Locust holds the number of users by itself when no load shape is defined; the file exists so
# that a profile can always be named.
