"""What the API serves, as clients ask for it: legacy lists and aggregated discovery."""

from __future__ import annotations

from typing import Any

from sandbox.objects import Object
from sandbox.resources import Catalogue, Resource

AGGREGATED = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
_RESPONSES = {
    "scale": ("autoscaling", "v1", "Scale"),
    "eviction": ("policy", "v1", "Eviction"),
    "token": ("authentication.k8s.io", "v1", "TokenRequest"),
}
_VERBS = {"log": ["get"], "exec": ["create", "get"], "eviction": ["create"], "token": ["create"]}


def _subresources(resource: Resource) -> list[Object]:
    found: list[Object] = []
    for name in resource.subresources:
        response = _RESPONSES.get(name)
        entry: Object = {
            "name": f"{resource.plural}/{name}",
            "singularName": "",
            "namespaced": resource.namespaced,
            "kind": response[2] if response else resource.kind,
            "verbs": _VERBS.get(name, ["get", "patch", "update"]),
        }
        if response:
            entry.update(group=response[0], version=response[1])
        found.append(entry)
    return found


def resource_list(catalogue: Catalogue, group: str, version: str) -> Object | None:
    """An APIResourceList, or None when there is no such group version."""
    resources = [item for item in catalogue if (item.group, item.version) == (group, version)]
    if not resources:
        return None
    entries: list[Object] = []
    for item in resources:
        entry: Object = {
            "name": item.plural,
            "singularName": item.kind.lower(),
            "namespaced": item.namespaced,
            "kind": item.kind,
            "verbs": list(item.verbs),
        }
        if item.short_names:
            entry["shortNames"] = list(item.short_names)
        if item.categories:
            entry["categories"] = list(item.categories)
        entries += [entry, *_subresources(item)]
    api_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": entries}


def group_of(catalogue: Catalogue, group: str) -> Object | None:
    versions = catalogue.groups().get(group)
    if not versions:
        return None
    listed = [{"groupVersion": f"{group}/{version}", "version": version} for version in versions]
    return {"name": group, "versions": listed, "preferredVersion": listed[0]}


def group_list(catalogue: Catalogue) -> Object:
    groups = [group_of(catalogue, group) for group in catalogue.groups() if group]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}


def aggregated(catalogue: Catalogue, core: bool) -> Object:
    """An APIGroupDiscoveryList of the core group, or of all others."""
    items: list[Any] = []
    for group, versions in catalogue.groups().items():
        if (group == "") == core:
            listed = [
                {"version": v, "freshness": "Current", "resources": _discovered(catalogue, group, v)} for v in versions
            ]
            items.append({"metadata": {"name": group, "creationTimestamp": None}, "versions": listed})
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _discovered(catalogue: Catalogue, group: str, version: str) -> list[Object]:
    return [
        {
            "resource": item.plural,
            "responseKind": {"group": item.group, "version": item.version, "kind": item.kind},
            "scope": "Namespaced" if item.namespaced else "Cluster",
            "singularResource": item.kind.lower(),
            "verbs": list(item.verbs),
            "shortNames": list(item.short_names),
            "categories": list(item.categories),
            "subresources": [
                {
                    "subresource": entry["name"].partition("/")[2],
                    "responseKind": {
                        "group": entry.get("group", item.group),
                        "version": entry.get("version", item.version),
                        "kind": entry["kind"],
                    },
                    "verbs": entry["verbs"],
                }
                for entry in _subresources(item)
            ],
        }
        for item in catalogue
        if (item.group, item.version) == (group, version)
    ]
