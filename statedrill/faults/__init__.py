"""What experiments may call: one module per AWS service, with the names of chaosaws and boto3.

Thin clients of a cluster's control address, standard library only: they know no process and no
other room, so that the same experiment can later name a real account as its target.
"""

from __future__ import annotations
