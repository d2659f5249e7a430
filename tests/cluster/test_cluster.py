"""Reading a cluster: pages, bounds, retries, errors in words, and Secrets that stay closed."""

from __future__ import annotations

import base64
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from agents.cluster.cluster import Cluster
from agents.cluster.errors import (
    Conflict,
    Forbidden,
    NotFound,
    Rejected,
    Throttled,
    TimedOut,
    Unavailable,
    UnknownKind,
)
from agents.cluster.writes import Precondition
from tests.cluster.fake_api import FakeApi, serving, status

PODS = "/api/v1/pods"


@pytest.fixture
def api() -> FakeApi:
    return FakeApi()


@pytest.fixture
async def cluster(api: FakeApi, tmp_path: Path) -> AsyncIterator[Cluster]:
    async with serving(api, tmp_path, page_size=2) as clusters:
        yield await clusters.get()


def pod(name: str) -> dict[str, object]:
    return {"metadata": {"name": name, "namespace": "web"}}


async def test_a_list_is_read_in_pages_and_its_items_know_their_kind(api: FakeApi, cluster: Cluster) -> None:
    api.objects(PODS, *(pod(f"p{i}") for i in range(5)))
    found = await cluster.list("po")
    assert [item["metadata"]["name"] for item in found] == ["p0", "p1", "p2", "p3", "p4"]
    assert {(item["apiVersion"], item["kind"]) for item in found} == {("v1", "Pod")}
    assert len(api.requests()) == 3
    assert cluster.traffic.calls == 3
    assert cluster.traffic.bytes_read > 200


async def test_a_limit_ends_the_reading(api: FakeApi, cluster: Cluster) -> None:
    api.objects(PODS, *(pod(f"p{i}") for i in range(50)))
    assert len(await cluster.list("Pod", limit=3)) == 3
    assert api.requests() == ["GET /api/v1/pods?limit=2", "GET /api/v1/pods?limit=1&continue=2"]


async def test_a_list_starts_over_when_its_continue_token_expired(api: FakeApi, cluster: Cluster) -> None:
    page = {"metadata": {"continue": "x"}, "items": [pod("old")]}
    whole = {"metadata": {}, "items": [pod("a"), pod("b")]}
    api.answers[f"GET {PODS}"] = [(200, page), status(410, "Expired", "too old"), (200, whole)]
    assert [item["metadata"]["name"] for item in await cluster.list("Pod")] == ["a", "b"]
    assert api.requests()[-1] == "GET /api/v1/pods"


async def test_selectors_and_namespace_reach_the_server(api: FakeApi, cluster: Cluster) -> None:
    api.objects("/apis/apps/v1/namespaces/web/deployments")
    await cluster.list("deploy", "web", label_selector="app=a", field_selector="metadata.name=x")
    assert "labelSelector=app%3Da" in api.requests()[0]
    assert "fieldSelector=metadata.name%3Dx" in api.requests()[0]
    assert api.seen[0].headers["Authorization"] == "Bearer let-me-in"


@pytest.mark.parametrize("code", [429, 500, 503])
async def test_reads_are_repeated_after_a_passing_failure(api: FakeApi, cluster: Cluster, code: int) -> None:
    busy = status(code, "Busy", "try again", {"Retry-After": "0"})
    api.answers[f"GET {PODS}"] = [busy, busy, (200, {"items": [pod("a")]})]
    assert len(await cluster.list("Pod")) == 1


async def test_writes_are_never_repeated(api: FakeApi, cluster: Cluster) -> None:
    api.answers["DELETE /api/v1/namespaces/web/pods/a"] = status(503, "Busy", "down", {"Retry-After": "0"})
    with pytest.raises(Unavailable, match="down"):
        await cluster.delete("Pod", "a", "web")
    assert len(api.seen) == 1


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [
        (401, "Unauthorized", Forbidden),
        (403, 'pods "a" is forbidden: User "x" cannot get resource "pods"', Forbidden),
        (403, 'pods "a" is forbidden: exceeded quota: q', Rejected),
        (403, 'admission webhook "w" denied the request: no', Rejected),
        (404, "not found", NotFound),
        (409, "modified", Conflict),
        (422, "invalid", Rejected),
        (429, "budget", Throttled),
        (500, "broken", Unavailable),
    ],
)
async def test_errors_are_typed_and_keep_the_servers_words(
    api: FakeApi, cluster: Cluster, code: int, message: str, error: type[Exception]
) -> None:
    api.answers["GET /api/v1/namespaces/web/pods/a"] = status(code, "R", message, {"Retry-After": "0"})
    with pytest.raises(error) as caught:
        await cluster.get("Pod", "a", "web")
    assert message in str(caught.value)


async def test_a_server_that_is_not_there_is_unavailable(tmp_path: Path) -> None:
    async with serving(FakeApi(), tmp_path) as clusters:
        cluster = await clusters.get()
    with pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        await cluster.version()
    await clusters.close()


async def test_a_server_that_does_not_answer_times_out(api: FakeApi, tmp_path: Path) -> None:
    import asyncio

    from aiohttp import web

    async def hang(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(5)
        return web.Response()

    api.answer = hang  # type: ignore[method-assign]
    async with serving(api, tmp_path, request_timeout_seconds=0.2) as clusters:
        cluster = await clusters.get()
        with pytest.raises(TimedOut, match=r"0\.2 s"):
            await cluster.version()


async def test_an_unknown_kind_is_looked_for_among_custom_resources(api: FakeApi, cluster: Cluster) -> None:
    names = {"kind": "Widget", "plural": "widgets", "shortNames": ["wd"]}
    versions = [{"name": "v1beta1", "served": True}, {"name": "v1", "served": True, "storage": True}]
    crd = {"spec": {"group": "acme.io", "names": names, "scope": "Namespaced", "versions": versions}}
    api.objects("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", crd)
    api.objects("/apis/acme.io/v1/namespaces/web/widgets", {"metadata": {"name": "w"}})
    assert [item["kind"] for item in await cluster.list("wd", "web")] == ["Widget"]
    with pytest.raises(UnknownKind, match="Gadget"):
        await cluster.list("Gadget")


async def test_logs_keep_the_end_in_whole_lines(api: FakeApi, cluster: Cluster) -> None:
    text = "\n".join(f"line {i}" for i in range(10_000)) + "\n"
    api.answers["GET /api/v1/namespaces/web/pods/a/log"] = (200, text)
    kept = await cluster.logs("web", "a", "app", previous=True, tail_lines=9, since_seconds=60, limit_bytes=100)
    assert kept.endswith("line 9998\nline 9999")
    assert all(line.startswith("line ") for line in kept.splitlines())
    assert len(kept) <= 100
    assert "container=app&previous=true&tailLines=9&sinceSeconds=60" in api.requests()[0]


async def test_a_log_line_without_end_is_cut_into_pieces(api: FakeApi, cluster: Cluster) -> None:
    api.answers["GET /api/v1/namespaces/web/pods/a/log"] = (200, "x" * 1_000_000)
    pieces = [piece async for piece in cluster.log_lines("web", "a")]
    assert sum(map(len, pieces)) == 1_000_000
    assert len(pieces) > 2


async def test_secrets_are_asked_for_and_returned_without_data(api: FakeApi, cluster: Cluster) -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": '{"data":{"k":"c3dvcmRmaXNo"}}', "team": "a"}
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s", "namespace": "web", "annotations": annotations},
        "type": "Opaque",
        "data": {"k": "c3dvcmRmaXNo"},
        "stringData": {"k": "swordfish"},
    }
    api.objects("/api/v1/secrets", secret)
    api.answers["GET /api/v1/namespaces/web/secrets/s"] = (200, secret)
    api.answers["PATCH /api/v1/namespaces/web/secrets/s"] = (200, secret)
    api.answers["POST /api/v1/namespaces/web/secrets"] = (200, secret)
    seen = [
        *await cluster.list("Secret"),
        await cluster.get("secrets", "s", "web"),
        await cluster.patch("Secret", "s", "web", {}),
        await cluster.create(secret),
    ]
    for found in seen:
        assert "c3dvcmRmaXNo" not in json.dumps(found)
        assert "swordfish" not in json.dumps(found)
        assert found["metadata"]["annotations"] == {"team": "a"}
    assert all("PartialObjectMetadata" in request.headers["Accept"] for request in api.seen[:2])


async def test_the_shape_of_a_secret_tells_keys_and_lengths_only(api: FakeApi, cluster: Cluster) -> None:
    data = {"password": base64.b64encode(b"swordfish").decode(), "tls.crt": base64.b64encode(b"garbage").decode()}
    secret = {"metadata": {"name": "s", "namespace": "web"}, "type": "kubernetes.io/tls", "data": data}
    api.answers["GET /api/v1/namespaces/web/secrets/s"] = (200, secret)
    shape = await cluster.secret_shape("web", "s")
    assert shape.lengths == {"password": 9, "tls.crt": 7}
    assert shape.certificate_error
    assert "swordfish" not in repr(shape)
    assert "garbage" not in repr(shape)


async def test_usage_is_summed_per_pod_and_needs_metrics_server(api: FakeApi, cluster: Cluster) -> None:
    with pytest.raises(Unavailable, match="metrics-server"):
        await cluster.usage()
    base = "/apis/metrics.k8s.io/v1beta1"
    containers = [{"name": n, "usage": {"cpu": "1500000n", "memory": "10Mi"}} for n in ("a", "b")]
    stamp = {"timestamp": "2026-01-01T00:00:00Z", "window": "15s"}
    api.objects(f"{base}/nodes", {"metadata": {"name": "n"}, "usage": {"cpu": "250m", "memory": "1Gi"}, **stamp})
    api.objects(f"{base}/pods", {"metadata": {"name": "p", "namespace": "web"}, "containers": containers, **stamp})
    usage = await cluster.usage()
    summed = usage.pod("web", "p")
    assert summed is not None
    assert (float(summed.cpu), summed.memory) == (0.003, 20 * 2**20)
    assert usage.pod("web", "other") is None
    assert usage.observed_at.isoformat() == "2026-01-01T00:00:00+00:00"


async def test_writes_carry_dry_run_manager_and_precondition(api: FakeApi, cluster: Cluster) -> None:
    path = "/apis/apps/v1/namespaces/web/deployments/a"
    api.answers |= {f"PATCH {path}": (200, {}), f"PATCH {path}/scale": (200, {}), f"DELETE {path}": (200, {})}
    same = Precondition(uid="u1", resource_version="7")
    await cluster.patch("Deployment", "a", "web", {"spec": {}}, precondition=same, dry_run=True)
    await cluster.patch(
        "Deployment", "a", "web", [{"op": "remove", "path": "/x"}], patch_type="json", precondition=same
    )
    await cluster.scale("Deployment", "a", "web", 3, precondition=same)
    await cluster.delete("Deployment", "a", "web", precondition=same, dry_run=True)
    manifest = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "a", "namespace": "web"}}
    await cluster.apply(manifest, force=True)
    assert "dryRun=All" in api.requests()[0]
    assert "fieldManager=kubeteam" in api.requests()[0]
    assert api.bodies[0]["metadata"] == {"uid": "u1", "resourceVersion": "7"}
    assert api.bodies[1][0] == {"op": "replace", "path": "/metadata/uid", "value": "u1"}
    assert api.bodies[2] == {"spec": {"replicas": 3}, "metadata": {"uid": "u1", "resourceVersion": "7"}}
    assert api.bodies[3]["preconditions"] == {"uid": "u1", "resourceVersion": "7"}
    assert api.bodies[3]["dryRun"] == ["All"]
    assert "force=true" in api.requests()[4]
    types = [request.headers["Content-Type"] for request in api.seen]
    assert types[0] == "application/strategic-merge-patch+json"
    assert types[1] == "application/json-patch+json"
    assert types[4] == "application/apply-patch+yaml"


async def test_an_eviction_that_a_budget_forbids_is_throttled(api: FakeApi, cluster: Cluster) -> None:
    api.answers["POST /api/v1/namespaces/web/pods/a/eviction"] = status(429, "TooManyRequests", "would violate budget")
    with pytest.raises(Throttled, match="budget"):
        await cluster.evict("a", "web", dry_run=True)
    assert len(api.seen) == 1


async def test_can_i_asks_the_server(api: FakeApi, cluster: Cluster) -> None:
    api.answers["POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews"] = (201, {"status": {"allowed": True}})
    assert await cluster.can_i("patch", "deployments", "web", group="apps", subresource="scale")
    assert api.bodies[0]["spec"]["resourceAttributes"] == {
        "verb": "patch",
        "resource": "deployments",
        "namespace": "web",
        "group": "apps",
        "subresource": "scale",
    }


@pytest.mark.parametrize("name", ["", ".", "..", "../../secrets/s", "a/b", "%2e%2e"])
async def test_a_name_cannot_mean_another_path(api: FakeApi, cluster: Cluster, name: str) -> None:
    with pytest.raises(Rejected, match="no name"):
        await cluster.delete("Pod", name, "web")
    with pytest.raises(Rejected, match="no name"):
        await cluster.logs(name, "pod")
    assert not api.seen


async def test_a_namespaced_object_needs_its_namespace(cluster: Cluster) -> None:
    with pytest.raises(Rejected, match="which namespace"):
        await cluster.get("Pod", "a")


async def test_names_with_colons_reach_the_server(api: FakeApi, cluster: Cluster) -> None:
    api.answers["GET /apis/rbac.authorization.k8s.io/v1/clusterroles/system:node"] = (200, {"metadata": {}})
    assert (await cluster.get("ClusterRole", "system:node"))["kind"] == "ClusterRole"
