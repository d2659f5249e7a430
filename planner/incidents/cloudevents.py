"""CloudEvents 1.0 over HTTP, in structured and binary content mode, as signals. Pure.

https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md. An event whose type ends
with `.resolved` (or `.closed`, `.recovered`), or whose data's `status` says so, ends what its source said of a subject.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from planner.incidents.alertmanager import NotUnderstood, Time
from planner.incidents.incident import Delivery, Signal

STRUCTURED = "application/cloudevents+json"
_OVER = ("resolved", "closed", "recovered")
_BEGUN = ("firing", "opened", "triggered")
_TEXTS = ("summary", "description", "message", "title")


class Event(BaseModel):
    """A CloudEvent. Extension attributes are let be."""

    model_config = ConfigDict(extra="ignore")

    specversion: str = Field(pattern=r"^1\.0$")
    id: str = Field(min_length=1, max_length=1000)
    source: str = Field(min_length=1, max_length=2000)
    type: str = Field(min_length=1, max_length=1000)
    subject: str = Field("", max_length=2000)
    time: Time | None = None
    data: Any = None


def read_event(headers: Mapping[str, str], body: bytes) -> Event:
    """The event of a request in either mode; header names in lower case. Raises NotUnderstood."""
    media_type = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type == STRUCTURED:
        attributes = _json(body)
        if not isinstance(attributes, dict):
            raise NotUnderstood("a structured CloudEvent is a JSON object")
    elif media_type.startswith("application/cloudevents"):
        raise NotUnderstood(f"{media_type} is not understood; send single events as {STRUCTURED}", 415)
    elif "ce-specversion" in headers:
        attributes = {key[3:]: _header(value) for key, value in headers.items() if key.startswith("ce-")}
        attributes["data"] = _data(media_type, body)
    else:
        raise NotUnderstood(f"not a CloudEvent: neither {STRUCTURED} nor a ce-specversion header", 415)
    try:
        return Event.model_validate(attributes)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5])
        raise NotUnderstood("; ".join(wrong)) from error


def delivery_of(event: Event) -> Delivery:
    """The event as a signal: known by source and id, grouped by source, type and subject."""
    fields = event.data if isinstance(event.data, dict) else {}
    kind, _, ending = event.type.rpartition(".")
    stem = kind if ending in (*_OVER, *_BEGUN) else event.type
    over = ending in _OVER or str(fields.get("status", "")).lower() in _OVER
    known = hashlib.sha256(f"{event.source}\n{event.id}".encode()).hexdigest()[:40]
    signal = Signal(
        fingerprint=known,
        starts=0,  # an event is known by source and id alone
        firing=not over,
        name=str(fields.get("alertname") or stem),
        labels=_labels(fields) | {"source": event.source} | ({"subject": event.subject} if event.subject else {}),
        annotations=_texts(event.data, fields) | ({"time": event.time} if event.time else {}),
    )
    group = f"{event.source}\n{stem}\n{event.subject}"
    return Delivery(source="cloudevents", group=group, signals=() if over else (signal,), all_over=over)


def _labels(fields: Mapping[Any, Any]) -> dict[str, str]:
    """`data.labels`, else what is plain in `data`."""
    named = fields.get("labels")
    plain = named if isinstance(named, dict) else fields
    scalars = {k: v for k, v in plain.items() if k not in _TEXTS and isinstance(v, str | int | float | bool)}
    severity = {"severity": str(fields["severity"])} if isinstance(fields.get("severity"), str) else {}
    return {str(key): str(value) for key, value in scalars.items()} | severity


def _texts(data: Any, fields: Mapping[Any, Any]) -> dict[str, str]:
    if isinstance(data, str):
        return {"message": data}
    return {key: fields[key] for key in _TEXTS if isinstance(fields.get(key), str)}


def _data(media_type: str, body: bytes) -> Any:
    if not body:
        return None
    if media_type == "application/json" or media_type.endswith("+json"):
        return _json(body)
    return body.decode(errors="replace") if media_type.startswith("text/") else None


def _json(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(f"the body is not JSON: {error}", 400) from error


def _header(value: str) -> str:
    """Header values are percent-encoded where they are not plain ASCII."""
    return unquote(re.sub(r'^"(.*)"$', r"\1", value))
