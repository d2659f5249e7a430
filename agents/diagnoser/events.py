"""Events of both APIs in one shape: core/v1 with a count, events.k8s.io with a series."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agents.diagnoser.fields import Obj, moment, number, text


@dataclass(frozen=True)
class EventView:
    """One recorded event about one object, with every repetition counted."""

    type: str
    reason: str
    message: str
    count: int
    first: datetime | None
    last: datetime | None
    component: str
    kind: str
    namespace: str
    name: str
    uid: str
    field: str
    """The container it is about, as `spec.containers{app}`; empty otherwise."""

    @property
    def warning(self) -> bool:
        """Whether it is of type Warning."""
        return self.type == "Warning"


def view_event(event: Obj) -> EventView:
    """Reads an Event object of either API."""
    about = "involvedObject" if "involvedObject" in event else "regarding"
    first = moment(event, "firstTimestamp") or moment(event, "eventTime") or moment(event, "deprecatedFirstTimestamp")
    last = (
        moment(event, "series", "lastObservedTime")
        or moment(event, "lastTimestamp")
        or moment(event, "deprecatedLastTimestamp")
        or moment(event, "eventTime")
    )
    counts = (number(event, "series", "count"), number(event, "count"), number(event, "deprecatedCount"), 1)
    return EventView(
        type=text(event, "type"),
        reason=text(event, "reason"),
        message=text(event, "message") or text(event, "note"),
        count=max(counts),
        first=first or moment(event, "metadata", "creationTimestamp"),
        last=last or first or moment(event, "metadata", "creationTimestamp"),
        component=text(event, "reportingComponent") or text(event, "source", "component"),
        kind=text(event, about, "kind"),
        namespace=text(event, about, "namespace"),
        name=text(event, about, "name"),
        uid=text(event, about, "uid"),
        field=text(event, about, "fieldPath"),
    )
