"""Messages as Alertmanager 0.25 posts them, and as senders of CloudEvents do."""

from __future__ import annotations

from typing import Any

TOKEN = "hook"
YEAR_ONE = "0001-01-01T00:00:00Z"


def alert(name: str = "KubePodCrashLooping", *, pod: str = "web-1", **changed: Any) -> dict[str, Any]:
    """An alert that fires; `changed` replaces fields, `labels` adds to the labels."""
    labels = {"alertname": name, "namespace": "front", "pod": pod, "severity": "critical", **changed.pop("labels", {})}
    return {
        "status": "firing",
        "labels": labels,
        "annotations": {"summary": "crash loop", "runbook_url": "http://runbooks/1"},
        "startsAt": "2026-11-20T17:22:38.413332699Z",
        "endsAt": YEAR_ONE,
        "generatorURL": "http://prometheus:9090/graph",
        "fingerprint": f"{name}-{pod}"[:64],
        **changed,
    }


def resolved(one: dict[str, Any]) -> dict[str, Any]:
    return {**one, "status": "resolved", "endsAt": "2026-11-20T17:40:00.1Z"}


def webhook(*alerts: dict[str, Any], group: str = "crash loops", **changed: Any) -> dict[str, Any]:
    """A notification with what every version 4 message has."""
    firing = any(one["status"] == "firing" for one in alerts)
    return {
        "receiver": "team",
        "status": "firing" if firing else "resolved",
        "alerts": list(alerts),
        "groupLabels": {"alertname": "x"},
        "commonLabels": {},
        "commonAnnotations": {},
        "externalURL": "http://alertmanager:9093",
        "version": "4",
        "groupKey": f'{{}}:{{alertname="{group}"}}',
        "truncatedAlerts": 0,
        **changed,
    }
