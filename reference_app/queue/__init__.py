"""Applies queued writes in the order in which each user sent them."""
