"""Who asks, and whether they may: bearer tokens, impersonation, and RBAC from the stored Role and Binding objects."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from sandbox.errors import ApiError
from sandbox.objects import Object
from sandbox.resources import REVIEW_GROUPS, Key, Resource
from sandbox.store import Store

_RBAC = "rbac.authorization.k8s.io"
ROLES: Key = (_RBAC, "roles")
ROLE_BINDINGS: Key = (_RBAC, "rolebindings")
CLUSTER_ROLES: Key = (_RBAC, "clusterroles")
CLUSTER_ROLE_BINDINGS: Key = (_RBAC, "clusterrolebindings")
AUTHENTICATED, MASTERS = "system:authenticated", "system:masters"
# What exists is no secret in a sandbox; what is in it needs a token.
_OPEN_PATHS = ("/api", "/apis", "/version", "/openapi")


@dataclass(frozen=True)
class User:
    name: str
    groups: tuple[str, ...] = ()

    @property
    def info(self) -> Object:
        return {"username": self.name, "groups": list(self.groups)}


def service_account(namespace: str, name: str) -> User:
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", AUTHENTICATED)
    return User(f"system:serviceaccount:{namespace}:{name}", groups)


ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))
ADMIN = User("kubernetes-admin", (MASTERS, AUTHENTICATED))


@dataclass(frozen=True)
class Attributes:
    """What somebody wants to do: a verb on a resource, or on a URL path."""

    verb: str
    group: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""
    path: str | None = None


@dataclass
class Access:
    """Tokens and decisions."""

    store: Store
    _tokens: dict[str, User] = field(default_factory=dict)

    def issue(self, user: User) -> str:
        """A new bearer token for this user."""
        token = secrets.token_urlsafe(32)
        self._tokens[token] = user
        return token

    def user_of_token(self, token: str) -> User | None:
        return self._tokens.get(token)

    def identify(self, headers: Mapping[str, str], impersonated_groups: list[str]) -> User:
        """The user of a request, anonymous without a token.

        Raises ApiError 401 for a wrong token, 403 for a forbidden impersonation.
        """
        if "authorization" not in headers:
            return ANONYMOUS
        scheme, _, token = headers.get("authorization", "").partition(" ")
        user = self._tokens.get(token.strip()) if scheme.lower() == "bearer" else None
        if user is None:
            raise ApiError(401, "Unauthorized", "Unauthorized")
        wanted = headers.get("impersonate-user")
        if wanted is None:
            return user
        if not self.allows(user, Attributes("impersonate", resource="users", name=wanted)):
            why = f'users "{wanted}" is forbidden: User "{user.name}" cannot impersonate resource "users"'
            raise ApiError(403, "Forbidden", why + ' in API group "" at the cluster scope', name=wanted, kind="users")
        account = wanted.split(":")
        if account[:2] == ["system", "serviceaccount"] and len(account) == 4 and not impersonated_groups:
            return service_account(account[2], account[3])
        return User(wanted, (*impersonated_groups, AUTHENTICATED))

    def rules(self, user: User, namespace: str) -> Iterator[Object]:
        """The RBAC rules that apply to a user in a namespace ("": at the cluster scope)."""
        for binding in self.store.list(CLUSTER_ROLE_BINDINGS):
            if _binds(binding, user):
                yield from self._role_rules(binding["roleRef"], "")
        for binding in self.store.list(ROLE_BINDINGS, namespace) if namespace else []:
            if _binds(binding, user):
                yield from self._role_rules(binding["roleRef"], namespace)

    def _role_rules(self, reference: Object, namespace: str) -> list[Object]:
        cluster_wide = reference["kind"] == "ClusterRole"
        key = CLUSTER_ROLES if cluster_wide else ROLES
        role = self.store.get(key, "" if cluster_wide else namespace, reference["name"])
        return (role or {}).get("rules") or []

    def allows(self, user: User, wanted: Attributes) -> bool:
        if MASTERS in user.groups:
            return True
        if wanted.path is not None:
            if wanted.verb == "get" and wanted.path.startswith(_OPEN_PATHS):
                return True
            return any(_grants_path(rule, wanted) for rule in self.rules(user, ""))
        if wanted.group in REVIEW_GROUPS and wanted.resource.startswith("selfsubject"):
            return True
        return any(_grants(rule, wanted) for rule in self.rules(user, wanted.namespace))

    def check(self, user: User, resource: Resource, wanted: Attributes) -> None:
        """Raise ApiError 403 in the words of an API server when the user may not."""
        if self.allows(user, wanted):
            return
        named = f' "{wanted.name}"' if wanted.name else ""
        what = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
        where = f'in the namespace "{wanted.namespace}"' if wanted.namespace else "at the cluster scope"
        message = (
            f'{resource.qualified}{named} is forbidden: User "{user.name}" cannot {wanted.verb} '
            f'resource "{what}" in API group "{wanted.group}" {where}'
        )
        raise ApiError(
            403, "Forbidden", message, name=wanted.name or None, group=wanted.group or None, kind=wanted.resource
        )


def _binds(binding: Object, user: User) -> bool:
    for subject in binding.get("subjects") or []:
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "ServiceAccount":
            space = subject.get("namespace") or binding["metadata"].get("namespace")
            if user.name == f"system:serviceaccount:{space}:{name}":
                return True
        elif (kind == "User" and name == user.name) or (kind == "Group" and name in user.groups):
            return True
    return False


def _listed(allowed: list[str] | None, value: str) -> bool:
    return "*" in (allowed or ()) or value in (allowed or ())


def _grants(rule: Object, wanted: Attributes) -> bool:
    resources: list[str] = rule.get("resources") or []
    full = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
    named = rule.get("resourceNames")
    return (
        _listed(rule.get("verbs"), wanted.verb)
        and _listed(rule.get("apiGroups"), wanted.group)
        and (_listed(resources, full) or bool(wanted.subresource and f"*/{wanted.subresource}" in resources))
        and (not named or wanted.name in named)
    )


def _grants_path(rule: Object, wanted: Attributes) -> bool:
    path = wanted.path or ""
    return _listed(rule.get("verbs"), wanted.verb) and any(
        allowed == path or (allowed.endswith("*") and path.startswith(allowed[:-1]))
        for allowed in rule.get("nonResourceURLs") or []
    )
