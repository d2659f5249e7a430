"""What the official Python client needs from a Kubernetes API, checked with the client itself."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable

import pytest
import urllib3
import yaml
from kubernetes import client, dynamic, watch
from kubernetes.client.rest import ApiException

from sandbox import Sandbox
from tests.sandbox.conftest import NAMESPACE as NS

Api = client.ApiClient
MERGE, JSON_PATCH, APPLY = (
    f"application/{kind}" for kind in ("merge-patch+json", "json-patch+json", "apply-patch+yaml")
)


def refused(call: Callable[[], object]) -> tuple[int, dict[str, object]]:
    with pytest.raises(ApiException) as caught:
        call()
    return caught.value.status, json.loads(caught.value.body)


def raw(sandbox: Sandbox, api: Api, path: str, accept: str = "application/json") -> urllib3.BaseHTTPResponse:
    pool = urllib3.PoolManager(ca_certs=api.configuration.ssl_ca_cert)
    token = yaml.safe_load(sandbox.kubeconfig.read_text())["users"][0]["user"]["token"]
    headers = {"Accept": accept, "Authorization": f"Bearer {token}"}
    return pool.request("GET", sandbox.url + path, headers=headers)


def apply_config_map(api: Api, data: dict[str, str], manager: str) -> client.V1ConfigMap:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "applied", "namespace": NS}, "data": data}
    return client.CoreV1Api(api).patch_namespaced_config_map(
        "applied", NS, body, field_manager=manager, _content_type=APPLY
    )


class TestReading:
    def test_the_version_is_that_of_the_scenario(self, api: Api) -> None:
        assert client.VersionApi(api).get_code().git_version == "v1.34.1"

    def test_a_namespace_lists_its_pods(self, api: Api) -> None:
        found = client.CoreV1Api(api).list_namespaced_pod(NS)
        assert len(found.items) == 3
        assert found.kind == "PodList"
        assert int(found.metadata.resource_version) > 0

    def test_pods_of_all_namespaces_are_listed(self, api: Api) -> None:
        assert len(client.CoreV1Api(api).list_pod_for_all_namespaces().items) == 3

    def test_a_pod_is_read_by_name(self, api: Api) -> None:
        assert client.CoreV1Api(api).read_namespaced_pod("cart-abc-1", NS).status.phase == "Running"

    def test_a_missing_object_is_404_with_reason_not_found(self, api: Api) -> None:
        code, status = refused(lambda: client.CoreV1Api(api).read_namespaced_pod("nope", NS))
        assert (code, status["reason"], status["message"]) == (404, "NotFound", 'pods "nope" not found')

    @pytest.mark.parametrize(
        ("selector", "count"),
        [("app=nope", 0), ("app=cart", 3), ("app in (cart,x),!zzz", 3), ("app notin (cart)", 0), ("app!=cart", 0)],
    )
    def test_label_selectors_filter(self, api: Api, selector: str, count: int) -> None:
        assert len(client.CoreV1Api(api).list_namespaced_pod(NS, label_selector=selector).items) == count

    @pytest.mark.parametrize(("selector", "count"), [("spec.nodeName=n1", 1), ("status.phase!=Running", 0)])
    def test_field_selectors_filter(self, api: Api, selector: str, count: int) -> None:
        assert len(client.CoreV1Api(api).list_namespaced_pod(NS, field_selector=selector).items) == count

    def test_pages_together_are_the_whole_list(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        first = core.list_namespaced_pod(NS, limit=2)
        assert (len(first.items), first.metadata.remaining_item_count) == (2, 1)
        second = core.list_namespaced_pod(NS, limit=2, _continue=first.metadata._continue)
        assert [pod.metadata.name for pod in first.items + second.items] == ["cart-abc-1", "cart-abc-2", "cart-abc-3"]
        assert not second.metadata._continue

    def test_endpoint_slices_have_addresses(self, api: Api) -> None:
        assert client.DiscoveryV1Api(api).list_namespaced_endpoint_slice(NS).items[0].endpoints[0].addresses

    def test_events_are_found_by_the_object_they_are_about(self, api: Api) -> None:
        found = client.CoreV1Api(api).list_namespaced_event(NS, field_selector="involvedObject.name=cart-abc-3")
        assert found.items[0].reason == "BackOff"

    def test_events_have_their_other_version(self, frozen: Sandbox, api: Api) -> None:
        event = raw(frozen, api, f"/apis/events.k8s.io/v1/namespaces/{NS}/events").json()["items"][0]
        assert (event["regarding"]["name"], event["note"]) == ("cart-abc-3", "Back-off restarting failed container")

    def test_a_table_is_served_to_who_asks_for_one(self, frozen: Sandbox, api: Api) -> None:
        accept = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json"
        found = raw(frozen, api, f"/api/v1/namespaces/{NS}/pods", accept).json()
        assert found["kind"] == "Table"
        assert found["rows"][2]["cells"][:3] == ["cart-abc-3", "0/1", "CrashLoopBackOff"]

    def test_the_dynamic_client_discovers_kinds(self, api: Api) -> None:
        deployments = dynamic.DynamicClient(api).resources.get(api_version="apps/v1", kind="Deployment")
        assert deployments.get(name="cart", namespace=NS).spec.replicas == 3

    def test_openapi_documents_are_indexed_and_served(self, frozen: Sandbox, api: Api) -> None:
        paths = raw(frozen, api, "/openapi/v3").json()["paths"]
        document = raw(frozen, api, paths["apis/apps/v1"]["serverRelativeURL"]).json()
        assert "io.k8s.api.apps.v1.Deployment" in document["components"]["schemas"]

    def test_items_of_typed_lists_carry_no_kind_as_in_a_real_cluster(self, frozen: Sandbox, api: Api) -> None:
        assert "kind" not in raw(frozen, api, "/api/v1/pods").json()["items"][0]


class TestLogsAndMetrics:
    def test_logs_are_tailed(self, api: Api) -> None:
        text = client.CoreV1Api(api).read_namespaced_pod_log("cart-abc-3", NS, tail_lines=1)
        assert text.endswith("loading catalogue into memory\n")
        assert text.count("\n") == 1

    def test_logs_of_the_instance_before_are_kept(self, api: Api) -> None:
        assert "listening on :8080" in client.CoreV1Api(api).read_namespaced_pod_log("cart-abc-3", NS, previous=True)

    def test_a_container_that_never_restarted_has_no_previous_log(self, api: Api) -> None:
        call = lambda: client.CoreV1Api(api).read_namespaced_pod_log("cart-abc-1", NS, previous=True)  # noqa: E731
        assert refused(call)[0] == 400

    def test_old_lines_are_left_out_by_since_seconds(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        assert core.read_namespaced_pod_log("cart-abc-3", NS, since_seconds=50).count("\n") == 1
        assert core.read_namespaced_pod_log("cart-abc-3", NS, since_seconds=3600).count("\n") == 2

    def test_usage_is_served_as_pod_metrics(self, api: Api) -> None:
        found = client.CustomObjectsApi(api).list_namespaced_custom_object("metrics.k8s.io", "v1beta1", NS, "pods")
        assert found["items"][0]["containers"] == [{"name": "app", "usage": {"cpu": "20m", "memory": "61Mi"}}]


class TestWriting:
    def test_a_created_object_gets_an_identity(self, api: Api) -> None:
        made = client.CoreV1Api(api).create_namespaced_config_map(NS, {"metadata": {"name": "cm1"}, "data": {"k": "v"}})
        assert made.metadata.uid
        assert made.metadata.resource_version

    def test_a_name_is_taken_only_once(self, api: Api) -> None:
        create = client.CoreV1Api(api).create_namespaced_config_map
        code, status = refused(lambda: create(NS, {"metadata": {"name": "cart-cfg"}}))
        assert (code, status["reason"]) == (409, "AlreadyExists")

    def test_nothing_is_created_in_a_missing_namespace(self, api: Api) -> None:
        create = client.CoreV1Api(api).create_namespaced_config_map
        assert refused(lambda: create("nons", {"metadata": {"name": "x"}}))[0] == 404

    def test_a_name_is_generated(self, api: Api) -> None:
        made = client.CoreV1Api(api).create_namespaced_config_map(NS, {"metadata": {"generateName": "g-"}})
        assert made.metadata.name.startswith("g-")
        assert len(made.metadata.name) > 3

    def test_a_strategic_merge_keeps_what_it_does_not_name(self, api: Api) -> None:
        change = {"name": "app", "env": [{"name": "A", "value": "9"}]}
        body = {"spec": {"template": {"spec": {"containers": [change]}}}}
        patched = client.AppsV1Api(api).patch_namespaced_deployment("cart", NS, body)
        container = patched.spec.template.spec.containers[0]
        assert container.image == "shop:1.4"
        assert {item.name: item.value for item in container.env} == {"A": "9", "B": "2"}

    def test_a_merge_patch_removes_by_null(self, api: Api) -> None:
        body = {"data": {"b": "2", "a": None}}
        patch = client.CoreV1Api(api).patch_namespaced_config_map
        assert patch("cart-cfg", NS, body, _content_type=MERGE).data == {"b": "2"}

    def test_a_json_patch_is_applied(self, api: Api) -> None:
        operations = [{"op": "add", "path": "/data/c", "value": "3"}]
        patch = client.CoreV1Api(api).patch_namespaced_config_map
        assert patch("cart-cfg", NS, operations, _content_type=JSON_PATCH).data == {"a": "1", "c": "3"}

    def test_server_side_apply_owns_and_lets_go_of_fields(self, api: Api) -> None:
        assert apply_config_map(api, {"x": "1"}, "one").metadata.managed_fields
        assert apply_config_map(api, {"y": "2"}, "one").data == {"y": "2"}

    def test_server_side_apply_refuses_to_take_a_field_from_its_owner(self, api: Api) -> None:
        apply_config_map(api, {"y": "2"}, "one")
        code, status = refused(lambda: apply_config_map(api, {"y": "3"}, "other"))
        assert code == 409
        assert 'conflict with "one"' in str(status["message"])

    def test_a_dry_run_creates_nothing(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        core.create_namespaced_config_map(NS, {"metadata": {"name": "dry"}}, dry_run="All")
        assert refused(lambda: core.read_namespaced_config_map("dry", NS))[0] == 404

    def test_a_dry_run_patches_nothing(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        assert core.patch_namespaced_config_map("cart-cfg", NS, {"data": {"z": "1"}}, dry_run="All").data["z"] == "1"
        assert "z" not in core.read_namespaced_config_map("cart-cfg", NS).data

    def test_a_stale_replacement_is_refused(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        read = core.read_namespaced_config_map("cart-cfg", NS)
        read.data = {"put": "1"}
        assert core.replace_namespaced_config_map("cart-cfg", NS, read).data == {"put": "1"}
        assert refused(lambda: core.replace_namespaced_config_map("cart-cfg", NS, read))[0] == 409

    def test_scale_is_read_and_patched(self, api: Api) -> None:
        apps = client.AppsV1Api(api)
        scale = apps.read_namespaced_deployment_scale("cart", NS)
        assert (scale.kind, scale.spec.replicas) == ("Scale", 3)
        apps.patch_namespaced_deployment_scale("cart", NS, {"spec": {"replicas": 5}})
        assert apps.read_namespaced_deployment("cart", NS).spec.replicas == 5

    def test_status_and_spec_are_written_apart(self, api: Api) -> None:
        apps = client.AppsV1Api(api)
        body = {"status": {"readyReplicas": 1}, "spec": {"replicas": 99}}
        apps.patch_namespaced_deployment_status("cart", NS, body)
        read = apps.read_namespaced_deployment("cart", NS)
        assert (read.status.ready_replicas, read.spec.replicas) == (1, 3)


class TestDeleting:
    def test_an_evicted_pod_is_gone(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        core.create_namespaced_pod_eviction("cart-abc-2", NS, {"metadata": {"name": "cart-abc-2", "namespace": NS}})
        assert refused(lambda: core.read_namespaced_pod("cart-abc-2", NS))[0] == 404

    def test_a_disruption_budget_stops_an_eviction(self, api: Api) -> None:
        budget = {
            "metadata": {"name": "cart"},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "cart"}}},
        }
        client.PolicyV1Api(api).create_namespaced_pod_disruption_budget(NS, budget)
        evict = client.CoreV1Api(api).create_namespaced_pod_eviction
        code, status = refused(lambda: evict("cart-abc-2", NS, {"metadata": {"name": "cart-abc-2"}}))
        assert (code, status["reason"]) == (429, "TooManyRequests")

    def test_a_deleted_pod_is_gone(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        core.delete_namespaced_pod("cart-abc-1", NS, grace_period_seconds=0)
        assert refused(lambda: core.read_namespaced_pod("cart-abc-1", NS))[0] == 404

    def test_a_wrong_uid_precondition_protects_the_object(self, api: Api) -> None:
        delete = client.CoreV1Api(api).delete_namespaced_pod
        assert refused(lambda: delete("cart-abc-3", NS, body={"preconditions": {"uid": "bogus"}}))[0] == 409

    def test_a_collection_is_deleted_by_selector(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        core.delete_collection_namespaced_config_map(NS, label_selector="nope=1")
        assert core.read_namespaced_config_map("cart-cfg", NS)

    def test_a_finalizer_holds_a_deleted_object_until_it_is_removed(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        core.create_namespaced_config_map(NS, {"metadata": {"name": "held", "finalizers": ["example.com/hold"]}})
        core.delete_namespaced_config_map("held", NS)
        assert core.read_namespaced_config_map("held", NS).metadata.deletion_timestamp
        core.patch_namespaced_config_map("held", NS, {"metadata": {"finalizers": None}}, _content_type=MERGE)
        assert refused(lambda: core.read_namespaced_config_map("held", NS))[0] == 404


class TestReviewsAndWatches:
    def test_access_reviews_are_answered(self, api: Api) -> None:
        authorization = client.AuthorizationV1Api(api)
        body = {"spec": {"resourceAttributes": {"verb": "delete", "resource": "pods", "namespace": NS}}}
        assert authorization.create_self_subject_access_review(body).status.allowed is True
        rules = authorization.create_self_subject_rules_review({"spec": {"namespace": NS}})
        assert rules.status.resource_rules

    def test_a_watch_sees_what_happens_after_it_began(self, api: Api) -> None:
        core, seen, stream = client.CoreV1Api(api), [], watch.Watch()
        create = lambda: core.create_namespaced_config_map(NS, {"metadata": {"name": "watched"}})  # noqa: E731
        timer = threading.Timer(0.2, create)
        timer.start()
        for event in stream.stream(core.list_namespaced_config_map, NS, timeout_seconds=5):
            seen.append((event["type"], event["object"].metadata.name))
            if seen[-1][1] == "watched":
                stream.stop()
        assert seen == [("ADDED", "cart-cfg"), ("ADDED", "watched")]

    def test_a_watch_from_a_version_is_silent_and_ends_in_time(self, api: Api) -> None:
        core = client.CoreV1Api(api)
        version = core.list_namespaced_pod(NS).metadata.resource_version
        begun = time.monotonic()
        events = list(watch.Watch().stream(core.list_namespaced_pod, NS, resource_version=version, timeout_seconds=1))
        assert events == []
        assert time.monotonic() - begun >= 0.9


class TestCustomResources:
    def definition(self) -> dict[str, object]:
        names = {"plural": "widgets", "singular": "widget", "kind": "Widget", "shortNames": ["wd"]}
        version = {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": {"type": "object"}}}
        spec = {"group": "example.com", "names": names, "scope": "Namespaced", "versions": [version]}
        return {"metadata": {"name": "widgets.example.com"}, "spec": spec}

    def test_a_definition_created_at_run_time_is_served_and_forgotten_with_it(self, api: Api) -> None:
        definitions, custom = client.ApiextensionsV1Api(api), client.CustomObjectsApi(api)
        definitions.create_custom_resource_definition(self.definition())
        body = {"apiVersion": "example.com/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": {"size": 3}}
        custom.create_namespaced_custom_object("example.com", "v1", NS, "widgets", body)
        listed = custom.list_namespaced_custom_object("example.com", "v1", NS, "widgets")
        assert (listed["items"][0]["kind"], listed["items"][0]["spec"]) == ("Widget", {"size": 3})
        definitions.delete_custom_resource_definition("widgets.example.com")
        read = lambda: custom.list_namespaced_custom_object("example.com", "v1", NS, "widgets")  # noqa: E731
        with pytest.raises(ApiException):
            read()


def test_a_deleted_namespace_takes_what_it_holds_along(api: Api) -> None:
    core = client.CoreV1Api(api)
    core.delete_namespace(NS)
    assert core.list_pod_for_all_namespaces().items == []
    assert [item.metadata.name for item in core.list_namespace().items] == ["default"]
