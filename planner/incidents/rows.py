"""Incidents as rows. Columns that queries and guards look at stand beside the JSON, and win over it. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from planner.incidents.incident import Incident


def values_of(incident: Incident) -> dict[str, Any]:
    """The row of an incident, but for `open_key`."""
    return {
        "id": incident.id,
        "status": incident.status,
        "cluster": incident.cluster,
        "namespace": incident.namespace,
        "request_id": incident.request_id,
        "firing": incident.firing,
        "created_at": incident.created_at.timestamp(),
        "closed_at": incident.closed_at.timestamp() if incident.closed_at else None,
        "data": incident.model_dump_json(exclude={"status", "request_id", "firing", "closed_at"}),
    }


def incident_of(row: Any) -> Incident:
    """The incident of a whole row."""
    incident = Incident.model_validate_json(row.data)
    columns = {"status": row.status, "request_id": row.request_id, "firing": row.firing}
    closed = datetime.fromtimestamp(row.closed_at, UTC) if row.closed_at is not None else None
    return incident.model_copy(update=columns | {"closed_at": closed})
