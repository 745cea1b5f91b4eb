"""SQS and SNS under the names of boto3's sqs client, and of AWS Fault Injection Service."""

from __future__ import annotations

from statedrill.faults.queue_errors import inject_api_internal_error, inject_api_throttle_error
from statedrill.faults.receive_message import change_message_visibility, receive_message
from statedrill.faults.send_message import send_message
from statedrill.faults.set_queue_attributes import set_queue_attributes

__all__ = (
    "change_message_visibility",
    "inject_api_internal_error",
    "inject_api_throttle_error",
    "receive_message",
    "send_message",
    "set_queue_attributes",
)
