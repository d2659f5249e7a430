"""Protobuf request bodies: kubectl's typed clients send them for some built-in kinds, whatever the server offers.

Only what operators use is decoded (see `_MESSAGES`); other kinds get 415 and may send JSON. Field numbers are those of
the `generated.proto` files in k8s.io/api.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from sandbox.errors import ApiError, bad_request
from sandbox.objects import Object

MAGIC = b"k8s\0"
Message = dict[int, tuple[str, Any]]
"""Field number to name and type: a `Message`, or one of the letters below."""
TEXT, NUMBER, TEXTS, MAP = "text", "number", "texts", "map"

_META: Message = {
    1: ("name", TEXT),
    2: ("generateName", TEXT),
    3: ("namespace", TEXT),
    11: ("labels", MAP),
    12: ("annotations", MAP),
}
_DELETE: Message = {
    1: ("gracePeriodSeconds", NUMBER),
    2: ("preconditions", {1: ("uid", TEXT), 2: ("resourceVersion", TEXT)}),
    4: ("propagationPolicy", TEXT),
    5: ("dryRun", TEXTS),
}
_ATTRIBUTES: Message = dict(
    enumerate(
        ((name, TEXT) for name in ("namespace", "verb", "group", "version", "resource", "subresource", "name")), start=1
    )
)
_PATH_ATTRIBUTES: Message = {1: ("path", TEXT), 2: ("verb", TEXT)}
_MESSAGES: dict[str, Message] = {
    "ConfigMap": {1: ("metadata", _META), 2: ("data", MAP)},
    "Secret": {1: ("metadata", _META), 2: ("data", MAP), 3: ("type", TEXT), 4: ("stringData", MAP)},
    "Namespace": {1: ("metadata", _META)},
    "ServiceAccount": {1: ("metadata", _META)},
    "DeleteOptions": _DELETE,
    "Eviction": {1: ("metadata", _META), 2: ("deleteOptions", _DELETE)},
    "SelfSubjectReview": {1: ("metadata", _META)},
    "SelfSubjectAccessReview": {
        2: ("spec", {1: ("resourceAttributes", _ATTRIBUTES), 2: ("nonResourceAttributes", _PATH_ATTRIBUTES)})
    },
    "SelfSubjectRulesReview": {2: ("spec", {1: ("namespace", TEXT)})},
    "TokenRequest": {2: ("spec", {1: ("audiences", TEXTS), 4: ("expirationSeconds", NUMBER)})},
}  # fmt: skip


def decode(body: bytes) -> Object:
    """The object in a Kubernetes protobuf envelope. Raises ApiError 400 or 415."""
    if not body.startswith(MAGIC):
        raise bad_request("the body is declared as protobuf but has no k8s magic number")
    try:
        envelope = dict(_wire(body[len(MAGIC) :]))
        meta = dict(_wire(envelope[1]))
        api_version, kind = meta.get(1, b"").decode(), meta.get(2, b"").decode()
        if kind not in _MESSAGES:
            raise ApiError(
                415, "UnsupportedMediaType", f"protobuf bodies of kind {kind} are not served here; send JSON"
            )
        return {"apiVersion": api_version, "kind": kind, **_message(envelope.get(2, b""), _MESSAGES[kind])}
    except (KeyError, IndexError, UnicodeDecodeError) as error:
        raise bad_request(f"the protobuf body cannot be read: {error!r}") from error


def _varint(data: bytes, position: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[position]
        position += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, position


def _wire(data: bytes) -> Iterator[tuple[int, Any]]:
    """Field numbers and raw values: integers for varints, bytes for the rest."""
    position = 0
    while position < len(data):
        tag, position = _varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if wire_type == 0:
            value, position = _varint(data, position)
            yield number, value
        else:
            length = {1: 8, 5: 4}.get(wire_type)
            if length is None:
                length, position = _varint(data, position)
            yield number, data[position : position + length]
            position += length


def _message(data: bytes, message: Message) -> Object:
    decoded: Object = {}
    for number, value in _wire(data):
        if number not in message:
            continue
        name, kind = message[number]
        if kind == TEXT:
            if value:
                decoded[name] = value.decode()
        elif kind == NUMBER:
            decoded[name] = value
        elif kind == TEXTS:
            decoded.setdefault(name, []).append(value.decode())
        elif kind == MAP:
            entry = dict(_wire(value))
            decoded.setdefault(name, {})[entry.get(1, b"").decode()] = entry.get(2, b"").decode()
        else:
            decoded[name] = _message(value, kind)
    return decoded
