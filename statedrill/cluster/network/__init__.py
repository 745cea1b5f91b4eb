"""The loopback VPC: addresses of zones, instances and services."""
