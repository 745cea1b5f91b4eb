"""One file per check: what it finds and how it explains it."""
