"""What a proposal shows, and that preparing one changes nothing."""

from datetime import UTC, datetime
from typing import Any

import pytest

from agents.cluster.errors import Forbidden
from agents.executor.action import ActionError, Target
from agents.executor.prepare import Preparation, prepare
from agents.runtime.findings import Action
from tests.executor.fake_cluster import FakeCluster
from tests.executor.objects import budget, deployment, node, pod, replica_set, service

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
WEB = "shop/Deployment/web"


def shop(*more: Any) -> FakeCluster:
    pods = [pod(f"web-{number}") for number in range(3)]
    return FakeCluster(deployment(), *pods, service(), budget(), *more)


async def proposed(cluster: FakeCluster, kind: Any, resource: str = WEB, **arguments: Any) -> Preparation:
    prepared = await prepare(cluster, Action(kind=kind, resource=resource, arguments=arguments), NOW)
    assert cluster.writes == [], "preparing must not change anything"
    return prepared


async def test_scaling_shows_the_diff_and_the_way_back() -> None:
    action = (await proposed(shop(), "scale_workload", replicas=5)).action
    assert "-  replicas: 3\n+  replicas: 5" in action.diff
    assert action.inverse == Action(kind="scale_workload", resource=WEB, arguments={"replicas": 3})
    assert (action.effects.replicas_before, action.effects.replicas_after) == (3, 5)
    assert action.risk.level == "low"


async def test_whole_numbers_may_come_as_doubles_and_others_are_refused() -> None:
    assert (await proposed(shop(), "scale_workload", replicas=5.0)).action.arguments == {"replicas": 5}
    for wrong in (-1, 2.5, "many", True):
        with pytest.raises(ActionError, match="whole number"):
            await proposed(shop(), "scale_workload", replicas=wrong)


async def test_scaling_to_zero_is_a_high_risk() -> None:
    action = (await proposed(shop(), "scale_workload", replicas=0)).action
    assert action.risk.level == "high"
    assert action.risk.reasons[0].code == "scales_to_zero"


async def test_a_change_that_changes_nothing_is_not_proposed() -> None:
    with pytest.raises(ActionError, match="nothing to change"):
        await proposed(shop(), "scale_workload", replicas=3)


async def test_resources_show_who_is_touched() -> None:
    action = (await proposed(shop(), "set_resources", limits={"memory": "512Mi"})).action
    assert action.arguments == {"container": "app", "limits": {"memory": "512Mi"}}
    assert action.effects.pods_restarted == 3
    assert action.effects.budgets == ["shop/web: 1"]
    assert action.effects.used_by == ["shop/Service/web"]
    assert action.inverse is not None
    assert action.inverse.arguments == {"container": "app", "limits": {"memory": "128Mi"}}


async def test_taking_back_a_new_limit_removes_it() -> None:
    action = (await proposed(shop(), "set_resources", limits={"cpu": "1"})).action
    assert action.inverse is not None
    assert action.inverse.arguments["limits"] == {"cpu": None}


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"limits": {"memory": "lots"}}, "no amount"),
        ({"limits": {"memory": "512m"}}, "fraction of a byte"),
        ({"limits": {"memory": "32Mi"}}, "more than its limit"),
        ({"container": "sidecar", "limits": {"memory": "1Gi"}}, "no container 'sidecar'; it has app"),
        ({}, "nothing to set"),
        ({"limits": {"memory": "1Gi"}, "nice": 1}, "unknown argument nice"),
        ({"limits": "1Gi"}, "must map names to amounts"),
    ],
)
async def test_wrong_resources_are_explained(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(ActionError, match=says):
        await proposed(shop(), "set_resources", **arguments)


async def test_a_bare_tag_keeps_the_repository_and_its_port() -> None:
    for tag in ("v2", ":v2"):
        action = (await proposed(shop(), "set_image", image=tag)).action
        assert action.arguments["image"] == "registry.example:5000/team/web:v2"
    assert action.inverse is not None
    assert action.inverse.arguments["image"] == "registry.example:5000/team/web:v1"


@pytest.mark.parametrize("image", ["", "web:v1; rm -rf /", "$(id)", "UPPER/Case:v1 x"])
async def test_what_is_no_image_reference_is_refused(image: str) -> None:
    with pytest.raises(ActionError, match="image"):
        await proposed(shop(), "set_image", image=image)


async def test_environment_variables_are_set_removed_and_put_back() -> None:
    action = (await proposed(shop(), "set_env", env={"LOG_LEVEL": None, "MODE": "safe"})).action
    assert "LOG_LEVEL" in action.diff and "MODE" in action.diff
    assert action.inverse is not None
    assert action.inverse.arguments["env"] == {"LOG_LEVEL": "info", "MODE": None}


async def test_replacing_a_reference_by_a_value_has_no_way_back() -> None:
    action = (await proposed(shop(), "set_env", env={"API_URL": "http://api"})).action
    assert action.inverse is None and action.no_way_back is not None
    assert action.no_way_back.code == "env_from_elsewhere"


async def test_secret_values_are_masked_and_still_show_as_changed() -> None:
    diff = (await proposed(shop(), "set_env", env={"DB_PASSWORD": "swordfish"})).action.diff
    assert "hunter2" not in diff and "swordfish" not in diff
    assert "*** (before)" in diff and "*** (after)" in diff


async def test_bookkeeping_is_no_part_of_the_diff() -> None:
    diff = (await proposed(shop(), "scale_workload", replicas=5)).action.diff
    assert not any(word in diff for word in ("managedFields", "resourceVersion", "generation", "status", "uid"))


async def test_secrets_are_never_written() -> None:
    for kind, arguments in (("patch_resource", {"patch": {"data": {"a": "b"}}}), ("delete_resource", {})):
        with pytest.raises(ActionError, match="Secrets never pass"):
            await proposed(shop(), kind, "shop/Secret/db", **arguments)


async def test_a_restart_always_makes_the_same_change_for_the_same_arguments() -> None:
    action = (await proposed(shop(), "restart_rollout")).action
    assert action.arguments == {"restarted_at": "2026-03-01T12:00:00+00:00"}
    again = await prepare(shop(), Action(kind="restart_rollout", resource=WEB, arguments=action.arguments), NOW)
    assert again.action.arguments == action.arguments
    assert action.effects.pods_restarted == 3


async def test_undoing_goes_to_the_revision_before() -> None:
    cluster = shop(replica_set("web-1", 1, "team/web:v0"), replica_set("web-2", 2, "team/web:v1"))
    action = (await proposed(cluster, "undo_rollout")).action
    assert action.arguments == {"to_revision": 1}
    assert "+      - image: team/web:v0" in action.diff
    assert action.inverse == Action(kind="undo_rollout", resource=WEB, arguments={"to_revision": 2})


async def test_undoing_without_history_says_so() -> None:
    with pytest.raises(ActionError, match="no rollout history"):
        await proposed(shop(), "undo_rollout")
    with pytest.raises(ActionError, match="no revision 9; it has 1, 2"):
        both = (replica_set("web-1", 1, "a:1"), replica_set("web-2", 2, "a:2"))
        await proposed(shop(*both), "undo_rollout", to_revision=9)


async def test_a_patch_goes_back_by_the_patch_that_leads_back() -> None:
    action = (
        await proposed(shop(), "patch_resource", "shop/Service/web", patch={"spec": {"selector": {"tier": "front"}}})
    ).action
    assert action.inverse is not None
    assert action.inverse.arguments["patch"] == {"spec": {"selector": {"tier": None}}}


@pytest.mark.parametrize(
    "patch",
    [
        {"metadata": {"name": "other"}},
        {"metadata": {"uid": "x"}},
        {"status": {"x": 1}},
        [{"op": "replace", "path": "/metadata/uid", "value": "x"}],
        [{"op": "replace", "path": "", "value": {}}],
        [{"op": "remove", "path": "/metadata"}],
        "a: [unclosed",
        "a: 1\n---\nb: 2",
    ],
)
async def test_a_patch_may_not_touch_identity_or_status(patch: Any) -> None:
    with pytest.raises(ActionError):
        await proposed(shop(), "patch_resource", "shop/Service/web", patch=patch)


async def test_a_manifest_of_a_new_object_goes_back_by_deleting_it() -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "new"}, "data": {"a": "b"}}
    action = (await proposed(shop(), "apply_manifest", "shop/ConfigMap/new", manifest=manifest)).action
    assert action.precondition.uid is None
    assert action.inverse == Action(kind="delete_resource", resource="shop/ConfigMap/new")
    assert "+data:" in action.diff


async def test_a_manifest_must_describe_the_named_object() -> None:
    manifest = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "other", "namespace": "kube-system"}}
    with pytest.raises(ActionError, match="describes kube-system/ConfigMap/other"):
        await proposed(shop(), "apply_manifest", "shop/ConfigMap/new", manifest=manifest)


async def test_deleting_goes_back_by_the_manifest_without_what_the_server_gave() -> None:
    action = (await proposed(shop(), "delete_resource", "shop/Service/web")).action
    assert action.risk.level == "high"
    assert action.inverse is not None and action.inverse.kind == "apply_manifest"
    assert "clusterIP" not in action.inverse.arguments["manifest"]["spec"]


async def test_deleting_a_pod_of_a_controller_is_a_replacement() -> None:
    action = (await proposed(shop(), "delete_resource", "shop/Pod/web-0")).action
    assert action.risk.level == "medium"
    assert action.no_way_back is not None and action.no_way_back.code == "owner_recreates"


async def test_draining_names_the_pods_and_leaves_daemons_alone() -> None:
    cluster = shop(node(), pod("agent-x", app="agent", owner="DaemonSet"))
    cluster.blocked = {"web-1"}
    action = (await proposed(cluster, "drain_node", "Node/node-2")).action
    assert action.effects.pods == ["shop/web-0", "shop/web-1", "shop/web-2"]
    assert any("disruption budget" in warning for warning in action.warnings)
    assert action.inverse == Action(kind="uncordon_node", resource="Node/node-2")
    assert action.risk.level == "high"


@pytest.mark.parametrize(
    ("extra", "flag"),
    [
        (pod("lonely", app="lonely", owner=None), "force"),
        (pod("cache", app="cache", volumes=[{"name": "t", "emptyDir": {}}]), "delete_emptydir_data"),
    ],
)
async def test_draining_asks_before_pods_or_data_are_lost(extra: Any, flag: str) -> None:
    with pytest.raises(ActionError, match=flag):
        await proposed(shop(node(), extra), "drain_node", "Node/node-2")
    action = (await proposed(shop(node(), extra), "drain_node", "Node/node-2", **{flag: True})).action
    assert len(action.effects.pods) == 4


async def test_missing_rights_are_named_before_anybody_approves() -> None:
    cluster = shop()
    cluster.denied = {"patch Deployment/scale in shop"}
    action = (await proposed(cluster, "scale_workload", replicas=5)).action
    assert action.lacking == ["patch Deployment/scale in shop"]
    assert action.dry_run == "none"


async def test_kinds_that_may_not_be_listed_are_noted() -> None:
    cluster = shop()
    cluster.denied = {"list PodDisruptionBudget"}
    action = (await proposed(cluster, "restart_rollout")).action
    assert any(note.code == "may_not_see" for note in action.effects.notes)


async def test_an_admission_refusal_is_passed_on() -> None:
    cluster = shop()
    refusing = Forbidden("Deployment", 'admission webhook "guard" denied the request')

    async def refuse(request: Any, *, dry_run: bool) -> Any:
        raise refusing

    cluster.write = refuse  # type: ignore[method-assign]
    with pytest.raises(Forbidden, match="guard"):
        await proposed(cluster, "restart_rollout")


async def test_the_digest_binds_everything_that_is_approved() -> None:
    action = (await proposed(shop(), "scale_workload", replicas=5)).action
    changed = [
        {"cluster": "other"},
        {"resource": "shop/Deployment/cart"},
        {"arguments": {"replicas": 6}},
        {"kind": "delete_resource"},
        {"outcome": "x"},
        {"precondition": action.precondition.model_copy(update={"uid": "other"})},
        {"precondition": action.precondition.model_copy(update={"resource_version": "1"})},
    ]
    digests = {action.model_copy(update=update).digest for update in changed}
    assert len(digests) == len(changed) and action.digest not in digests


async def test_a_missing_object_is_named() -> None:
    with pytest.raises(ActionError, match="there is no shop/Deployment/ghost"):
        await proposed(shop(), "scale_workload", "shop/Deployment/ghost", replicas=1)


def test_a_target_reads_as_it_is_written() -> None:
    for text in (WEB, "Node/node-2"):
        assert str(Target.parse(text)) == text
    for wrong in ("web", "a/b/c/d", "a//b", ""):
        with pytest.raises(ActionError):
            Target.parse(wrong)
