"""The order of events: start, load, break, restore, audit, stop."""

from __future__ import annotations
