"""A scenario as a living cluster: objects, access, logs and usage together. No network, no threads."""

from __future__ import annotations

import uuid

from sandbox import defaults, times
from sandbox.access import Access
from sandbox.lifecycle import Lifecycle
from sandbox.logs import LogBook, control_plane_logs
from sandbox.metrics import UsageBook
from sandbox.objects import Object, is_true
from sandbox.resources import METRICS_GROUP, PODS, Catalogue, Resource
from sandbox.scenario import Folder
from sandbox.store import Store


class Cluster:
    """What the API serves and the controllers move."""

    def __init__(self, folder: Folder) -> None:
        self.folder = folder
        self.catalogue = Catalogue()
        self.store = Store()
        self.access = Access(self.store)
        self.lifecycle = Lifecycle(self.store, self.catalogue)
        for obj in folder.objects:
            if obj["kind"] == "CustomResourceDefinition":
                self.catalogue.define(obj)
        for obj in folder.objects:
            self._load(obj)
        self.logs = LogBook(
            {**folder.log_files, **control_plane_logs(folder.path, self.store.list(PODS))}, folder.shift
        )
        self.usage = UsageBook(folder.usage) if folder.usage is not None else None
        if self.usage is None and self._metrics_service() is None:
            self.catalogue.hide_group(METRICS_GROUP)

    def _load(self, obj: Object) -> None:
        meta = obj["metadata"]
        meta.setdefault("uid", str(uuid.uuid4()))
        meta.setdefault("creationTimestamp", times.stamp(self.folder.shift.present))
        resource = self.catalogue.of_kind(obj["apiVersion"], obj["kind"])
        if resource is None:
            resource = self.catalogue.derive(obj["apiVersion"], obj["kind"], "namespace" in meta)
        # What is not filled in now would be with the first update, and look like a change of the spec.
        defaults.fill(obj)
        self.store.load(resource.key, obj)

    def resource(self, api_version: str, plural: str) -> Resource:
        """A resource that is surely served. Raises KeyError for another one."""
        group, _, version = api_version.rpartition("/")
        found = self.catalogue.find(group, version, plural)
        if found is None:
            raise KeyError(f"{api_version} {plural}")
        return found

    def _metrics_service(self) -> Object | None:
        return self.store.get(("apiregistration.k8s.io", "apiservices"), "", f"v1beta1.{METRICS_GROUP}")

    @property
    def metrics_available(self) -> bool:
        """False while a metrics server is registered but does not answer."""
        service = self._metrics_service()
        registered_down = service is not None and "status" in service and not is_true(service, "Available")
        return self.usage is not None and not registered_down
