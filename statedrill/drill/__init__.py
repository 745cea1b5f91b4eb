"""The order of events: raise, load, break, heal, audit, lower."""

from __future__ import annotations
