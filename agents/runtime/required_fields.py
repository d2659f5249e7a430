"""Whether a request has what A2A requires of it: the SDK's rule, looked up once per type and not in every message."""

from __future__ import annotations

from functools import cache
from typing import Any, cast

from a2a.utils.proto_utils import validate_proto_required_fields
from google.api.field_behavior_pb2 import FieldBehavior, field_behavior
from google.protobuf.descriptor import Descriptor
from google.protobuf.message import Message


def require_all(message: Message) -> None:
    """Raises InvalidParamsError with the fields that are missing, at any depth."""
    if not _is_complete(message):
        validate_proto_required_fields(message)


def _is_complete(message: Any) -> bool:
    fields = message.ListFields()
    if not _required(message.DESCRIPTOR) <= {field.number for field, _ in fields}:
        return False
    for field, value in fields:
        inner = field.message_type
        if inner is None or inner.full_name.startswith("google.protobuf."):
            continue
        if inner.GetOptions().map_entry:  # which the SDK knows how to walk through
            return False
        if not all(map(_is_complete, value if field.is_repeated else (value,))):
            return False
    return True


@cache
def _required(descriptor: Descriptor) -> frozenset[int]:
    """The numbers of a type's required fields. Set are exactly those that `ListFields` tells."""
    return frozenset(
        field.number
        for field in descriptor.fields
        if FieldBehavior.REQUIRED in field.GetOptions().Extensions[cast(Any, field_behavior)]
    )
