"""Definitions of the custom kinds: the projects' own when they are at hand, else ones that allow everything."""

from __future__ import annotations

from functools import cache
from typing import Any

import jsonschema
import yaml

from tests.manifests.built import FOLDERS, MANIFESTS, Object, objects_of

CRDS = MANIFESTS.parents[1] / "shared" / "crds"
"""Beside the repository; its absence only means that custom kinds are not validated."""
CUSTOM_GROUPS = ("kagent.dev", "gateway.networking.k8s.io", "gateway.envoyproxy.io", "monitoring.coreos.com")
CLUSTER_SCOPED = ("GatewayClass",)


def is_custom(obj: Object) -> bool:
    """Whether the object's kind comes from a CustomResourceDefinition."""
    return obj["apiVersion"].partition("/")[0] in CUSTOM_GROUPS


@cache
def definitions() -> tuple[Object, ...]:
    """The projects' own definitions, those that are at hand."""
    files = sorted(CRDS.glob("*.yaml"))
    return tuple(doc for path in files for doc in yaml.safe_load_all(path.read_text()) if doc)


def problems_of(obj: Object) -> list[str] | None:
    """What the definition of the object's kind finds wrong; None when there is no definition at hand."""
    group, _, version = obj["apiVersion"].partition("/")
    for definition in definitions():
        spec = definition["spec"]
        if (spec["group"], spec["names"]["kind"]) == (group, obj["kind"]):
            schema = next(v["schema"]["openAPIV3Schema"] for v in spec["versions"] if v["name"] == version)
            found = jsonschema.Draft202012Validator(_strict(schema)).iter_errors({**obj, "metadata": {}})
            return [f"{error.json_path}: {error.message[:200]}" for error in found]
    return None


def _strict(schema: Any) -> Any:
    """The schema with unknown fields forbidden and `x-kubernetes-int-or-string` understood, as the API server does."""
    if isinstance(schema, list):
        return [_strict(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict) and "type" in schema and "additionalProperties" not in schema:
        strict["additionalProperties"] = schema.get("x-kubernetes-preserve-unknown-fields", False) is True
    if schema.get("x-kubernetes-int-or-string"):
        strict.pop("type", None)
    return strict


def stand_ins() -> list[Object]:
    """A definition that allows everything for each custom kind of the manifests, to be registered in a cluster."""
    kinds = {(obj["apiVersion"], obj["kind"]) for folder in FOLDERS for obj in objects_of(folder) if is_custom(obj)}
    return [_stand_in(*kind) for kind in sorted(kinds)]


def _stand_in(api_version: str, kind: str) -> Object:
    group, _, version = api_version.partition("/")
    plural = (
        kind.lower() + "es"
        if kind.endswith("s")
        else kind.lower().removesuffix("y") + ("ies" if kind.endswith("y") else "s")
    )
    schema = {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{plural}.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": kind, "plural": plural, "singular": kind.lower()},
            "scope": "Cluster" if kind in CLUSTER_SCOPED else "Namespaced",
            "versions": [{"name": version, "served": True, "storage": True, "schema": schema}],
        },
    }
