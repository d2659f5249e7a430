"""The Gateway API as custom resources: just enough of each definition that the embedded cluster serves the kind."""

from __future__ import annotations

import yaml

from agents.cluster.kinds import BUILT_IN, Kind


def definition_of(kind: Kind) -> dict[str, object]:
    """A CustomResourceDefinition that accepts anything of this kind."""
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{kind.plural}.{kind.group}"},
        "spec": {
            "group": kind.group,
            "names": {"kind": kind.name, "plural": kind.plural, "singular": kind.name.lower()},
            "scope": "Namespaced" if kind.namespaced else "Cluster",
            "versions": [{"name": kind.version, "served": True, "storage": True, "schema": schema}],
        },
    }


GATEWAY_API = yaml.safe_dump_all(definition_of(kind) for kind in BUILT_IN if kind.group == "gateway.networking.k8s.io")
