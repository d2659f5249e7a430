"""YAML as kubectl prints it: block style, sorted keys, long texts as literals."""

import datetime as dt

import yaml

from tests.scenarios.builder.clock import ts

KIND_ORDER = [
    "Namespace",
    "Node",
    "Lease",
    "PriorityClass",
    "StorageClass",
    "RuntimeClass",
    "IngressClass",
    "GatewayClass",
    "CustomResourceDefinition",
    "APIService",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "PersistentVolume",
    "PersistentVolumeClaim",
    "ResourceQuota",
    "LimitRange",
    "ServiceAccount",
    "Role",
    "RoleBinding",
    "Secret",
    "ConfigMap",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "CronJob",
    "Job",
    "ReplicaSet",
    "ControllerRevision",
    "Pod",
    "Service",
    "EndpointSlice",
    "Ingress",
    "Gateway",
    "HTTPRoute",
    "NetworkPolicy",
    "HorizontalPodAutoscaler",
    "PodDisruptionBudget",
]
RANK = {kind: i for i, kind in enumerate(KIND_ORDER)} | {"Event": 999}


class Dumper(getattr(yaml, "CSafeDumper", yaml.SafeDumper)):
    """Never writes anchors; texts of several lines become literal blocks."""

    def ignore_aliases(self, data):
        return True


def _text(dumper, text):
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _moment(dumper, at):
    return dumper.represent_scalar("tag:yaml.org,2002:timestamp", ts(at))


Dumper.add_representer(str, _text)
Dumper.add_representer(dt.datetime, _moment)


def order(item):
    """Where an object stands in objects.yaml: by kind, namespace, name; Events last and by time."""
    meta, kind = item["metadata"], item["kind"]
    born = meta.get("creationTimestamp", "") if kind == "Event" else ""
    return (RANK.get(kind, 500), kind, meta.get("namespace", ""), born, meta["name"])


def dump_objects(objects) -> str:
    """All objects as one multi-document text."""
    return yaml.dump_all(sorted(objects, key=order), Dumper=Dumper, sort_keys=True, allow_unicode=True, width=180)


def dump_scenario(truth) -> str:
    """scenario.yaml, in the order of the format."""
    return yaml.dump(truth, Dumper=Dumper, sort_keys=False, allow_unicode=True, width=180)
