"""Child processes that are never left behind: supervision, registry, clean-up after a kill."""
