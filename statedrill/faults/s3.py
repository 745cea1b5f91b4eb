"""S3, with the names of AWS Fault Injection Service for what can happen to its calls."""

from __future__ import annotations

from statedrill.faults.storage_errors import (
    inject_api_throttle_error,
    inject_api_unavailable_error,
)

__all__ = ("inject_api_throttle_error", "inject_api_unavailable_error")
