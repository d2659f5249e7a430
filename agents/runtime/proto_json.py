"""ProtoJSON into messages and back, five times as fast as protobuf's own `json_format`, which is written in Python.

For each type of message a function per field is made once; they do no more than the field needs. What they do not
know (maps, odd values) is left to protobuf, so both accept and say the same, and errors are its errors.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from functools import cache
from math import isfinite
from typing import Any, TypeVar, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict, ParseDict, ParseError
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct, Value

M = TypeVar("M", bound=Message)
Fill = Callable[[Any, Any], None]
"""Puts a JSON value into a message."""
Show = Callable[[Any], Any]
"""The JSON of a field's value."""

_PLAIN: Mapping[int, type] = {FieldDescriptor.TYPE_STRING: str, FieldDescriptor.TYPE_BOOL: bool}
"""Types whose JSON is what protobuf's setters take."""

_ODD = (AttributeError, KeyError, TypeError, ValueError, OverflowError, RecursionError)
"""What goes wrong when a value is not what a field mostly has."""

MAX_DEPTH = 32
"""So deep is the JSON that is read here; protobuf's parser knows how deep is too deep."""

_PLAIN_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,6})?Z")
"""UTC to the microsecond, which datetime reads faster than protobuf."""


def parse(data: dict[str, Any], message: M) -> M:
    """Fills an empty message, ignoring fields that it does not have. Raises protobuf's ParseError."""
    try:
        _filler(message.DESCRIPTOR)(data, message)
    except (*_ODD, ParseError):
        message.Clear()
        ParseDict(data, message, ignore_unknown_fields=True)
    return message


def to_json(message: Message) -> Any:
    """A message's JSON, an object for all but Values. Raises protobuf's SerializeToJsonError."""
    try:
        return _shown(message)
    except _ODD:
        return MessageToDict(message)


def value_of(data: Any) -> Value:
    """JSON as a protobuf Value; integers become doubles. Raises protobuf's ParseError."""
    return parse(data, Value())


def set_fields(struct: Struct, data: Mapping[str, Any]) -> None:
    """What `Struct.update` does, for fields such as a message's metadata. Raises ValueError for what is no JSON."""
    try:
        for name, value in data.items():
            field = struct.fields[name]
            field.Clear()
            _fill_value(value, field)
    except _ODD:
        struct.update(dict(data))


@cache
def _filler(descriptor: Descriptor) -> Fill:
    if descriptor.full_name in _FREE:
        return _FREE[descriptor.full_name][0]
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

    nullable = set[str]()
    """Where null is not no value at all."""
    for field in descriptor.fields:
        if field.name != field.json_name:  # accepted too, and perhaps beside the JSON name
            fields[field.name] = _odd_name
            nullable.add(field.name)
        fields[field.json_name] = _putter(field)
        if field.message_type is not None and field.message_type.full_name == "google.protobuf.Value":
            nullable.add(field.json_name)
    return fill


def _odd_name(value: object, message: object) -> None:
    raise ValueError(value)


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
    """Whether the type's JSON is an object of its fields, neither a well-known type nor a map's entry; or any JSON."""
    known = descriptor.full_name.startswith("google.protobuf.") or descriptor.GetOptions().map_entry
    return not known or descriptor.full_name in _FREE


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


def _fill_value(value: Any, message: Any, depth: int = MAX_DEPTH) -> None:
    match value:
        case str():
            message.string_value = value
        case bool():
            message.bool_value = value
        case int() | float():
            message.number_value = value
        case None:
            message.null_value = 0
        case dict():
            message.struct_value.SetInParent()
            _fill_struct(value, message.struct_value, depth)
        case list():
            _fill_list(value, message.list_value, depth)
        case _:
            raise TypeError(type(value))


def _fill_struct(value: Any, message: Any, depth: int = MAX_DEPTH) -> None:
    if not isinstance(value, dict) or not depth:
        raise TypeError(type(value))
    for name, item in cast(dict[str, Any], value).items():
        _fill_value(item, message.fields[name], depth - 1)


def _fill_list(value: list[Any], message: Any, depth: int) -> None:
    if not depth:
        raise TypeError(type(value))
    message.SetInParent()
    for item in value:
        _fill_value(item, message.values.add(), depth - 1)


def _shown(message: Message) -> Any:
    if message.DESCRIPTOR.full_name in _FREE:
        return _FREE[message.DESCRIPTOR.full_name][1](message)
    shows = _shows(message.DESCRIPTOR)
    fields = ((shows[field.number], value) for field, value in message.ListFields())
    return {name: value if show is None else show(value) for (name, show), value in fields}


@cache
def _shows(descriptor: Descriptor) -> Mapping[int, tuple[str, Show | None]]:
    """By a field's number: its JSON name, and how to show its value unless the value is its JSON."""
    return {field.number: (field.json_name, _show(field)) for field in descriptor.fields}


def _show(field: FieldDescriptor) -> Show | None:
    one = _show_one(field)
    if not field.is_repeated:
        return one
    return list if one is None else lambda values: [one(value) for value in values]


def _show_one(field: FieldDescriptor) -> Show | None:
    inner, enum = field.message_type, field.enum_type
    if inner is not None:
        if inner.full_name in _FREE:
            return _FREE[inner.full_name][1]
        if inner.full_name == "google.protobuf.Timestamp":
            return lambda stamp: stamp.ToJsonString()
        return _shown if _ours(inner) else _odd
    if enum is not None:
        return {value.number: value.name for value in enum.values}.__getitem__
    return None if field.type in _PLAIN else _odd


def _odd(value: object) -> Any:
    raise TypeError(type(value))


def _show_value(value: Any) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "struct_value":
        return _show_struct(value.struct_value)
    if kind == "list_value":
        return [_show_value(item) for item in value.list_value.values]
    if kind is None or kind == "null_value":
        return None
    shown = getattr(value, kind)
    if kind == "number_value" and not isfinite(shown):
        raise ValueError(shown)
    return shown


def _show_struct(struct: Any) -> dict[str, Any]:
    return {name: _show_value(value) for name, value in struct.fields.items()}


_FREE: Mapping[str, tuple[Fill, Show]] = {
    "google.protobuf.Value": (_fill_value, _show_value),
    "google.protobuf.Struct": (_fill_struct, _show_struct),
}
"""Types that hold any JSON."""
