"""The writes, as thin as they can be. Whether one may happen at all is decided by the executor's gate, not here."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Literal

from agents.cluster.connection import Connection
from agents.cluster.kinds import CATALOGUE, Kind
from agents.cluster.paths import collection_path, object_path
from agents.cluster.secrets import without_secrets

POD = CATALOGUE.get("Pod")
FIELD_MANAGER = "kubeteam"

PatchType = Literal["merge", "strategic", "json", "apply"]
CONTENT_TYPES: dict[PatchType, str] = {
    "merge": "application/merge-patch+json",
    "strategic": "application/strategic-merge-patch+json",
    "json": "application/json-patch+json",
    "apply": "application/apply-patch+yaml",
}


@dataclass(frozen=True)
class Precondition:
    """The object must still be this one, and unchanged; else the API answers 409 and nothing happens."""

    uid: str | None = None
    resource_version: str | None = None

    @classmethod
    def of(cls, found: dict[str, Any]) -> Precondition:
        """That an object is still as it was read."""
        metadata = found["metadata"]
        return cls(metadata.get("uid"), metadata.get("resourceVersion"))

    def fields(self) -> dict[str, str]:
        """As `metadata` fields and DeleteOptions preconditions write them."""
        both = {"uid": self.uid, "resourceVersion": self.resource_version}
        return {name: value for name, value in both.items() if value}


class Writes(ABC):
    """The part of a Cluster that changes things. With `dry_run` the server does everything but persist."""

    _connection: Connection

    @abstractmethod
    async def kind(self, name: str | Kind) -> Kind:
        """The Kind of that name. Raises UnknownKind."""

    async def create(
        self, body: dict[str, Any], *, dry_run: bool = False, field_manager: str = FIELD_MANAGER
    ) -> dict[str, Any]:
        """Creates the object that the manifest describes."""
        kind, namespace, _ = await self._target(body)
        query = _query(dry_run, field_manager)
        return without_secrets(
            await self._connection.json("POST", collection_path(kind, namespace), query=query, body=body)
        )

    async def patch(
        self,
        kind: str | Kind,
        name: str,
        namespace: str | None,
        body: Any,
        *,
        patch_type: PatchType = "strategic",
        precondition: Precondition | None = None,
        subresource: str | None = None,
        dry_run: bool = False,
        force: bool = False,
        field_manager: str = FIELD_MANAGER,
    ) -> dict[str, Any]:
        """Patches an object, or a subresource of it. Custom resources know no strategic patch: use `merge`."""
        known = await self.kind(kind)
        query = _query(dry_run, field_manager)
        if patch_type == "apply" and force:
            query["force"] = "true"
        if precondition:
            body = _conditional(body, patch_type, precondition)
        answer = await self._connection.json(
            "PATCH",
            object_path(known, name, namespace, subresource),
            query=query,
            body=body,
            content_type=CONTENT_TYPES[patch_type],
        )
        return without_secrets(answer)

    async def apply(
        self,
        body: dict[str, Any],
        *,
        precondition: Precondition | None = None,
        dry_run: bool = False,
        force: bool = False,
        field_manager: str = FIELD_MANAGER,
    ) -> dict[str, Any]:
        """Server-side apply. Raises Conflict, naming the fields' owners, unless forced."""
        kind, namespace, name = await self._target(body)
        return await self.patch(
            kind,
            name,
            namespace,
            body,
            patch_type="apply",
            precondition=precondition,
            dry_run=dry_run,
            force=force,
            field_manager=field_manager,
        )

    async def delete(
        self,
        kind: str | Kind,
        name: str,
        namespace: str | None = None,
        *,
        precondition: Precondition | None = None,
        dry_run: bool = False,
        propagation: Literal["Background", "Foreground", "Orphan"] = "Background",
        grace_seconds: int | None = None,
    ) -> dict[str, Any]:
        """Deletes an object, and what it owns unless orphaned."""
        known = await self.kind(kind)
        options = _delete_options(precondition, dry_run, grace_seconds) | {"propagationPolicy": propagation}
        path = object_path(known, name, namespace)
        return without_secrets(await self._connection.json("DELETE", path, body=options))

    async def scale(
        self,
        kind: str | Kind,
        name: str,
        namespace: str,
        replicas: int,
        *,
        precondition: Precondition | None = None,
        dry_run: bool = False,
        field_manager: str = FIELD_MANAGER,
    ) -> dict[str, Any]:
        """Sets replicas through the scale subresource. Returns the Scale object."""
        body = {"spec": {"replicas": replicas}}
        return await self.patch(
            kind,
            name,
            namespace,
            body,
            patch_type="merge",
            precondition=precondition,
            subresource="scale",
            dry_run=dry_run,
            field_manager=field_manager,
        )

    async def evict(
        self,
        pod: str,
        namespace: str,
        *,
        precondition: Precondition | None = None,
        dry_run: bool = False,
        grace_seconds: int | None = None,
    ) -> dict[str, Any]:
        """Evicts a pod. Raises Throttled when a PodDisruptionBudget does not allow it now."""
        body = {
            "apiVersion": "policy/v1",
            "kind": "Eviction",
            "metadata": {"name": pod, "namespace": namespace},
            "deleteOptions": _delete_options(precondition, dry_run, grace_seconds),
        }
        path = object_path(POD, pod, namespace, "eviction")
        return await self._connection.json("POST", path, query={"dryRun": "All" if dry_run else None}, body=body)

    async def _target(self, body: dict[str, Any]) -> tuple[Kind, str | None, str]:
        api_version, metadata = str(body["apiVersion"]), body["metadata"]
        group = api_version.rpartition("/")[0]
        kind = await self.kind(f"{group}/{body['kind']}")
        namespace = metadata.get("namespace", "default") if kind.namespaced else None
        return kind, namespace, metadata.get("name", "")


def _query(dry_run: bool, field_manager: str) -> dict[str, Any]:
    # Strict: a misspelled field in a manifest must be an error, not silently dropped.
    query = {"fieldManager": field_manager, "fieldValidation": "Strict"}
    return query | {"dryRun": "All"} if dry_run else query


def _conditional(body: Any, patch_type: PatchType, precondition: Precondition) -> Any:
    fields = precondition.fields()
    if patch_type == "json":
        # Written, not tested: a version that has passed is then a conflict (409), as with the other kinds of patch,
        # while a failed test would be an invalid request (422).
        locks = [{"op": "replace", "path": f"/metadata/{name}", "value": value} for name, value in fields.items()]
        return [*locks, *body]
    return {**body, "metadata": {**(body.get("metadata") or {}), **fields}}


def _delete_options(precondition: Precondition | None, dry_run: bool, grace_seconds: int | None) -> dict[str, Any]:
    options: dict[str, Any] = {"apiVersion": "v1", "kind": "DeleteOptions"}
    if precondition and precondition.fields():
        options["preconditions"] = precondition.fields()
    if dry_run:
        options["dryRun"] = ["All"]
    if grace_seconds is not None:
        options["gracePeriodSeconds"] = grace_seconds
    return options
