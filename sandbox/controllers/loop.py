"""The loop: changes say what to look at, and each pass moves it one step.

A pass is synchronous, so that no client ever sees half of one; between passes the server answers. Without changes
nothing runs.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from sandbox.cluster import Cluster
from sandbox.controllers import (
    budgets,
    causes,
    daemonset,
    deployment,
    endpoints,
    job,
    replicaset,
    scheduler,
    statefulset,
    volumes,
)
from sandbox.controllers.events import Recorder
from sandbox.controllers.failures import Memory, remember
from sandbox.controllers.kubelet import Kubelet
from sandbox.controllers.world import (
    CLAIMS,
    DAEMON_SETS,
    DEPLOYMENTS,
    JOBS,
    REPLICA_SETS,
    SERVICES,
    STATEFUL_SETS,
    WORKLOADS,
    World,
    ref_of,
)
from sandbox.defaults import comparable
from sandbox.errors import ApiError
from sandbox.objects import Object, dig, is_finished, is_ready, name_of, namespace_of
from sandbox.resources import EVENTS, NODES, PODS, Key
from sandbox.store import Change, Name

PASS_SECONDS = 0.05
_MANY = 1000
_log = logging.getLogger(__name__)
_RECONCILERS: dict[Key, Callable[[World, Object], None]] = {
    DEPLOYMENTS: deployment.reconcile,
    REPLICA_SETS: replicaset.reconcile,
    STATEFUL_SETS: statefulset.reconcile,
    DAEMON_SETS: daemonset.reconcile,
    JOBS: job.reconcile,
}
# Derived by controllers, or without influence on what runs.
_DERIVED = (EVENTS, endpoints.SLICES, endpoints.ENDPOINTS, budgets.BUDGETS, ("coordination.k8s.io", "leases"))
Work = dict[tuple[Key, Name], None]
"""An ordered set of objects to look at."""


class Controllers:
    """All simulated controllers of one cluster."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster
        self._store = cluster.store
        self._world = World(cluster, Recorder(cluster))
        for key in (STATEFUL_SETS, DAEMON_SETS):
            for workload in self._store.list(key):
                self._world.original_templates[ref_of(workload)] = comparable(workload["spec"]["template"])
        self.memory = remember(self._world, self._explained)
        self._kubelet = Kubelet(self._world, self.memory)
        self._workloads: Work = {}
        self._pods: Work = {}
        self._services: Work = {}
        self._claims: Work = {}
        self._spaces: set[str] = set()
        self._doubtful: set[str] = set()
        """Namespaces whose pods that are not ready are to be looked at again; "" stands for all."""
        self._acting = False
        self._wake = asyncio.Event()
        self._store.listen(self._notice)

    # What to look at

    def _explained(self, pod: Object, memory: Memory) -> bool:
        """Whether a captured failure has a cause that can be checked."""
        if not pod["spec"].get("nodeName"):
            return scheduler.place(self._world, pod).node is None
        node = self._store.get(NODES, "", pod["spec"]["nodeName"])
        if node is not None and not is_ready(node):
            return True
        return causes.checkable(self._world, memory, pod) is not None

    def _notice(self, change: Change) -> None:
        if change.key not in _DERIVED:
            substantial = _is_substantial(change)
            if substantial and not self._acting:
                self._world.touched[ref_of(change.last)] = change
            self._follow(change, substantial)
            if self.has_work:
                self._wake.set()

    def _follow(self, change: Change, substantial: bool) -> None:
        obj, key = change.last, change.key
        name = (namespace_of(obj), name_of(obj))
        if key == PODS:
            self._follow_pod(change)
            return
        if key in WORKLOADS:
            if substantial:
                self._workloads[key, name] = None
            self._follow_owner(obj)
        elif key == SERVICES and substantial:
            self._services[key, name] = None
        elif key == CLAIMS and (substantial or obj["metadata"].get("deletionTimestamp")):
            self._claims[key, name] = None
        if substantial and not self._acting:
            self._doubt(key, obj)

    def _follow_pod(self, change: Change) -> None:
        pod = change.last
        name = (namespace_of(pod), name_of(pod))
        appeared, gone = change.old is None, change.new is None
        turned = appeared or gone or is_ready(change.old or {}) != is_ready(change.new or {})
        turned = turned or dig(change.old, "status.phase") != dig(change.new, "status.phase")
        self._follow_owner(pod)
        if gone:
            self._cluster.logs.forget(*name)
        elif appeared or is_substantial_pod(change):
            self._pods[PODS, name] = None
        relabelled = (
            not gone and not appeared and (change.old or {})["metadata"].get("labels") != pod["metadata"].get("labels")
        )
        if turned or relabelled or dig(change.old, "status.podIP") != dig(change.new, "status.podIP"):
            for service in self._store.list(SERVICES, name[0]):
                if any(endpoints.selects(service, state) for state in (change.old, change.new) if state):
                    self._services[SERVICES, (name[0], name_of(service))] = None
            self._spaces.add(name[0])
        if turned and (gone or is_ready(pod)) and self._world.touched:
            # A dependency came up, or room was made.
            self._doubtful.add("" if gone else name[0])
        for volume in scheduler.claim_names(pod) if gone else []:
            self._claims[CLAIMS, (name[0], volume)] = None

    def _follow_owner(self, obj: Object) -> None:
        owner = self._world.owner(obj)
        if owner is not None:
            resource = self._cluster.catalogue.of_kind(owner["apiVersion"], owner["kind"])
            if resource is not None:
                self._workloads[resource.key, (namespace_of(owner), name_of(owner))] = None

    def _doubt(self, key: Key, obj: Object) -> None:
        """A client changed something: whatever is not well may depend on it."""
        space = namespace_of(obj)
        self._doubtful.add("" if space == "kube-system" else space)
        if key == NODES:
            for workload in self._store.list(DAEMON_SETS):
                self._workloads[DAEMON_SETS, (namespace_of(workload), name_of(workload))] = None
        for kind in (REPLICA_SETS, STATEFUL_SETS, JOBS):
            for workload in self._store.list(kind, space or None) if key not in WORKLOADS else []:
                if self._lacks_pods(workload):
                    self._workloads[kind, (namespace_of(workload), name_of(workload))] = None
        for claim in self._store.list(CLAIMS, space or None):
            if dig(claim, "status.phase") == "Pending":
                self._claims[CLAIMS, (namespace_of(claim), name_of(claim))] = None

    def _lacks_pods(self, workload: Object) -> bool:
        if workload["kind"] == "Job":
            return not job.is_over(workload) and not self._world.pods_of(workload)
        return len(self._world.pods_of(workload)) < (workload["spec"].get("replicas") or 0)

    def look_at_everything(self) -> None:
        """Put every object on the list. A consistent cluster does not move by this; tests rely on it."""
        for key in WORKLOADS:
            self._workloads.update({(key, (namespace_of(o), name_of(o))): None for o in self._store.list(key)})
        self._services.update({(SERVICES, (namespace_of(o), name_of(o))): None for o in self._store.list(SERVICES)})
        self._claims.update({(CLAIMS, (namespace_of(o), name_of(o))): None for o in self._store.list(CLAIMS)})
        self._doubtful.add("")
        self._spaces |= {namespace_of(pod) for pod in self._store.list(PODS)}

    # Passes

    @property
    def has_work(self) -> bool:
        return bool(self._workloads or self._pods or self._services or self._claims or self._spaces or self._doubtful)

    def step(self) -> None:
        """One pass over what is on the list; what it changes is for the next."""
        workloads, self._workloads = self._workloads, {}
        pods, self._pods = self._pods, {}
        services, self._services = self._services, {}
        claims, self._claims = self._claims, {}
        spaces, self._spaces = self._spaces, set()
        doubtful, self._doubtful = self._doubtful, set()
        self._acting = True
        try:
            self._each(claims, self._reconcile_claim)
            for key, reconcile in _RECONCILERS.items():
                self._each(
                    {item: None for item in workloads if item[0] == key}, lambda obj, r=reconcile: r(self._world, obj)
                )
            self._each(pods, self._advance)
            for space in [None] if "" in doubtful else sorted(doubtful):
                for pod in self._store.list(PODS, space):
                    self._kubelet.reassess(pod)
            self._each(services, lambda service: endpoints.reconcile(self._world, service))
            for space in sorted(spaces):
                budgets.reconcile(self._world, space)
        finally:
            self._acting = False

    def settle(self) -> None:
        """Pass until nothing is left to do. Raises RuntimeError if that never ends."""
        for _ in range(_MANY):
            if not self.has_work:
                return
            self.step()
        raise RuntimeError(f"the controllers found no rest in {_MANY} passes: {list(self._workloads)[:5]}")

    async def run(self) -> None:
        """Pass whenever there is work, until cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            await asyncio.sleep(PASS_SECONDS)
            self.step()
            if self.has_work:
                self._wake.set()

    def _each(self, work: Work, act: Callable[[Object], None]) -> None:
        for key, (namespace, name) in work:
            obj = self._store.get(key, namespace, name)
            if obj is None:
                continue
            try:
                act(obj)
            except ApiError as error:  # refused, as a real controller would be: it tries again with the next change
                _log.warning("%s %s/%s: %s", obj["kind"], namespace, name, error.message)

    def _reconcile_claim(self, claim: Object) -> None:
        volumes.release(self._world, claim)
        volumes.bind(self._world, claim)
        current = self._store.get(CLAIMS, namespace_of(claim), name_of(claim))
        if current is not None:
            volumes.grow(self._world, current)

    def _advance(self, pod: Object) -> None:
        owner = self._world.owner(pod)
        if owner is not None and owner["kind"] == "Job" and is_ready(pod):
            self._kubelet.complete(pod)
        elif not is_finished(pod) and not is_ready(pod):
            self._kubelet.start(pod)
            current = self._store.get(PODS, namespace_of(pod), name_of(pod))
            if owner is not None and owner["kind"] == "Job" and current is not None and is_ready(current):
                self._pods[PODS, (namespace_of(pod), name_of(pod))] = None


def is_substantial_pod(change: Change) -> bool:
    """Whether the spec of a pod changed by more than its being scheduled."""
    if change.old is None or change.new is None:
        return True
    before, after = ({n: v for n, v in s["spec"].items() if n != "nodeName"} for s in (change.old, change.new))
    return before != after


def _is_substantial(change: Change) -> bool:
    """Whether a change is more than metadata and status; the labels and annotations of a template are substance, those
    of nodes and namespaces as well, since scheduling and admission read them."""
    if change.old is None or change.new is None:
        return True
    labelled = change.key in (NODES, ("", "namespaces"))

    def substance(obj: Object) -> Object:
        kept = {name: value for name, value in obj.items() if name not in ("metadata", "status")}
        return {**kept, "labels": obj["metadata"].get("labels")} if labelled else kept

    return substance(change.old) != substance(change.new)
