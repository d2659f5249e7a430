"""The Grafana dashboard asks for metrics that exist, by labels that they have; and every metric is documented."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from prometheus_client import REGISTRY

import agents.runtime.service_metrics as runtime_metrics
import planner.measures as planner_metrics
from tests.manifests.built import MANIFESTS, needs_kubectl, objects_of, of_kind

DASHBOARD = json.loads((MANIFESTS / "components/dashboard/kubeteam.json").read_text())
DOCUMENT = (MANIFESTS.parent / "docs/observability.md").read_text()
SCRAPED = {"job", "instance"}
"""Labels that Prometheus adds."""
SUFFIXES = {"counter": ("_total",), "histogram": ("_bucket", "_sum", "_count"), "gauge": ("",)}


def metrics() -> dict[str, Any]:
    """Our metrics by the name of their family."""
    modules = (runtime_metrics, planner_metrics)
    made = [value for module in modules for value in vars(module).values() if hasattr(value, "_labelnames")]
    return {metric.describe()[0].name: metric for metric in made}


def series() -> dict[str, set[str]]:
    """Every series that a service may expose, with its labels."""
    found: dict[str, set[str]] = {}
    for metric in metrics().values():
        family = metric.describe()[0]
        for suffix in SUFFIXES[family.type]:
            found[family.name + suffix] = {*metric._labelnames, *(("le",) if suffix == "_bucket" else ())}
    for family in REGISTRY.collect():  # those of the process, which have no labels
        if family.name.startswith("process_"):
            found[family.name + SUFFIXES[family.type][0]] = set()
    return found


def queries() -> list[str]:
    return [target["expr"] for panel in DASHBOARD["panels"] for target in panel.get("targets", ())]


@pytest.mark.parametrize("query", queries())
def test_a_query_names_metrics_that_exist_and_labels_that_they_have(query: str) -> None:
    known = series()
    named = re.findall(r"\b(?:kubeteam|process)_\w+", query)
    assert named and set(named) <= known.keys()
    labels = set().union(*(known[name] for name in named)) | SCRAPED
    grouped = [label.strip() for group in re.findall(r"\b(?:by|on) \(([^)]*)\)", query) for label in group.split(",")]
    matched = [label for inside in re.findall(r"\{([^}]*)\}", query) for label in re.findall(r"(\w+)\s*[=!]", inside)]
    assert {*grouped, *matched} <= labels


def test_the_panels_legends_name_labels_of_their_queries() -> None:
    for panel in DASHBOARD["panels"]:
        for target in panel.get("targets", ()):
            for label in re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]):
                grouped = f"[( ]{label}[,)]"
                assert re.search(grouped, target["expr"]), (panel["title"], label)


def test_every_metric_of_ours_is_shown_or_at_least_documented() -> None:
    for name in metrics():
        assert name in DOCUMENT, name


@needs_kubectl
def test_grafanas_sidecar_finds_the_dashboard_in_production() -> None:
    made = of_kind(objects_of("overlays/production"), "ConfigMap")["dashboard"]
    assert made["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert made["metadata"]["namespace"] == "kubeteam"
    assert json.loads(made["data"]["kubeteam.json"])["uid"] == DASHBOARD["uid"]
