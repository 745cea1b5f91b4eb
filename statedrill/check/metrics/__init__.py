"""Figures of a run: traffic, availability, recovery, footing, thresholds."""
