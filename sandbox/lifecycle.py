"""Creating, updating and deleting objects by the rules of an API server: identity, generations, status, finalizers."""

from __future__ import annotations

import base64
import random
import uuid
from collections.abc import Callable

from sandbox import defaults, times
from sandbox.admission import PodGate, Write, validate, validate_update
from sandbox.apply import track_update
from sandbox.errors import ApiError, already_exists, bad_request, conflict, invalid, not_found
from sandbox.objects import Object, clone, is_deleted, name_of, namespace_of, uid_of
from sandbox.resources import CRDS, NAMESPACES, PODS, Catalogue, Resource
from sandbox.schema import of_kind
from sandbox.store import Store

_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_FIXED = (
    "uid",
    "creationTimestamp",
    "namespace",
    "name",
    "selfLink",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
)
_GENERATIONS = ("Event", "ConfigMap", "Secret", "ServiceAccount", "Endpoints", "Lease", "Role", "ClusterRole", "Node")
_PHASES = {"Pod": "Pending", "Namespace": "Active", "PersistentVolumeClaim": "Pending", "PersistentVolume": "Available"}
CONTROLLERS = Write(manager="kube-controller-manager", field_validation="Ignore")


def random_suffix(length: int = 5) -> str:
    return "".join(random.choices(_LETTERS, k=length))


def _bumps_generation(obj: Object) -> bool:
    return "spec" in obj and obj["kind"] not in _GENERATIONS


class Lifecycle:
    """All writes go through here, those of clients and those of controllers."""

    def __init__(self, store: Store, catalogue: Catalogue) -> None:
        self.store = store
        self.catalogue = catalogue
        self.gates: list[Callable[[Object], None]] = []
        """Further admission of pods: called with the pod, raise ApiError to refuse it."""
        pods = catalogue.find("", "v1", "pods")
        assert pods is not None
        self._pod_gate = PodGate(store, pods)

    def create(self, resource: Resource, body: Object, namespace: str, write: Write) -> Object:
        """Create an object. Raises ApiError: 400, 403 (quota and the like), 404 (namespace), 409 or 422."""
        obj = clone(body)
        obj["apiVersion"], obj["kind"] = resource.api_version, resource.kind
        meta: Object = obj.setdefault("metadata", {})
        if resource.namespaced:
            self._place(meta, namespace)
        if not meta.get("name") and meta.get("generateName"):
            meta["name"] = meta["generateName"] + random_suffix()
        if not meta.get("name"):
            raise invalid(resource, "", ["metadata.name: Required value: name or generateName is required"])
        if self.store.get(resource.key, namespace_of(obj), name_of(obj)) is not None:
            raise already_exists(resource, name_of(obj))
        if write.field_validation != "Ignore" or write is not CONTROLLERS:
            validate(resource, obj, write)
        self._identify(resource, obj)
        defaults.fill(obj)
        if resource.kind == "Secret":
            _encode_string_data(obj)
        if resource.key == PODS:
            self._pod_gate.admit(obj)
            for gate in self.gates:
                gate(obj)
        if write is not CONTROLLERS and "managedFields" not in meta:
            track_update(None, obj, self._schema(resource), write.manager, times.stamp())
        if write.dry_run:
            meta["resourceVersion"] = ""
            return obj
        created = self.store.put(resource.key, obj)
        if resource.key == CRDS:
            self.catalogue.define(created)
            created = self._establish(created)
        return created

    def _place(self, meta: Object, namespace: str) -> None:
        if meta.setdefault("namespace", namespace) != namespace:
            raise bad_request(
                f"the namespace of the provided object ({meta['namespace']}) does not match "
                f"the namespace sent on the request ({namespace})"
            )
        home = self.store.get(NAMESPACES, "", namespace)
        if home is None:
            raise ApiError(404, "NotFound", f'namespaces "{namespace}" not found', name=namespace, kind="namespaces")
        if is_deleted(home):
            why = f"unable to create new content in namespace {namespace} because it is being terminated"
            raise ApiError(403, "Forbidden", why, name=namespace, kind="namespaces")

    def _identify(self, resource: Resource, obj: Object) -> None:
        meta = obj["metadata"]
        meta.update(uid=str(uuid.uuid4()), creationTimestamp=times.stamp())
        for name in ("resourceVersion", "deletionTimestamp", "selfLink"):
            meta.pop(name, None)
        if _bumps_generation(obj):
            meta["generation"] = 1
        if "status" in resource.subresources:
            obj.pop("status", None)
            if resource.kind in _PHASES:
                obj["status"] = {"phase": _PHASES[resource.kind]}

    def _establish(self, crd: Object) -> Object:
        now = times.stamp()
        conditions = [
            {"type": kind, "status": "True", "reason": reason, "message": "", "lastTransitionTime": now}
            for kind, reason in (("NamesAccepted", "NoConflicts"), ("Established", "InitialNamesAccepted"))
        ]
        names = crd["spec"]["names"]
        stored = [version["name"] for version in crd["spec"].get("versions") or [] if version.get("storage")]
        status = {"conditions": conditions, "acceptedNames": names, "storedVersions": stored}
        return self.store.put(CRDS, {**crd, "status": status})

    def update(
        self,
        resource: Resource,
        old: Object,
        body: Object,
        write: Write,
        subresource: str = "",
        applied: bool = False,
    ) -> Object:
        """Replace an object; `applied` says that managedFields are already right. Raises ApiError 400, 409 or 422."""
        self._check_identity(resource, old, body)
        new = clone(body)
        new["apiVersion"], new["kind"] = resource.api_version, resource.kind
        meta: Object = new.setdefault("metadata", {})
        if subresource == "status":
            fields = meta.get("managedFields") if applied else None
            new = {**clone(old), "status": new.get("status", {})}
            meta = new["metadata"]
            if fields:
                meta["managedFields"] = fields
        elif "status" in resource.subresources:
            new.pop("status", None)
            if "status" in old:
                new["status"] = clone(old["status"])
        for name in (*_FIXED, "generation", "resourceVersion"):
            meta.pop(name, None)
            if name in old["metadata"]:
                meta[name] = old["metadata"][name]
        if not applied:
            meta.pop("managedFields", None)
            if "managedFields" in old["metadata"]:
                meta["managedFields"] = clone(old["metadata"]["managedFields"])
        validate(resource, new, write)
        defaults.fill(new)
        if resource.kind == "Secret":
            _encode_string_data(new)
        if not subresource:
            validate_update(resource, old, new)
        if "generation" in meta and _generational(old) != _generational(new):
            meta["generation"] += 1
        if not applied:
            track_update(old, new, self._schema(resource), write.manager, times.stamp())
        if write.dry_run:
            return new
        return self._saved(resource, new)

    def _check_identity(self, resource: Resource, old: Object, body: Object) -> None:
        meta: Object = body.get("metadata") or {}
        name = name_of(old)
        if meta.get("resourceVersion") and meta["resourceVersion"] != old["metadata"]["resourceVersion"]:
            why = "the object has been modified; please apply your changes to the latest version and try again"
            raise conflict(resource, name, why)
        if meta.get("uid") and meta["uid"] != uid_of(old):
            raise conflict(
                resource,
                name,
                f"Precondition failed: UID in precondition: {meta['uid']}, UID in object meta: {uid_of(old)}",
            )
        if meta.get("name", name) != name:
            raise bad_request(f"the name of the object ({meta['name']}) does not match the name on the URL ({name})")

    def _saved(self, resource: Resource, new: Object) -> Object:
        if is_deleted(new) and not new["metadata"].get("finalizers") and resource.key != PODS:
            return self._remove(resource, new)
        saved = self.store.put(resource.key, new)
        if resource.key == CRDS:
            self.catalogue.undefine(saved)
            self.catalogue.define(saved)
        return saved

    def delete(self, resource: Resource, obj: Object, options: Object, dry_run: bool = False) -> Object:
        """Delete an object, or mark it when finalizers hold it. Raises ApiError 409 when a precondition fails."""
        meta, wanted = obj["metadata"], options.get("preconditions") or {}
        for name, label in (("uid", "UID"), ("resourceVersion", "ResourceVersion")):
            if wanted.get(name) and wanted[name] != meta.get(name):
                present = f"{label} in object meta: {meta.get(name)}"
                why = f"Precondition failed: {label} in precondition: {wanted[name]}, {present}"
                raise conflict(resource, name_of(obj), why)
        if dry_run or "All" in (options.get("dryRun") or []):
            return obj
        if meta.get("finalizers"):
            return self.mark_deleted(resource, obj)
        if resource.key == NAMESPACES and not self._empty(name_of(obj)):
            return self.mark_deleted(resource, obj)
        return self._remove(resource, obj, orphan=options.get("propagationPolicy") == "Orphan")

    def mark_deleted(self, resource: Resource, obj: Object) -> Object:
        if is_deleted(obj):
            return obj
        marked = {**obj, "metadata": {**obj["metadata"], "deletionTimestamp": times.stamp()}}
        marked["metadata"]["deletionGracePeriodSeconds"] = 0
        if resource.key == NAMESPACES:
            marked["status"] = {**(obj.get("status") or {}), "phase": "Terminating"}
        return self.store.put(resource.key, marked)

    def _empty(self, namespace: str) -> bool:
        """Delete what a namespace holds; False when finalizers keep something."""
        for key in self.store.resources():
            for obj in self.store.list(key, namespace):
                if self.store.get(key, namespace, name_of(obj)) is not None:
                    self.delete(self.catalogue.stored(key), obj, {})
        return not any(self.store.list(key, namespace) for key in self.store.resources())

    def _remove(self, resource: Resource, obj: Object, orphan: bool = False) -> Object:
        dependents = self.store.owned_by(obj)
        try:
            last = self.store.delete(resource.key, namespace_of(obj), name_of(obj))
        except KeyError:
            raise not_found(resource, name_of(obj)) from None
        for key, dependent in dependents:
            if orphan:
                self._disown(key, dependent, uid_of(obj))
            elif self.store.get(key, namespace_of(dependent), name_of(dependent)) is not None:
                self.delete(self.catalogue.stored(key), dependent, {})
        if resource.key == CRDS:
            self._drop_custom_resources(obj)
        return last

    def _disown(self, key: tuple[str, str], obj: Object, owner: str) -> None:
        kept = [ref for ref in obj["metadata"]["ownerReferences"] if ref.get("uid") != owner]
        self.store.put(key, {**obj, "metadata": {**obj["metadata"], "ownerReferences": kept}})

    def _drop_custom_resources(self, crd: Object) -> None:
        key = (crd["spec"]["group"], crd["spec"]["names"]["plural"])
        for obj in self.store.list(key):
            self.store.delete(key, namespace_of(obj), name_of(obj))
        self.catalogue.undefine(crd)

    def _schema(self, resource: Resource) -> Object:
        return of_kind(resource.group, resource.version, resource.kind)


def _generational(obj: Object) -> Object:
    return {name: value for name, value in obj.items() if name not in ("metadata", "status", "apiVersion", "kind")}


def _encode_string_data(secret: Object) -> None:
    for name, value in (secret.pop("stringData", None) or {}).items():
        secret.setdefault("data", {})[name] = base64.b64encode(str(value).encode()).decode()
