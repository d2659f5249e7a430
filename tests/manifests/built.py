"""What `kubectl kustomize` makes of a folder of manifests."""

from __future__ import annotations

import json
import shutil
import subprocess
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

MANIFESTS = Path(__file__).parents[2] / "manifests"
SERVICES = ("planner", "metrics", "auditor", "diagnoser", "executor")
SPECIALISTS = SERVICES[1:]
FOLDERS = sorted(
    str(path.parent.relative_to(MANIFESTS))
    for path in MANIFESTS.rglob("kustomization.yaml")
    if "kind: Component" not in path.read_text()
)
"""Every folder that somebody could apply; components are built by way of the overlays that use them."""

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl is not installed; see kubernetes.io"
)
Object = dict[str, Any]


@cache
def text_of(folder: str) -> str:
    """The YAML of a folder below `manifests/`."""
    done = subprocess.run(
        ["kubectl", "kustomize", str(MANIFESTS / folder)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects_of(folder: str) -> list[Object]:
    """The objects of a folder; a fresh copy for every caller."""
    return list(yaml.safe_load_all(text_of(folder)))


def of_kind(objects: list[Object], kind: str) -> dict[str, Object]:
    """The objects of one kind, by name."""
    return {obj["metadata"]["name"]: obj for obj in objects if obj["kind"] == kind}


def documents_of(objects: list[Object]) -> str:
    """Objects as documents that kubectl can apply."""
    return "\n".join(map(json.dumps, objects))
