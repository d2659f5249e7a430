"""Every kind of Action, and what plans it."""

from __future__ import annotations

from agents.executor.changes.change import Plan
from agents.executor.changes.containers import set_env, set_image, set_resources
from agents.executor.changes.nodes import cordon_node, drain_node, uncordon_node
from agents.executor.changes.objects import apply_manifest, delete_resource, patch_resource
from agents.executor.changes.workloads import restart_rollout, scale_workload, undo_rollout
from agents.runtime.findings import ActionKind

CHANGES: dict[ActionKind, Plan] = {
    "scale_workload": scale_workload,
    "set_resources": set_resources,
    "set_image": set_image,
    "set_env": set_env,
    "restart_rollout": restart_rollout,
    "undo_rollout": undo_rollout,
    "patch_resource": patch_resource,
    "apply_manifest": apply_manifest,
    "delete_resource": delete_resource,
    "cordon_node": cordon_node,
    "uncordon_node": uncordon_node,
    "drain_node": drain_node,
}
