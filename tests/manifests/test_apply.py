"""The manifests on the embedded cluster, with real kubectl: as a dry run by the server, and for good."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from sandbox import Sandbox
from tests.manifests.built import FOLDERS, SERVICES, documents_of, needs_kubectl, objects_of, text_of
from tests.manifests.conftest import INCIDENT, kubectl
from tests.manifests.custom import definitions, stand_ins

pytestmark = [needs_kubectl, pytest.mark.xdist_group("manifests")]


@pytest.fixture(scope="module")
def prepared() -> Iterator[Sandbox]:
    """A cluster as its administrator has prepared it: custom kinds registered, namespaces made."""
    with Sandbox(INCIDENT, frozen=True) as sandbox:
        own = list(definitions())
        known = {definition["metadata"]["name"] for definition in own}
        missing = [each for each in stand_ins() if each["metadata"]["name"] not in known]
        kubectl(sandbox, "apply", "--server-side", "-f", "-", stdin=documents_of([*own, *missing]))
        yield sandbox


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_server_side_dry_run_accepts_everything(prepared: Sandbox, folder: str) -> None:
    objects = objects_of(folder)
    for namespace in [obj for obj in objects if obj["kind"] == "Namespace"]:
        kubectl(prepared, "apply", "-f", "-", stdin=documents_of([namespace]))
    told = kubectl(prepared, "apply", "--dry-run=server", "-f", "-", stdin=text_of(folder)).splitlines()
    assert len(told) == len(objects) and all(line.endswith("(server dry run)") for line in told)


def test_the_whole_base_applies_and_then_stays_as_it_is(installed: Sandbox) -> None:
    for service in SERVICES:
        assert service in kubectl(installed, "-n", "kubeteam", "get", "deployment", service)
    again = kubectl(installed, "apply", "-f", "-", stdin=text_of("base")).splitlines()
    # kubectl sends a budget's selector, a field with the patch strategy "replace", at every apply.
    changed = [line for line in again if not line.endswith(" unchanged") and not line.startswith("poddisruptionbudget")]
    assert changed == []
