"""Numbers derived from pods: what quotas count as used, and what disruption budgets allow."""

from __future__ import annotations

from sandbox import quantities
from sandbox.admission import quota_usage
from sandbox.controllers.world import World
from sandbox.objects import Object, dig, labels_of
from sandbox.resources import PODS
from sandbox.selectors import matches
from sandbox.subresources import allowed_disruptions

QUOTAS = ("", "resourcequotas")
BUDGETS = ("policy", "poddisruptionbudgets")


def reconcile(world: World, namespace: str) -> None:
    """Recompute both for a namespace whose pods changed."""
    store = world.cluster.store
    pods = store.list(PODS, namespace)
    for quota in store.list(QUOTAS, namespace):
        hard: dict[str, str] = dig(quota, "spec.hard") or {}
        if (quota.get("spec") or {}).get("scopes") or (quota.get("spec") or {}).get("scopeSelector"):
            continue
        used = {name: quantities.write(value, hard[name]) for name, value in quota_usage(pods, hard).items()}
        before: dict[str, str] = dig(quota, "status.used") or {}
        changed = {
            n: v for n, v in used.items() if n not in before or quantities.parse(before[n]) != quantities.parse(v)
        }
        if changed or dig(quota, "status.hard") != hard:
            status = {**(quota.get("status") or {}), "hard": hard, "used": {**before, **changed}}
            store.put(QUOTAS, {**quota, "status": status})
    for budget in store.list(BUDGETS, namespace):
        _write_budget(world, budget, pods)


def _write_budget(world: World, budget: Object, pods: list[Object]) -> None:
    allowed, needed, healthy = allowed_disruptions(world.cluster, budget)
    expected = sum(matches(dig(budget, "spec.selector"), labels_of(pod)) for pod in pods)
    numbers = {
        "disruptionsAllowed": allowed,
        "desiredHealthy": needed,
        "currentHealthy": healthy,
        "expectedPods": expected,
    }
    world.cluster.store.put(BUDGETS, {**budget, "status": {**(budget.get("status") or {}), **numbers}})
