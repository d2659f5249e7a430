"""A right that a controller lacks explains what it therefore does not do: volumes, Secrets, custom resources."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from agents.diagnoser.fields import parts_of
from agents.diagnoser.observation import Observation
from agents.diagnoser.relations.edge import Edge
from agents.diagnoser.snapshot import Snapshot

_MAKES: dict[str, frozenset[str]] = {
    "secrets": frozenset({"secret_missing", "secret_key_missing", "ingress_tls_missing"}),
    "configmaps": frozenset({"configmap_missing", "configmap_key_missing"}),
    "serviceaccounts": frozenset({"service_account_missing"}),
    "persistentvolumes": frozenset({"pvc_unbound"}),
    "persistentvolumeclaims": frozenset({"pvc_unbound", "pvc_missing"}),
    "storageclasses": frozenset({"pvc_unbound"}),
}
"""What is not there, by the resource that somebody may not handle."""

_CREATING = ("create", "update", "patch")


def relate(snapshot: Snapshot, observations: Sequence[Observation]) -> Iterable[Edge]:
    """From each refused controller to what speaks of the refusal, and to what it would have made."""
    for cause in (o for o in observations if o.fault == "rbac_denied"):
        user = str(cause.facts.get("account", ""))
        for effect in observations:
            if effect is not cause and effect.fault != "rbac_denied" and _explains(snapshot, cause, user, effect):
                yield Edge(cause, effect)


def _explains(snapshot: Snapshot, cause: Observation, user: str, effect: Observation) -> bool:
    told = [str(value) for value in effect.facts.values()] + [e.excerpt for e in effect.evidence]
    obj = snapshot.find(effect.resource)
    told += [e.message for e in snapshot.events_of(obj)] if obj is not None else []
    if user and any(user in words for words in told):
        return True
    resource = str(cause.facts.get("api_resource", "")).split("/")[0]
    if effect.fault not in _MAKES.get(resource, frozenset()):
        return False
    if not resource.startswith(("persistentvolume", "storage")) and cause.facts.get("verb") not in _CREATING:
        return False
    where = str(cause.facts.get("where", ""))
    return not where or where == parts_of(effect.resource)[0]
