"""What may be changed, by whom, when, and how much. Pure: settings and a prepared Action in, a verdict out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase

from croniter import croniter

from agents.executor.action import Note, PreparedAction, Target
from agents.runtime.settings import (
    AutoApprovalSettings,
    FreezeSettings,
    PolicySettings,
    RuleSettings,
    ToolCallSettings,
)


@dataclass(frozen=True)
class Person:
    """Who approves. The name was verified by whoever signed the Approval."""

    name: str
    groups: tuple[str, ...] = ()

    def is_one_of(self, names: Sequence[str]) -> bool:
        """Whether a list of names, `group:NAME` and patterns means this person."""
        own = [self.name, *(f"group:{group}" for group in self.groups)]
        return any(fnmatchcase(mine, pattern) for pattern in names for mine in own)


@dataclass(frozen=True)
class Surroundings:
    """What the policy knows beside the Action."""

    now: datetime
    labels: dict[str, str]
    """Of the object."""
    closed_nodes: tuple[str, ...] = ()
    """Nodes that are closed to new pods already."""


def refusal(policy: PolicySettings, action: PreparedAction, around: Surroundings, person: Person | None) -> Note | None:
    """The rule that forbids the Action, or None. Without a person, only what forbids it to everybody."""
    return (
        _never(policy, action)
        or _unnamed_tool(policy, action)
        or _protected(policy, action)
        or _frozen(policy, action, around.now)
        or _beyond_limits(policy, action, around)
        or _by_rule(policy, action, around, person)
        or (_not_an_approver(policy, action, person) if person else None)
    )


def auto_approval(policy: PolicySettings, action: PreparedAction) -> AutoApprovalSettings | None:
    """The entry that approves this Action without a person: low risk, complete, a way back, and named."""
    if action.risk.level != "low" or action.lacking or action.dry_run != "server" or action.inverse is None:
        return None
    for entry in policy.auto_approve:
        covered = action.kind in entry.kinds and _matches(entry.namespaces, action.target.namespace)
        if covered and action.target.namespace and _matches(entry.clusters, action.cluster):
            return entry
    return None


def named_tools(policy: PolicySettings, cluster: str, server: str, tool: str) -> ToolCallSettings | None:
    """The entry that lets this tool of another server be proposed, by its exact name; None when there is none."""
    for entry in policy.tool_calls:
        if entry.server == server and tool in entry.tools and _matches(entry.clusters, cluster):
            return entry
    return None


def _unnamed_tool(policy: PolicySettings, action: PreparedAction) -> Note | None:
    if action.kind != "call_tool":
        return None
    server, tool = str(action.arguments.get("server")), str(action.arguments.get("tool"))
    if named_tools(policy, action.cluster, server, tool):
        return None
    return Note(code="policy_tool", facts={"server": server, "tool": tool, "cluster": action.cluster})


def _never(policy: PolicySettings, action: PreparedAction) -> Note | None:
    if action.kind in policy.never:
        return Note(code="policy_never", facts={"kind": action.kind})
    return None


def _protected(policy: PolicySettings, action: PreparedAction) -> Note | None:
    target = action.target
    namespace = target.name if target.kind == "Namespace" else target.namespace
    if namespace in policy.protected_namespaces:
        return Note(code="policy_protected", facts={"namespace": namespace})
    return None


def _frozen(policy: PolicySettings, action: PreparedAction, now: datetime) -> Note | None:
    for freeze in policy.freezes:
        covered = _matches(freeze.clusters, action.cluster) and _matches(freeze.namespaces, action.target.namespace)
        until = frozen_until(freeze, now) if covered else None
        if until is not None:
            return Note(code="policy_freeze", facts={"name": freeze.name, "until": until.isoformat(timespec="minutes")})
    return None


def frozen_until(freeze: FreezeSettings, now: datetime) -> datetime | None:
    """When the freeze that holds now ends; None when it does not hold."""
    if freeze.cron is not None:
        begun: datetime = croniter(freeze.cron, now + timedelta(seconds=1)).get_prev(datetime)
        end = begun + timedelta(hours=freeze.hours)
        return end if begun <= now < end else None
    if freeze.start is None or freeze.end is None:
        return None
    return freeze.end if freeze.start <= now < freeze.end else None


def _beyond_limits(policy: PolicySettings, action: PreparedAction, around: Surroundings) -> Note | None:
    replicas = action.effects.replicas_after
    grows = replicas is not None and replicas > (action.effects.replicas_before or 0)
    if replicas is not None and grows and replicas > policy.max_replicas:
        return Note(code="policy_replicas", facts={"most": policy.max_replicas, "wanted": replicas})
    if action.kind in ("cordon_node", "drain_node"):
        others = [name for name in around.closed_nodes if name != action.target.name]
        if len(others) >= policy.max_nodes:
            return Note(code="policy_nodes", facts={"most": policy.max_nodes, "closed": ", ".join(others)})
    return None


def _by_rule(
    policy: PolicySettings, action: PreparedAction, around: Surroundings, person: Person | None
) -> Note | None:
    for rule in policy.rules:
        if rule.users is not None and person is None:
            if rule.allow and _covers(rule, action, around, None):
                return None  # somebody may; who it is shows at the approval
            continue
        if _covers(rule, action, around, person):
            return None if rule.allow else Note(code="policy_rule", facts={"name": rule.name})
    return None if policy.otherwise_allow else Note(code="policy_no_rule")


def _covers(rule: RuleSettings, action: PreparedAction, around: Surroundings, person: Person | None) -> bool:
    target = action.target
    return (
        (rule.kinds is None or action.kind in rule.kinds)
        and _matches(rule.clusters, action.cluster)
        and _matches(rule.namespaces, target.namespace)
        and _matches(rule.resources, _short(target))
        and all(around.labels.get(key) == value for key, value in rule.labels.items())
        and (rule.users is None or person is None or person.is_one_of(rule.users))
    )


def _not_an_approver(policy: PolicySettings, action: PreparedAction, person: Person) -> Note | None:
    names = {
        "low": policy.approvers.low,
        "medium": policy.approvers.medium,
        "high": policy.approvers.high,
    }[action.risk.level]
    if person.is_one_of(names):
        return None
    return Note(code="policy_approver", facts={"who": person.name, "risk": action.risk.level})


def _matches(patterns: Sequence[str] | None, value: str) -> bool:
    return patterns is None or any(fnmatchcase(value, pattern) for pattern in patterns)


def _short(target: Target) -> str:
    return f"{target.kind}/{target.name}"
