"""The audit log answers who did what, from any number of rotated files."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from agents.cluster.audit import AuditFiles, AuditFilter, AuditUnreadable, plurals

NOW = datetime.now(UTC)


def event(minutes_ago: int, verb: str = "patch", resource: str = "deployments", **more: Any) -> dict[str, Any]:
    at = (NOW - timedelta(minutes=minutes_ago)).isoformat().replace("+00:00", "Z")
    return {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "auditID": f"{minutes_ago}-{verb}-{resource}",
        "stage": "ResponseComplete",
        "verb": verb,
        "requestURI": "/x",
        "user": {"username": "ann@example.com"},
        "objectRef": {"resource": resource, "namespace": "web", "name": "api", "apiGroup": "apps"},
        "responseStatus": {"code": 200},
        "requestReceivedTimestamp": at,
        **more,
    }


def write(path: Path, *events: dict[str, Any] | str) -> Path:
    text = "".join((line if isinstance(line, str) else json.dumps(line)) + "\n" for line in events)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def wanted(**more: Any) -> AuditFilter:
    return AuditFilter(start=NOW - timedelta(hours=24), end=NOW + timedelta(minutes=1), **more)


async def test_a_folder_of_rotated_files_is_one_log_newest_first(tmp_path: Path) -> None:
    write(tmp_path / "audit-1.log.gz", event(50), event(40))
    write(tmp_path / "audit.log", event(40), event(10), event(30))
    page = await AuditFiles(tmp_path).find(wanted(limit=2))
    assert [round((NOW - found.at).total_seconds() / 60) for found in page.events] == [10, 30]
    assert page.total == 4


async def test_filters_narrow_it_down(tmp_path: Path) -> None:
    other = event(3, objectRef={"resource": "services", "namespace": "web-2", "name": "db"}, user={"username": "bob"})
    path = write(tmp_path / "a.jsonl", event(1, "delete"), event(2, "get"), other)
    source = AuditFiles(path)
    for filters, count in (
        ({}, 3),
        ({"verbs": ("delete", "get")}, 2),
        ({"resources": plurals("svc")}, 1),
        ({"resources": plurals("Deployment, services")}, 3),
        ({"namespace": "web"}, 2),
        ({"namespace": "web*"}, 3),
        ({"name": "ap*"}, 2),
        ({"user": "bob"}, 1),
        ({"changes_only": True}, 2),
    ):
        assert (await source.find(wanted(**filters))).total == count, filters


async def test_only_lasting_changes_by_people_count_as_such(tmp_path: Path) -> None:
    path = write(
        tmp_path / "a.jsonl",
        event(1),
        event(2, requestURI="/x?dryRun=All"),
        event(3, responseStatus={"code": 403}),
        event(4, resource="leases"),
        event(5, user={"username": "system:serviceaccount:kube-system:deployment-controller"}),
        event(6, stage="RequestReceived"),
        event(7, verb="watch"),
    )
    page = await AuditFiles(path).find(wanted(changes_only=True, people_only=True))
    assert [found.raw["auditID"] for found in page.events] == ["1-patch-deployments"]
    assert page.events[0].resource == "web/Deployment/api"


async def test_broken_lines_are_counted_not_fatal(tmp_path: Path) -> None:
    page = await AuditFiles(write(tmp_path / "a.jsonl", "{broken", event(1), "[]", "")).find(wanted())
    assert page.total == 1
    assert "2 lines" in page.problems[0]


async def test_a_log_that_is_not_there_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(AuditUnreadable, match="nowhere"):
        await AuditFiles(tmp_path / "nowhere").find(wanted())
    (tmp_path / "fake.gz").write_text("no gzip")
    with pytest.raises(AuditUnreadable, match=r"cannot be read"):
        await AuditFiles(tmp_path / "fake.gz").find(wanted())
