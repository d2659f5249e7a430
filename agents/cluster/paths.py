"""URL paths of collections and objects, from names that a model or an attacker may have chosen."""

from __future__ import annotations

from urllib.parse import quote

from agents.cluster.errors import Rejected
from agents.cluster.kinds import Kind


def collection_path(kind: Kind, namespace: str | None = None) -> str:
    """Where all objects of a kind are, of one namespace or of all."""
    base = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
    if namespace is not None and kind.namespaced:
        base += f"/namespaces/{segment(namespace)}"
    return f"{base}/{kind.plural}"


def object_path(kind: Kind, name: str, namespace: str | None = None, subresource: str | None = None) -> str:
    """Where one object is. Raises Rejected for a namespaced kind without namespace, and for impossible names."""
    if kind.namespaced and namespace is None:
        raise Rejected(f"{kind.name} {name!r}: which namespace?", status=400)
    path = f"{collection_path(kind, namespace)}/{segment(name)}"
    return f"{path}/{segment(subresource)}" if subresource else path


def segment(name: str) -> str:
    """A name as one path segment. Raises Rejected for names that would mean another path.

    An empty name would turn the deletion of an object into that of its collection, and `..` into that of its namespace.
    """
    if name in ("", ".", "..") or "/" in name or "%" in name:
        raise Rejected(f"{name!r} is no name of a Kubernetes object", status=400)
    return quote(name, safe=":")
