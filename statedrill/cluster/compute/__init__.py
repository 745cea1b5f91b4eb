"""Instances and the Auto Scaling group that replaces them."""
