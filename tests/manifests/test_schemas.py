"""Every object of every folder is valid: for several versions of Kubernetes, and by definitions of custom kinds."""

from __future__ import annotations

from collections import Counter

import kubernetes_validate
import pytest

from tests.manifests.built import FOLDERS, needs_kubectl, objects_of
from tests.manifests.custom import CRDS, definitions, is_custom, problems_of

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]
VERSIONS = ("1.31", "1.34", "1.37")


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_built_in_kinds_are_valid(folder: str, version: str) -> None:
    for obj in objects_of(folder):
        if not is_custom(obj):
            kubernetes_validate.validate(obj, version, strict=True)


@pytest.mark.skipif(not CRDS.is_dir(), reason=f"no definitions of custom kinds at ../{CRDS.parent.name}/{CRDS.name}")
@pytest.mark.parametrize("folder", FOLDERS)
def test_custom_kinds_are_valid(folder: str) -> None:
    assert definitions()
    for obj in objects_of(folder):
        if is_custom(obj):
            assert not problems_of(obj), (obj["kind"], obj["metadata"]["name"])


@pytest.mark.parametrize("folder", FOLDERS)
def test_no_object_is_there_twice(folder: str) -> None:
    names = Counter((o["kind"], o["metadata"].get("namespace"), o["metadata"]["name"]) for o in objects_of(folder))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize("folder", FOLDERS)
def test_there_is_no_secret_value_in_git(folder: str) -> None:
    for obj in objects_of(folder):
        if obj["kind"] == "Secret":
            values = {**obj.get("stringData", {}), **obj.get("data", {})}
            assert set(values.values()) <= {"injected-by-the-gateway"}, obj["metadata"]["name"]
