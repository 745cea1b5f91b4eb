"""statedrill measures what happens to user state when an instance, a zone or a cache dies."""

from __future__ import annotations

__version__ = "0.1.0"
