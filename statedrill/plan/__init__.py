"""Options and inputs in, one frozen plan out; starts nothing."""
