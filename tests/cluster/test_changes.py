"""An audit event tells which fields were changed, and events together what an object was."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agents.cluster.audit import AuditEvent
from agents.cluster.changes import MAX_FIELDS, fields_of, last_known_object
from agents.cluster.redaction import REDACTED


def event(verb: str, request: Any = None, response: Any = None) -> AuditEvent:
    raw = {"verb": verb, "requestObject": request, "responseObject": response, "responseStatus": {"code": 200}}
    return AuditEvent(raw, datetime(2026, 1, 1, tzinfo=UTC))


def template(*containers: dict[str, Any]) -> dict[str, Any]:
    return {
        "spec": {"template": {"spec": {"$setElementOrder/containers": [{"name": "app"}], "containers": containers}}}
    }


def test_a_patch_reads_as_fields_and_values() -> None:
    patch = template({"name": "app", "image": "app:2", "resources": {"limits": {"memory": "64Mi"}}})
    assert fields_of(event("patch", patch)) == {
        "containers[app].image": "app:2",
        "containers[app].resources.limits.memory": "64Mi",
    }


def test_a_removed_field_reads_as_null() -> None:
    assert fields_of(event("patch", {"spec": {"nodeSelector": None}})) == {"spec.nodeSelector": "null"}


def test_a_json_patch_is_read_too() -> None:
    patch = [
        {"op": "test", "path": "/metadata/uid", "value": "u"},
        {"op": "replace", "path": "/spec/replicas", "value": 0},
        {"op": "remove", "path": "/spec/paused"},
    ]
    assert fields_of(event("patch", patch)) == {"spec.replicas": "0", "spec.paused": "null"}


def test_secrets_in_a_patch_are_redacted() -> None:
    env = [{"name": "DB_PASSWORD", "value": "swordfish"}, {"name": "COLOR", "value": "blue"}]
    fields = fields_of(event("patch", template({"name": "app", "env": env})))
    assert fields == {
        "containers[app].env[DB_PASSWORD].value": REDACTED,
        "containers[app].env[COLOR].value": "blue",
    }
    secret = {"kind": "Secret", "data": {"k": "c3dvcmRmaXNo"}}
    assert fields_of(event("create", secret)) == {"data.k": REDACTED}


def test_a_huge_change_stays_small() -> None:
    fields = fields_of(event("update", {"data": {f"k{i}": "x" * 10_000 for i in range(100)}}))
    assert len(fields) == MAX_FIELDS
    assert all(len(value) <= 160 for value in fields.values())


def test_the_last_known_object_is_the_whole_one_with_later_patches() -> None:
    created = {
        "kind": "Service",
        "metadata": {"name": "a"},
        "spec": {"ports": [{"port": 80}, {"port": 81}], "type": "X"},
    }
    patched = {"spec": {"ports": [{"port": 80, "targetPort": 9}], "type": None}}
    known = last_known_object([event("create", created), event("patch", patched), event("delete")])
    assert known is not None
    assert known["spec"] == {"ports": [{"port": 80, "targetPort": 9}, {"port": 81}]}


def test_an_answer_of_the_server_is_trusted_over_requests() -> None:
    answer = {"kind": "Service", "spec": {"clusterIP": "10.0.0.1"}}
    known = last_known_object([event("create", {"kind": "Service", "spec": {}}), event("delete", None, answer)])
    assert known is not None
    assert known["spec"] == {"clusterIP": "10.0.0.1"}
    assert last_known_object([event("delete", None, {"kind": "Status"})]) is None
