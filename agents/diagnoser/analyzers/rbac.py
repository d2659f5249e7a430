"""Requests that the API server refuses: what logs say is forbidden, checked against present roles and bindings."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from datetime import timedelta

from agents.diagnoser.changed import changed_at
from agents.diagnoser.containers import ContainerView
from agents.diagnoser.events import view_event
from agents.diagnoser.evidence import from_event, from_log, from_object
from agents.diagnoser.fields import Obj, items, kind_of, name_of, namespace_of, number, resource_of, strings, text
from agents.diagnoser.observation import Observation
from agents.diagnoser.permissions import Request, allowed, is_subject, role_of, to_blame
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Evidence

_FORBIDDEN = re.compile(
    r"User \\?\"system:serviceaccount:(?P<ns>[\w.-]+):(?P<account>[\w.-]+)\\?\" cannot (?P<verb>\w+) resource"
    r" \\?\"(?P<resource>[\w./-]+)\\?\" in API group \\?\"(?P<group>[\w.-]*)\\?\""
    r"(?P<scope> in the namespace \\?\"(?P<where>[\w.-]+)\\?\"| at the cluster scope)?"
)
_FRESH = timedelta(hours=2)
_NAMED = re.compile(r"[\w.]+ \\?\"(?P<name>[\w.:-]+)\\?\" is forbidden")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per role or binding to blame. Needs sight of all roles and bindings."""
    if not snapshot.can_see("Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding"):
        return
    for view in snapshot.containers:
        found: dict[Request, str] = {}
        for line in (*snapshot.log(view).splitlines(), text(view.ended, "message")):
            request = read_refusal(line)
            if request is not None:
                found[request] = line
        for request, line in found.items():
            if not allowed(snapshot, request):
                yield _denied(snapshot, request, from_log(snapshot, view, line), line, view)
    for event in map(view_event, snapshot.kind("Event")):
        request = read_refusal(event.message) if event.warning else None
        fresh = event.last is None or snapshot.now - event.last <= _FRESH
        if request is not None and fresh and not allowed(snapshot, request):
            yield _denied(snapshot, request, from_event(snapshot, event), event.message, None)
    yield from _audited(snapshot)


def read_refusal(line: str) -> Request | None:
    """The request that the API server's `forbidden` message speaks of."""
    found = _FORBIDDEN.search(line)
    if found is None:
        return None
    named = _NAMED.search(line)
    return Request(
        found["ns"], found["account"], found["verb"], found["resource"], found["group"], found["where"] or "",
        named["name"] if named else "",
    )  # fmt: skip


def _audited(snapshot: Snapshot) -> Iterator[Observation]:
    """Refusals in the audit log of the last hour, for programs that do not say so themselves."""
    for event in snapshot.audit:
        about, user = event.get("objectRef"), text(event, "user", "username").split(":")
        if number(event, "responseStatus", "code") != 403 or user[:2] != ["system", "serviceaccount"] or len(user) != 4:
            continue
        resource = "/".join(p for p in (text(about, "resource"), text(about, "subresource")) if p)
        request = Request(
            user[2],
            user[3],
            text(event, "verb"),
            resource,
            text(about, "apiGroup"),
            text(about, "namespace"),
            text(about, "name"),
        )
        if not resource or allowed(snapshot, request):
            continue
        line = f"403 {request.verb} {resource} {text(about, 'namespace')} by {request.user}"
        evidence = Evidence(
            source="audit log",
            query=f"user={request.user} verb={request.verb} resource={resource} code=403",
            observed_at=snapshot.now,
            excerpt=line,
        )
        if any(_runs_as(snapshot, pod, request) for pod in snapshot.active_pods):
            yield _denied(snapshot, request, evidence, line, None)


def _runs_as(snapshot: Snapshot, pod: Obj, request: Request) -> bool:
    account = text(pod, "spec", "serviceAccountName") or "default"
    return (namespace_of(pod), account) == (request.account_namespace, request.account)


def _denied(
    snapshot: Snapshot, request: Request, evidence: Evidence, line: str, view: ContainerView | None
) -> Observation:
    blamed = to_blame(snapshot, request)
    users = [snapshot.top_name(p) for p in snapshot.active_pods if _runs_as(snapshot, p, request)]
    affected = tuple(dict.fromkeys(([snapshot.top_name(view.pod)] if view else []) + users))
    rules = [
        f"{', '.join(strings(r, 'resources'))}: {', '.join(strings(r, 'verbs'))}"
        for r in items(blamed if blamed is not None and kind_of(blamed).endswith("Role") else None, "rules")
    ]
    facts = {
        "verb": request.verb,
        "api_resource": request.resource,
        "group": request.group,
        "group_shown": request.group or '""',
        "where": request.namespace,
        "scope": f"namespace {request.namespace}" if request.namespace else "the cluster scope",
        "account": request.user,
        "account_name": request.account,
        "account_namespace": request.account_namespace,
        "blamed_kind": kind_of(blamed),
        "blamed_name": name_of(blamed),
        "rules": rules,
        "subjects": [f"{text(s, 'kind')} {text(s, 'namespace')}/{text(s, 'name')}" for s in items(blamed, "subjects")],
        "role_ref": text(blamed, "roleRef", "name"),
        "role_missing": "true"
        if blamed is not None and "Binding" in kind_of(blamed) and role_of(snapshot, blamed) is None
        else "",
        "bound": "true" if blamed is not None and "Binding" in kind_of(blamed) and is_subject(blamed, request) else "",
        "workload": affected[0].split("/")[-1] if affected else "",
        "message": line,
    }
    told = (
        f"rules: {'; '.join(rules)}"
        if rules
        else f"subjects: {', '.join(facts['subjects'])}; roleRef {facts['role_ref']}"
    )
    workload = affected[0] if affected else request.user
    return Observation(
        resource=resource_of(blamed) if blamed is not None else workload,
        fault="rbac_denied",
        facts=facts,
        evidence=(evidence, *([from_object(snapshot, blamed, told)] if blamed is not None else [])),
        since=changed_at(snapshot, blamed) if blamed is not None else None,
        affects=affected,
        confidence=0.95 if blamed is not None else 0.7,
    )
