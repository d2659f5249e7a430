"""A cluster at one moment, indexed for questions that analyzers ask. Everything in it is read-only by convention."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property

from agents.cluster.secrets import SecretShape
from agents.cluster.usage import Amount, Usage
from agents.diagnoser.containers import ContainerView, containers_of
from agents.diagnoser.events import EventView, view_event
from agents.diagnoser.fields import (
    Obj,
    created,
    is_deleting,
    items,
    kind_of,
    labels,
    matches,
    matches_selector,
    name_of,
    namespace_of,
    number,
    resource_of,
    text,
)
from agents.diagnoser.label_index import LabelIndex

WORKLOADS = ("Deployment", "StatefulSet", "DaemonSet", "CronJob", "Job", "ReplicaSet")
"""Kinds that have a pod template, top owners first."""

_TOP = ("Deployment", "StatefulSet", "DaemonSet", "CronJob")


@dataclass(frozen=True, order=True)
class LogKey:
    """Names one log: the present instance of a container, or the one before."""

    namespace: str
    pod: str
    container: str
    previous: bool = False


@dataclass
class Snapshot:
    """Objects of one cluster and what was fetched beside them.

    `now` is the moment of capture. `unreadable` maps kinds that could not be listed to the reason; an absent object of
    such a kind proves nothing (`can_see`). `interrupted` says why collection stopped half-way.
    """

    objects: Sequence[Obj]
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    logs: Mapping[LogKey, str] = field(default_factory=dict[LogKey, str])
    usage: Usage | None = None
    """What nodes and pods use, from metrics.k8s.io."""
    secrets: Mapping[tuple[str, str], SecretShape] = field(default_factory=dict[tuple[str, str], SecretShape])
    """Shapes of the Secrets that were looked at, by namespace and name."""
    unreadable: Mapping[str, str] = field(default_factory=dict[str, str])
    audit: Sequence[Obj] = ()
    """audit.k8s.io/v1 Events, when somebody has them."""
    interrupted: str = ""
    cluster: str = ""

    @cached_property
    def _kinds(self) -> dict[str, list[Obj]]:
        found: dict[str, list[Obj]] = defaultdict(list)
        for obj in self.objects:
            found[kind_of(obj)].append(obj)
        return dict(found)

    @cached_property
    def _names(self) -> dict[tuple[str, str, str], Obj]:
        return {(kind_of(o), namespace_of(o), name_of(o)): o for o in self.objects if kind_of(o) != "Event"}

    @cached_property
    def _uids(self) -> dict[str, Obj]:
        return {uid: o for o in self.objects if (uid := text(o, "metadata", "uid"))}

    def kind(self, kind: str) -> list[Obj]:
        """All objects of a kind."""
        return self._kinds.get(kind, [])

    def kinds(self) -> list[str]:
        """The kinds that have objects."""
        return list(self._kinds)

    def get(self, kind: str, namespace: str, name: str) -> Obj | None:
        """One object; `namespace` is empty for a cluster-scoped one."""
        return self._names.get((kind, namespace, name))

    def find(self, resource: str) -> Obj | None:
        """The object that `namespace/Kind/name` names."""
        parts = resource.split("/")
        if len(parts) == 3:
            return self.get(parts[1], parts[0], parts[2])
        return self.get(parts[0], "", parts[1]) if len(parts) == 2 else None

    def can_see(self, *kinds: str) -> bool:
        """Whether absence of such objects means that they do not exist."""
        return not self.interrupted and not any(kind in self.unreadable for kind in kinds)

    def in_namespace(self, kind: str, namespace: str) -> list[Obj]:
        """Objects of a kind in one namespace."""
        return self._by_namespace.get((kind, namespace), [])

    @cached_property
    def _by_namespace(self) -> dict[tuple[str, str], list[Obj]]:
        found: dict[tuple[str, str], list[Obj]] = defaultdict(list)
        for obj in self.objects:
            if kind_of(obj) != "Event":
                found[kind_of(obj), namespace_of(obj)].append(obj)
        return dict(found)

    # owners ------------------------------------------------------------------------------------------------------

    def owner(self, obj: Obj) -> Obj | None:
        """The controller of an object. One that is not in the snapshot reads as a stub with kind and name."""
        references = items(obj, "metadata", "ownerReferences")
        reference = next((r for r in references if r.get("controller") is True), references[0] if references else None)
        if reference is None or not text(reference, "name"):
            return None
        kind, namespace = text(reference, "kind"), namespace_of(obj)
        found = self._uids.get(text(reference, "uid")) or self.get(kind, namespace, text(reference, "name"))
        return found or {"kind": kind, "metadata": {"name": text(reference, "name"), "namespace": namespace}}

    def top(self, obj: Obj) -> Obj:
        """The top owner: Deployment, StatefulSet, DaemonSet, CronJob or Job; the object itself when nothing owns it."""
        for _ in range(6):
            if kind_of(obj) in _TOP:
                return obj
            above = self.owner(obj)
            if above is None or kind_of(above) not in WORKLOADS:
                return obj
            obj = above
        return obj

    def top_name(self, obj: Obj) -> str:
        """The same, as it is written in answers."""
        return resource_of(self.top(obj))

    @cached_property
    def _owned(self) -> dict[str, list[Obj]]:
        found: dict[str, list[Obj]] = defaultdict(list)
        for kind in ("Pod", "ReplicaSet", "Job", "ControllerRevision"):
            for obj in self.kind(kind):
                above = self.owner(obj)
                if above is not None:
                    found[resource_of(above)].append(obj)
        return dict(found)

    @cached_property
    def _pods_of_top(self) -> dict[str, list[Obj]]:
        found: dict[str, list[Obj]] = defaultdict(list)
        for pod in self.kind("Pod"):
            found[self.top_name(pod)].append(pod)
        return dict(found)

    def owned(self, obj: Obj, kind: str) -> list[Obj]:
        """Objects of a kind that this one controls directly."""
        return [o for o in self._owned.get(resource_of(obj), []) if kind_of(o) == kind]

    def workloads(self) -> list[Obj]:
        """Top owners with a pod template; Jobs and ReplicaSets only when nothing owns them."""
        return [o for kind in WORKLOADS for o in self.kind(kind) if kind in _TOP or self.owner(o) is None]

    def pods_of(self, workload: Obj | str) -> list[Obj]:
        """Every pod below a top owner, finished ones included."""
        return self._pods_of_top.get(workload if isinstance(workload, str) else resource_of(workload), [])

    def active_pods_of(self, workload: Obj | str) -> list[Obj]:
        """The pods below a top owner that are meant to run now."""
        return [pod for pod in self.pods_of(workload) if is_active(pod)]

    # pods --------------------------------------------------------------------------------------------------------

    @cached_property
    def active_pods(self) -> list[Obj]:
        """Pods that are meant to run now: not finished, not being deleted."""
        return [pod for pod in self.kind("Pod") if is_active(pod)]

    @cached_property
    def troubled_pods(self) -> list[Obj]:
        """Active pods, and failed pods of Jobs that have not succeeded: where a present failure can show."""
        return self.active_pods + [pod for pod in self.kind("Pod") if self._failed_run(pod)]

    def _failed_run(self, pod: Obj) -> bool:
        if text(pod, "status", "phase") != "Failed" or is_deleting(pod):
            return False
        job = self.owner(pod)
        if job is None or kind_of(job) != "Job" or number(job, "status", "succeeded") > 0 or "status" not in job:
            return False
        cron = self.owner(job)
        return cron is None or self.latest_job(cron) is job

    def latest_job(self, cron_job: Obj) -> Obj | None:
        """The most recent run of a CronJob."""
        runs = [(at, name_of(j), j) for j in self.owned(cron_job, "Job") if (at := created(j))]
        return max(runs, key=lambda run: run[:2])[2] if runs else None

    @cached_property
    def containers(self) -> list[ContainerView]:
        """Every container of every troubled pod."""
        return [view for pod in self.troubled_pods for view in containers_of(pod)]

    def log(self, view: ContainerView, *, previous: bool | None = None) -> str:
        """A container's log. By default that of the instance that ended, when it crashed, else the present one."""
        key = LogKey(namespace_of(view.pod), name_of(view.pod), view.name)
        before = self.logs.get(LogKey(key.namespace, key.pod, key.container, True), "")
        present = self.logs.get(key, "")
        if previous is None:
            return before or present if view.ended and not view.running else present or before
        return before if previous else present

    def used_by(self, view: ContainerView) -> Amount | None:
        """What a container uses now; None when it was not measured."""
        if self.usage is None:
            return None
        return self.usage.pods.get(f"{namespace_of(view.pod)}/{name_of(view.pod)}", {}).get(view.name)

    # events ------------------------------------------------------------------------------------------------------

    @cached_property
    def _events(self) -> dict[tuple[str, str, str], list[EventView]]:
        found: dict[tuple[str, str, str], list[EventView]] = defaultdict(list)
        for event in self.kind("Event"):
            view = view_event(event)
            found[view.kind, view.namespace, view.name].append(view)
        oldest = datetime.min.replace(tzinfo=UTC)
        for views in found.values():
            views.sort(key=lambda view: view.last or oldest)
        return dict(found)

    def events_of(self, obj: Obj, *reasons: str) -> list[EventView]:
        """Events about an object, oldest first; only those with one of the reasons when some are given.

        Events about an earlier object of the same name are left out.
        """
        uid = text(obj, "metadata", "uid")
        found = self._events.get((kind_of(obj), namespace_of(obj), name_of(obj)), [])
        return [e for e in found if (not reasons or e.reason in reasons) and (not uid or not e.uid or e.uid == uid)]

    # services ----------------------------------------------------------------------------------------------------

    @cached_property
    def _pods_by_label(self) -> LabelIndex:
        return LabelIndex((pod, labels(pod, "metadata", "labels")) for pod in self.active_pods)

    @cached_property
    def _workloads_by_label(self) -> LabelIndex:
        kinds = ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")
        tops = (o for kind in kinds for o in self.kind(kind) if kind != "ReplicaSet" or self.owner(o) is None)
        return LabelIndex((workload, template_labels(workload)) for workload in tops)

    def pods_selected(self, service: Obj) -> list[Obj]:
        """Active pods that a Service selects."""
        return self._pods_by_label.select(namespace_of(service), labels(service, "spec", "selector"))

    def services_of(self, workload: Obj) -> list[Obj]:
        """Services whose selector fits a workload's pod template (or a bare pod's labels)."""
        having = template_labels(workload)
        services = self.in_namespace("Service", namespace_of(workload))
        return [s for s in services if matches(labels(s, "spec", "selector"), having)]

    def workloads_behind(self, service: Obj) -> list[Obj]:
        """Workloads whose template a Service selects, and owners of pods it selects."""
        found = {resource_of(o): o for o in (self.top(p) for p in self.pods_selected(service))}
        for workload in self._workloads_by_label.select(namespace_of(service), labels(service, "spec", "selector")):
            found.setdefault(resource_of(workload), workload)
        return list(found.values())

    def policies_for(self, pod: Obj, direction: str) -> list[Obj]:
        """NetworkPolicies that isolate a pod in a direction: `Ingress` or `Egress`."""
        having = labels(pod, "metadata", "labels")
        found: list[Obj] = []
        for policy in self.in_namespace("NetworkPolicy", namespace_of(pod)):
            spec = policy.get("spec")
            types = spec.get("policyTypes") if isinstance(spec, dict) else None
            default = ["Ingress", "Egress"] if items(spec, "egress") else ["Ingress"]
            if direction in (types if isinstance(types, list) else default) and matches_selector(
                spec.get("podSelector") if isinstance(spec, dict) else None, having
            ):
                found.append(policy)
        return found


def is_active(pod: Obj) -> bool:
    """Whether a pod is meant to run now: neither finished (evicted ones included) nor being deleted."""
    return text(pod, "status", "phase") not in ("Succeeded", "Failed") and not is_deleting(pod)


def is_ready(obj: Obj) -> bool:
    """Whether the Ready condition of a pod or node is True."""
    return any(text(c, "type") == "Ready" and text(c, "status") == "True" for c in items(obj, "status", "conditions"))


def template_of(workload: Obj) -> Obj:
    """The pod template of a workload; a Pod is its own template."""
    kind = kind_of(workload)
    if kind == "Pod":
        return workload
    path = ("spec", "jobTemplate", "spec", "template") if kind == "CronJob" else ("spec", "template")
    found: object = workload
    for step in path:
        found = found.get(step) if isinstance(found, dict) else None
    return found if isinstance(found, dict) else {}


def template_labels(workload: Obj) -> dict[str, str]:
    """The labels that the workload's pods get."""
    return labels(template_of(workload), "metadata", "labels")


def since_of(values: Iterable[datetime | None]) -> datetime | None:
    """The earliest known moment."""
    known = [value for value in values if value is not None]
    return min(known) if known else None
