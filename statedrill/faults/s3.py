"""S3, with the names of AWS Fault Injection Service for what can happen to its calls."""

from __future__ import annotations

from statedrill.faults.delete_objects import delete_objects, remove_delete_markers
from statedrill.faults.storage_errors import (
    inject_api_throttle_error,
    inject_api_unavailable_error,
)

__all__ = (
    "delete_objects",
    "inject_api_throttle_error",
    "inject_api_unavailable_error",
    "remove_delete_markers",
)
