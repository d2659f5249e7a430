"""Aggregated APIs whose backend does not answer."""

from __future__ import annotations

from collections.abc import Iterable

from agents.diagnoser.evidence import from_object
from agents.diagnoser.fields import (
    Obj,
    condition,
    is_deleting,
    mapping,
    moment,
    name_of,
    resource_name,
    resource_of,
    text,
)
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per APIService that is served by a Service and not available."""
    for api in snapshot.kind("APIService"):
        state, service = condition(api, "Available"), mapping(api, "spec", "service")
        if not service or not state or text(state, "status") == "True":
            continue
        name, namespace, group = text(service, "name"), text(service, "namespace"), text(api, "spec", "group")
        present = snapshot.get("Service", namespace, name) is not None
        scalers = list(_blind(snapshot, group))
        victims = [*_victims(snapshot, group), *scalers]
        facts = {
            "name": name_of(api),
            "group": group,
            "service": f"{namespace}/{name}",
            "reason": text(state, "reason"),
            "message": text(state, "message"),
            "victims": victims,
        }
        told = f"Available={text(state, 'status')} {facts['reason']}: {facts['message']}"
        yield Observation(
            resource=resource_of(api),
            # the catalogue's name for a metrics API that leaves autoscalers without numbers
            fault="hpa_metrics_unavailable" if scalers else "apiservice_unavailable",
            facts=facts,
            evidence=(from_object(snapshot, api, told, "APIService status"),),
            role="symptom" if present else "cause",
            since=moment(state, "lastTransitionTime"),
            affects=tuple(victims),
            waits_for=(resource_name(namespace, "Service", name),) if present else (),
            confidence=0.95,
        )


def _blind(snapshot: Snapshot, group: str) -> Iterable[str]:
    """Autoscalers that get no metrics from this API."""
    if not group.endswith("metrics.k8s.io"):
        return
    for scaler in snapshot.kind("HorizontalPodAutoscaler"):
        state = condition(scaler, "ScalingActive")
        resource_api = group == "metrics.k8s.io" and text(state, "reason") == "FailedGetResourceMetric"
        if text(state, "status") == "False" and (resource_api or group in text(state, "message")):
            yield resource_of(scaler)


def _victims(snapshot: Snapshot, group: str) -> Iterable[str]:
    """Namespaces that cannot be deleted while discovery fails."""
    for namespace in snapshot.kind("Namespace"):
        failure: Obj = condition(namespace, "NamespaceDeletionDiscoveryFailure")
        if is_deleting(namespace) and text(failure, "status") == "True" and group in text(failure, "message"):
            yield resource_of(namespace)
