"""A pattern made of live processes on a loopback VPC: load balancer, instances and services.

Everything here is processes, sockets and threads; what the processes keep and whether that was
kept well is other rooms' business.
"""

from __future__ import annotations
