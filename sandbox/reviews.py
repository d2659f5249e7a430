"""Access and token reviews: questions in the form of objects, answered and not stored."""

from __future__ import annotations

from sandbox.access import MASTERS, Access, Attributes, User
from sandbox.objects import Object
from sandbox.resources import Resource


def answer(access: Access, resource: Resource, body: Object, user: User) -> Object:
    """The review with its status."""
    spec: Object = body.get("spec") or {}
    review: Object = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": {}, "spec": spec}
    if resource.plural == "selfsubjectreviews":
        del review["spec"]
        review["status"] = {"userInfo": user.info}
    elif resource.plural == "tokenreviews":
        known = access.user_of_token(spec.get("token", ""))
        review["status"] = {"authenticated": True, "user": known.info} if known else {"authenticated": False}
    elif resource.plural == "selfsubjectrulesreviews":
        review["status"] = _rules(access, user, spec.get("namespace", ""))
    else:
        asked = user if resource.plural.startswith("self") else _named(spec)
        allowed = access.allows(asked, _attributes(spec))
        review["status"] = {"allowed": True, "reason": "RBAC: allowed"} if allowed else {"allowed": False}
    return review


def _named(spec: Object) -> User:
    return User(spec.get("user", ""), tuple(spec.get("groups") or ()))


def _attributes(spec: Object) -> Attributes:
    asked: Object | None = spec.get("resourceAttributes")
    if asked is None:
        path: Object = spec.get("nonResourceAttributes") or {}
        return Attributes(path.get("verb", "get"), path=path.get("path", "/"))
    return Attributes(
        verb=asked.get("verb", ""),
        group=asked.get("group", ""),
        resource=asked.get("resource", ""),
        subresource=asked.get("subresource", ""),
        namespace=asked.get("namespace", ""),
        name=asked.get("name", ""),
    )


def _rules(access: Access, user: User, namespace: str) -> Object:
    rules = list(access.rules(user, namespace))
    if MASTERS in user.groups:
        rules = [
            {"verbs": ["*"], "apiGroups": ["*"], "resources": ["*"]},
            {"verbs": ["*"], "nonResourceURLs": ["*"]},
        ]
    return {
        "resourceRules": [rule for rule in rules if rule.get("resources")],
        "nonResourceRules": [rule for rule in rules if rule.get("nonResourceURLs")],
        "incomplete": False,
    }
