"""Since when something is wrong."""

from __future__ import annotations

from datetime import datetime

from agents.diagnoser.fields import Obj, condition, created, moment
from agents.diagnoser.snapshot import Snapshot, since_of

_REASONS = (
    "BackOff",
    "Unhealthy",
    "Failed",
    "FailedMount",
    "FailedScheduling",
    "FailedAttachVolume",
    "FailedCreatePodSandBox",
)


def trouble_since(snapshot: Snapshot, pod: Obj) -> datetime | None:
    """The first complaint about a pod, else when it stopped being ready, else when it was made."""
    complaints = [e.first for e in snapshot.events_of(pod, *_REASONS) if e.warning]
    return since_of(complaints) or moment(condition(pod, "Ready"), "lastTransitionTime") or created(pod)
