"""RBAC as the API server evaluates it: may a service account do this, and if not, whose fault is that?"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from agents.diagnoser.fields import Obj, items, kind_of, name_of, namespace_of, strings, text
from agents.diagnoser.snapshot import Snapshot


@dataclass(frozen=True)
class Request:
    """One thing that a service account wants to do; `namespace` is empty at the cluster scope."""

    account_namespace: str
    account: str
    verb: str
    resource: str
    """The plural, with the subresource: `pods/log`."""
    group: str = ""
    namespace: str = ""
    name: str = ""

    @property
    def user(self) -> str:
        """The user name of the account."""
        return f"system:serviceaccount:{self.account_namespace}:{self.account}"


def rule_allows(rule: Obj, request: Request) -> bool:
    """Whether one rule of a role covers a request."""
    groups, resources, verbs = (strings(rule, key) for key in ("apiGroups", "resources", "verbs"))
    names = strings(rule, "resourceNames")
    plain = request.resource.split("/")[-1]
    wanted = {request.resource, "*"} | ({f"*/{plain}"} if "/" in request.resource else set())
    return (
        bool({request.group, "*"} & set(groups))
        and bool(wanted & set(resources))
        and bool({request.verb, "*"} & set(verbs))
        and (not names or request.name in names)
    )


def role_allows(role: Obj | None, request: Request) -> bool:
    """Whether any rule of a role covers a request."""
    return any(rule_allows(rule, request) for rule in items(role, "rules"))


def is_subject(binding: Obj, request: Request) -> bool:
    """Whether a binding is about the account."""
    groups = {"system:serviceaccounts", f"system:serviceaccounts:{request.account_namespace}", "system:authenticated"}
    for subject in items(binding, "subjects"):
        kind, name = text(subject, "kind"), text(subject, "name")
        namespace = text(subject, "namespace") or namespace_of(binding)
        if kind == "ServiceAccount" and (name, namespace) == (request.account, request.account_namespace):
            return True
        if (kind == "User" and name == request.user) or (kind == "Group" and name in groups):
            return True
    return False


def role_of(snapshot: Snapshot, binding: Obj) -> Obj | None:
    """The role that a binding refers to, None when it does not exist."""
    kind, name = text(binding, "roleRef", "kind"), text(binding, "roleRef", "name")
    return snapshot.get(kind, namespace_of(binding) if kind == "Role" else "", name)


def bindings(snapshot: Snapshot, request: Request) -> Iterator[Obj]:
    """Bindings that count for a request: cluster-wide ones, and those of its namespace."""
    yield from snapshot.kind("ClusterRoleBinding")
    if request.namespace:
        yield from snapshot.in_namespace("RoleBinding", request.namespace)


def allowed(snapshot: Snapshot, request: Request) -> bool:
    """Whether the account may do it now."""
    return any(
        is_subject(b, request) and role_allows(role_of(snapshot, b), request) for b in bindings(snapshot, request)
    )


def to_blame(snapshot: Snapshot, request: Request) -> Obj | None:
    """The role that lacks the rule, or the binding that does not reach: what a person would have to correct.

    In this order: a binding of the account whose role is gone; a binding that would help but names somebody else, or
    sits in another namespace; the account's own role that says nearly this; any role that is bound to it.
    """
    mine = [b for b in bindings(snapshot, request) if is_subject(b, request)]
    gone = [b for b in mine if role_of(snapshot, b) is None]
    if gone:
        return gone[0]
    roles = [r for r in (role_of(snapshot, b) for b in mine) if r is not None]
    about = [r for r in roles if _concerns(r, request)]
    if about:
        return sorted(about, key=lambda r: kind_of(r) != "Role")[0]
    astray = _astray(snapshot, request)
    if astray is not None:
        return astray
    own = [r for r in roles if not name_of(r).startswith("system:")]
    return sorted(own, key=lambda r: (request.account not in name_of(r), kind_of(r) != "Role"))[0] if own else None


def _concerns(role: Obj, request: Request) -> bool:
    """Whether a role speaks of the same resource, or of the same verb on a neighbouring one."""
    plain = request.resource.split("/")[0]
    return any(plain in [r.split("/")[0] for r in strings(rule, "resources")] for rule in items(role, "rules"))


def _astray(snapshot: Snapshot, request: Request) -> Obj | None:
    """A binding to a role that would allow the request, whose subjects or namespace miss the account."""
    near: list[tuple[int, Obj]] = []
    for kind in ("RoleBinding", "ClusterRoleBinding"):
        for binding in snapshot.kind(kind):
            role = role_of(snapshot, binding)
            if not role_allows(role, request) or name_of(role).startswith(("system:", "cluster-admin")):
                continue
            subjects = items(binding, "subjects")
            same_name = any(text(s, "name") == request.account for s in subjects)
            if is_subject(binding, request) or same_name:
                near.append((0, binding))
            elif (
                namespace_of(binding) == request.namespace and request.account in f"{name_of(binding)} {name_of(role)}"
            ):
                near.append((1, binding))
    return min(near, key=lambda n: (n[0], name_of(n[1])))[1] if near else None
