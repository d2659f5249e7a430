"""Services that send traffic only to pods of the same node, asked on a node that has none."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agents.diagnoser.complaints import Complaint
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import Obj, created, items, name_of, namespace_of, number, resource_of, text
from agents.diagnoser.log_signs import hosts_in
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_ready


def observe(snapshot: Snapshot, complaints: Iterable[Complaint]) -> Iterator[Observation]:
    """Calls that fail because no pod of a Service with policy Local runs where they arrive."""
    outside = [s for s in snapshot.kind("Service") if text(s, "spec", "externalTrafficPolicy") == "Local"]
    for complaint in complaints:
        if complaint.failure != "connection":
            continue
        target = complaint.target
        if target is not None and target.meaning == "service" and target.obj is not None:
            yield from _inside(snapshot, complaint, target.obj)
        for service in outside:
            node = _asked_node(snapshot, service, complaint.line)
            if node is not None:
                yield from _judged(snapshot, complaint, service, name_of(node), "externalTrafficPolicy")


def _inside(snapshot: Snapshot, complaint: Complaint, service: Obj) -> Iterator[Observation]:
    node = text(complaint.view.pod, "spec", "nodeName")
    if text(service, "spec", "internalTrafficPolicy") == "Local" and node:
        yield from _judged(snapshot, complaint, service, node, "internalTrafficPolicy")


def _asked_node(snapshot: Snapshot, service: Obj, line: str) -> Obj | None:
    """The node whose nodePort of this Service a line complains about."""
    ports = {number(p, "nodePort") for p in items(service, "spec", "ports")} - {0}
    asked = {host for host, port in hosts_in(line) if port in ports}
    for node in snapshot.kind("Node"):
        own = {name_of(node), *(text(a, "address") for a in items(node, "status", "addresses"))}
        if own & asked:
            return node
    return None


def _judged(snapshot: Snapshot, complaint: Complaint, service: Obj, node: str, field: str) -> Iterator[Observation]:
    """An observation when the pods that are ready all run on other nodes."""
    serving = sorted({text(p, "spec", "nodeName") for p in snapshot.pods_selected(service) if is_ready(p)})
    if not serving or node in serving:
        return
    ports = [
        number(p, "nodePort") if field.startswith("ext") else number(p, "port") for p in items(service, "spec", "ports")
    ]
    facts = {
        "service": name_of(service),
        "namespace": namespace_of(service),
        "field": field,
        "node": node,
        "serving": serving,
        "ports": ports,
        "caller": snapshot.top_name(complaint.view.pod),
        "message": re.sub(r"\s+", " ", complaint.line),
    }
    yield Observation(
        resource=resource_of(service),
        fault="service_internal_traffic_policy",
        facts=facts,
        evidence=(
            from_object(
                snapshot, service, f"{field}: Local; ready endpoints only on {', '.join(serving)}, none on {node}"
            ),
            from_log(snapshot, complaint.view, complaint.line),
        ),
        since=complaint.since or created(service),
        affects=(snapshot.top_name(complaint.view.pod),),
        confidence=0.95,
    )
