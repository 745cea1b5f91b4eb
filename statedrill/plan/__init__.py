"""Inputs and choices in, one frozen plan out; starts nothing."""
