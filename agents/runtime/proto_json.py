"""ProtoJSON into messages, five times as fast as protobuf's own parser, which is written in Python.

For each type of message a function per field is made once; they do no more than the field needs. What they do not
know (maps, Structs, odd values) is left to protobuf's parser, so both accept the same, and errors are its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import ParseDict
from google.protobuf.message import Message

M = TypeVar("M", bound=Message)
Fill = Callable[[Any, Any], None]
"""Puts a JSON value into a message."""

_PLAIN: Mapping[int, type] = {FieldDescriptor.TYPE_STRING: str, FieldDescriptor.TYPE_BOOL: bool}
"""Types whose JSON is what protobuf's setters take."""

_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
"""UTC to the microsecond, which datetime reads faster than protobuf."""


def parse(data: dict[str, Any], message: M) -> M:
    """Fills an empty message, ignoring fields that it does not have. Raises protobuf's ParseError."""
    try:
        _filler(message.DESCRIPTOR)(data, message)
    except (AttributeError, KeyError, TypeError, ValueError):
        message.Clear()
        ParseDict(data, message, ignore_unknown_fields=True)
    return message


@cache
def _filler(descriptor: Descriptor) -> Fill:
    fields: dict[str, Fill] = {}
    choices = {
        name: field.containing_oneof.full_name
        for field in descriptor.fields
        if field.containing_oneof is not None
        for name in (field.json_name, field.name)
    }

    def fill(data: Any, message: Any) -> None:
        if choices and len(data) > 1:
            chosen = [choices[name] for name in data if name in choices]
            if len(chosen) != len(set(chosen)):
                raise ValueError(f"two of {chosen}")
        for name, value in data.items():
            put = fields.get(name)
            if put is not None and (value is not None or name in nullable):
                put(value, message)

    for field in descriptor.fields:
        fields[field.json_name] = fields[field.name] = _putter(field)
    values = [f for f in descriptor.fields if f.message_type and f.message_type.full_name == "google.protobuf.Value"]
    nullable = {name for field in values for name in (field.json_name, field.name)}  # elsewhere null is no value at all
    return fill


def _putter(field: FieldDescriptor) -> Fill:
    name, inner, enum, plain = field.name, field.message_type, field.enum_type, _PLAIN.get(field.type)
    if inner is not None and _ours(inner):
        return _messages(name, inner) if field.is_repeated else _message(name, inner)
    if field.is_repeated:
        return lambda value, message: _by_protobuf(field, value, message)
    if enum is not None:
        numbers = {value.name: value.number for value in enum.values}
        return lambda value, message: setattr(message, name, numbers[value])
    if plain is not None:
        return _scalar(name, plain)
    if inner is not None and inner.full_name == "google.protobuf.Timestamp":
        return _timestamp(name)
    return lambda value, message: _by_protobuf(field, value, message)


def _ours(descriptor: Descriptor) -> bool:
    """Whether the type's JSON is an object of its fields: neither a well-known type nor a map's entry."""
    return not descriptor.full_name.startswith("google.protobuf.") and not descriptor.GetOptions().map_entry


def _scalar(name: str, kind: type) -> Fill:
    def put(value: Any, message: Any) -> None:
        if type(value) is not kind:
            raise TypeError(name)
        setattr(message, name, value)

    return put


def _timestamp(name: str) -> Fill:
    def put(value: Any, message: Any) -> None:
        stamp = getattr(message, name)
        if _PLAIN_TIME.fullmatch(value):
            stamp.FromDatetime(datetime.fromisoformat(value))
        else:
            stamp.FromJsonString(value)

    return put


def _message(name: str, descriptor: Descriptor) -> Fill:
    def put(value: Any, message: Any) -> None:
        inner = getattr(message, name)
        inner.SetInParent()
        _filler(descriptor)(value, inner)

    return put


def _messages(name: str, descriptor: Descriptor) -> Fill:
    def put(value: Any, message: Any) -> None:
        if not isinstance(value, list):
            raise TypeError(name)
        for item in cast(list[Any], value):
            _filler(descriptor)(item, getattr(message, name).add())

    return put


def _by_protobuf(field: FieldDescriptor, value: Any, message: Any) -> None:
    ParseDict({field.json_name: value}, message, ignore_unknown_fields=True)
