"""Child processes that nothing leaves behind: supervision, registry, clean-up after a kill."""
