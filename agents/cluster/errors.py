"""What can go wrong between us and a cluster, in words for the person who reads them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any


class ClusterError(Exception):
    """Base of everything here. `str(error)` says what failed, where, and what to do."""


class AmbiguousCluster(ClusterError):
    """Several clusters are configured and none was named."""

    def __init__(self, names: Sequence[str]) -> None:
        self.names = list(names)
        super().__init__(f"several clusters are configured; name one as cluster_id: {', '.join(self.names)}")


class UnknownCluster(ClusterError):
    """The named cluster is no context of the kubeconfig."""

    def __init__(self, name: str, names: Sequence[str]) -> None:
        self.name, self.names = name, list(names)
        known = ", ".join(self.names) or "none"
        super().__init__(f"there is no cluster {name!r}; known clusters (kubeconfig contexts): {known}")


class NoCluster(ClusterError):
    """Neither a usable kubeconfig nor an in-cluster service account."""


class UnknownKind(ClusterError):
    """Neither a built-in kind nor a custom resource of the cluster."""

    def __init__(self, kind: str) -> None:
        self.kind = kind
        super().__init__(f"{kind!r} is no kind of object that this cluster is known to serve")


class ApiError(ClusterError):
    """The API server answered with an error. `status` is the HTTP code, `details` the Status object's details."""

    def __init__(self, message: str, *, status: int, reason: str = "", details: dict[str, Any] | None = None) -> None:
        self.status, self.reason, self.details = status, reason, details or {}
        super().__init__(message)


class Forbidden(ApiError):
    """RBAC does not allow it (403), or the credentials are not accepted (401)."""

    def __init__(self, kind: str, message: str, *, status: int = 403, reason: str = "Forbidden") -> None:
        self.kind = kind
        super().__init__(message, status=status, reason=reason)


class NotFound(ApiError):
    """No such object, or no such kind on this server."""


class Conflict(ApiError):
    """The object changed in between, exists already, or another field manager owns the field (409)."""


class Expired(ApiError):
    """The continue token or resourceVersion is too old (410); list again."""


class Rejected(ApiError):
    """The request itself was refused: invalid object, admission, policy (400, 403 by admission, 405, 415, 422)."""


class Throttled(ApiError):
    """429, still after retries; for an eviction: a PodDisruptionBudget does not allow it now."""


class Unavailable(ClusterError):
    """The API server, or an aggregated API behind it, could not be reached or is broken."""

    def __init__(self, cluster: str, reason: str) -> None:
        self.cluster, self.reason = cluster, reason
        super().__init__(f"cluster {cluster!r} is not available: {reason}")


class TimedOut(ClusterError):
    """No answer within the time allowed."""

    def __init__(self, cluster: str, what: str, seconds: float) -> None:
        self.cluster, self.seconds = cluster, seconds
        super().__init__(f"cluster {cluster!r} did not answer within {seconds:g} s: {what}")


def error_of(cluster: str, request: str, code: int, message: str, status: Mapping[str, Any]) -> ClusterError:
    """The typed error for an error answer of the API: HTTP code, message, and the Status object, if it sent one."""
    reason, details = str(status.get("reason") or ""), dict(status.get("details") or {})
    if code == 401:
        text = f"cluster {cluster!r} does not accept the credentials (401): {message}"
        return Forbidden("", text, status=code, reason=reason)
    if code == 403 and not _refused_by_admission(message):
        return Forbidden(str(details.get("kind") or ""), f"not allowed on cluster {cluster!r}: {message}")
    if code >= 500:
        return Unavailable(cluster, f"{request} answered {code}: {message}")
    error = {404: NotFound, 409: Conflict, 410: Expired, 429: Throttled}.get(code, Rejected)
    return error(message, status=code, reason=reason, details=details)


def _refused_by_admission(message: str) -> bool:
    """Quota, PodSecurity and webhooks answer 403 too; only RBAC says who `cannot` do what."""
    return " cannot " not in message and ("is forbidden: " in message or "admission webhook" in message)
