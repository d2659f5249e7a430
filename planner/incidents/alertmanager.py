"""Alertmanager's webhook, version 4, as the wire has it. Pure.

https://prometheus.io/docs/alerting/latest/configuration/#webhook_config. Times have nanoseconds, which Python's
datetime would cut, and an alert that has not ended says year 1.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError

from planner.incidents.incident import Delivery, Signal

VERSION = "4"
MAX_ALERTS = 20_000
_RFC3339 = re.compile(r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d{1,9})\d*)?(Z|z|[+-]\d\d:\d\d)")


class NotUnderstood(ValueError):
    """A message that sending again does not help: `code` is the HTTP status, the text says what is wrong."""

    def __init__(self, text: str, code: int = 422) -> None:
        super().__init__(text)
        self.code = code


def nanoseconds(text: str) -> int:
    """An RFC 3339 time as nanoseconds since 1970, all nine digits. Raises ValueError."""
    found = _RFC3339.fullmatch(text)
    if found is None:
        raise ValueError("not an RFC 3339 time")
    whole, fraction, zone = found.groups()
    zone = "+00:00" if zone in "Zz" else zone
    seconds = int(datetime.fromisoformat(whole + zone).timestamp())
    return seconds * 10**9 + int((fraction or "").ljust(9, "0"))


def _is_time(text: str) -> str:
    nanoseconds(text)
    return text


Time = Annotated[str, AfterValidator(_is_time)]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="ignore")


class Alert(_Strict):
    """One alert. `endsAt` is year 1 while it fires."""

    status: Literal["firing", "resolved"]
    labels: dict[str, str]
    annotations: dict[str, str] = Field(default_factory=dict[str, str])
    startsAt: Time
    endsAt: Time = "0001-01-01T00:00:00Z"
    generatorURL: str = ""
    fingerprint: str = Field(min_length=1, max_length=64)


class Webhook(_Strict):
    """One notification about one group of alerts."""

    version: Literal["4"]
    receiver: str = Field("", max_length=1000)
    status: Literal["firing", "resolved"]
    groupKey: str = Field(min_length=1, max_length=10_000)
    truncatedAlerts: int = 0
    alerts: list[Alert] = Field(max_length=MAX_ALERTS)


def read_webhook(body: bytes) -> Webhook:
    """Raises NotUnderstood."""
    try:
        data: Any = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise NotUnderstood(f"the body is not JSON: {error}", 400) from error
    if not isinstance(data, dict):
        raise NotUnderstood("the body is not a JSON object; is this an Alertmanager webhook?")
    if data.get("version") != VERSION:
        said = repr(data.get("version"))[:40]
        raise NotUnderstood(f"only version {VERSION!r} of Alertmanager's webhook is understood, this says {said}")
    try:
        return Webhook.model_validate(data)
    except ValidationError as error:
        wrong = (f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors(include_input=False)[:5])
        raise NotUnderstood("; ".join(wrong)) from error


def delivery_of(webhook: Webhook, ignored: Sequence[str]) -> Delivery:
    """What it says, without alerts whose names (patterns) are ignored, such as a Watchdog's."""
    signals = (_signal(alert) for alert in webhook.alerts)
    return Delivery(
        source="alertmanager",
        group=f"{webhook.receiver}\n{webhook.groupKey}",
        signals=tuple(s for s in signals if not any(fnmatchcase(s.name, pattern) for pattern in ignored)),
        all_over=webhook.status == "resolved",
    )


def _signal(alert: Alert) -> Signal:
    return Signal(
        fingerprint=alert.fingerprint,
        starts=nanoseconds(alert.startsAt),
        firing=alert.status == "firing",
        name=alert.labels.get("alertname", ""),
        labels=alert.labels,
        annotations=alert.annotations,
        url=alert.generatorURL,
    )
