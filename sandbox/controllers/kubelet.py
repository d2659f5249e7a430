"""The kubelet: starts pods, breaks those that must break, and lets them run once their cause is gone."""

from __future__ import annotations

from sandbox import times
from sandbox.controllers import causes, scheduler, volumes
from sandbox.controllers.causes import Cause
from sandbox.controllers.events import KUBELET, SCHEDULER
from sandbox.controllers.failures import Failure, Memory
from sandbox.controllers.statuses import (
    RESTARTS,
    broken_state,
    completed,
    creating,
    free_address,
    make_condition,
    quality,
    running,
    same_reasons,
    waiting,
)
from sandbox.controllers.twins import renamed, retimed, since_last
from sandbox.controllers.world import World
from sandbox.objects import (
    Object,
    clone,
    condition,
    containers_of,
    dig,
    is_deleted,
    is_finished,
    is_ready,
    name_of,
    namespace_of,
    statuses_of,
    uid_of,
)
from sandbox.resources import NODES, PODS


class Kubelet:
    def __init__(self, world: World, memory: Memory) -> None:
        self._world = world
        self._memory = memory
        self._store = world.cluster.store

    def start(self, pod: Object) -> None:
        """Bring a pending pod as far as it gets."""
        if is_deleted(pod) or is_finished(pod):
            return
        if not pod["spec"].get("nodeName"):
            placed = self._schedule(pod)
            if placed is None:
                return
            pod = placed
        cause = causes.find(self._world, self._memory, pod)
        if cause is None:
            self._run(pod)
        else:
            self._break(pod, cause)

    def reassess(self, pod: Object) -> None:
        """Look again at a pod that is not ready: leave it exactly as it is while its cause holds."""
        if is_ready(pod) or is_finished(pod) or is_deleted(pod):
            return
        node = pod["spec"].get("nodeName")
        if not node:
            self.start(pod)
            return
        host = self._store.get(NODES, "", node)
        if (host is None or is_ready(host)) and causes.find(self._world, self._memory, pod) is None:
            self._run(pod)

    def complete(self, pod: Object) -> None:
        """End a running pod of a Job well."""
        now = times.stamp()
        status = clone(pod["status"])
        status["phase"] = "Succeeded"
        for item in status.get("containerStatuses") or []:
            started = dig(item, "state.running.startedAt") or now
            ended = {"exitCode": 0, "reason": "Completed", "startedAt": started, "finishedAt": now}
            item.update(ready=False, started=False, state={"terminated": ended})
        for item in status.get("conditions") or []:
            if item["type"] in ("Ready", "ContainersReady"):
                item.update(status="False", reason="PodCompleted", lastTransitionTime=now)
        self._store.put(PODS, {**pod, "status": status})

    # Scheduling

    def _schedule(self, pod: Object) -> Object | None:
        volumes.bind_for(self._world, pod)
        failure = causes.inherited(self._world, self._memory, pod)
        stuck = failure is not None and not failure.pod["spec"].get("nodeName")
        if failure is not None and stuck:
            message = (condition(failure.pod, "PodScheduled") or {}).get("message", "")
            placement = scheduler.Placement(None, message)
        else:
            placement = scheduler.place(self._world, pod)
        if placement.node is None:
            self._unschedulable(pod, placement.message)
            return None
        node = placement.node
        scheduled = {**pod, "spec": {**pod["spec"], "nodeName": name_of(node)}}
        where = f"{namespace_of(pod)}/{name_of(pod)} to {name_of(node)}"
        self._world.events.normal(pod, "Scheduled", f"Successfully assigned {where}", SCHEDULER)
        return scheduled

    def _unschedulable(self, pod: Object, message: str) -> None:
        gated = bool(pod["spec"].get("schedulingGates"))
        present = condition(pod, "PodScheduled")
        unplaced = present is not None and present.get("status") == "False"
        # A waiting pod keeps its story until the scheduler has another reason.
        if unplaced and same_reasons((present or {}).get("message", ""), message):
            return
        reason = "SchedulingGated" if gated else "Unschedulable"
        entry = make_condition("PodScheduled", False, reason, message)
        others = [item for item in dig(pod, "status.conditions") or [] if item["type"] != "PodScheduled"]
        status = {**(pod.get("status") or {}), "phase": "Pending", "conditions": [*others, entry]}
        self._store.put(PODS, {**pod, "status": status})
        if not gated:
            self._world.events.warning(pod, "FailedScheduling", message, SCHEDULER)

    # Running

    def _run(self, pod: Object) -> None:
        before = {item["name"]: item for item in statuses_of(pod)}
        inits = pod["spec"].get("initContainers") or []
        status = self._base_status(pod, ready=True)
        status["phase"] = "Running"
        regular = [running(c, before.get(c["name"])) for c in pod["spec"]["containers"]]
        status["containerStatuses"] = regular
        if inits:
            status["initContainerStatuses"] = [
                running(c, before.get(c["name"])) if c.get("restartPolicy") == "Always" else completed(c) for c in inits
            ]
        self._store.put(PODS, {**pod, "status": status})
        self._note_usage(pod)
        for container in containers_of(pod["spec"]):
            self._say_started(pod, container)

    def _say_started(self, pod: Object, container: Object) -> None:
        pulled = f'Container image "{container.get("image")}" already present on machine'
        for reason, message in (
            ("Pulled", pulled),
            ("Created", f"Created container: {container['name']}"),
            ("Started", f"Started container {container['name']}"),
        ):
            self._world.events.normal(pod, reason, message, KUBELET)

    def _note_usage(self, pod: Object) -> None:
        usage = self._world.cluster.usage
        owner = self._world.top_owner(pod)
        if usage is None or usage.of_pod(pod) is not None or owner is pod:
            return
        for other in self._store.list(PODS, namespace_of(pod)):
            if usage.of_pod(other) is not None and uid_of(self._world.top_owner(other)) == uid_of(owner):
                usage.note(pod, other)
                return
        # Nobody measured its like: a container that just started uses a little.
        names = [container["name"] for container in pod["spec"]["containers"]]
        small = {name: {"cpu": "5m", "memory": "32Mi"} for name in names}
        usage.pods[f"{namespace_of(pod)}/{name_of(pod)}"] = small

    def _base_status(self, pod: Object, ready: bool) -> Object:
        old: Object = pod.get("status") or {}
        node = self._store.get(NODES, "", pod["spec"]["nodeName"])
        addresses: list[Object] = dig(node, "status.addresses") or []
        host = next((a["address"] for a in addresses if a.get("type") == "InternalIP"), "")
        address = host if pod["spec"].get("hostNetwork") else free_address()
        status: Object = {
            "phase": "Pending",
            "qosClass": old.get("qosClass") or quality(pod),
            "startTime": old.get("startTime") or times.stamp(),
            "hostIP": old.get("hostIP") or host,
            "podIP": old.get("podIP") or address,
        }
        status["podIPs"] = [{"ip": status["podIP"]}]
        wanted = (
            ("PodReadyToStartContainers", True),
            ("Initialized", True),
            ("Ready", ready),
            ("ContainersReady", ready),
            ("PodScheduled", True),
        )
        for kind, value in wanted:
            present = condition(pod, kind)
            same = present is not None and present.get("status") == str(value)
            entry = present if same else make_condition(kind, value, "" if value else "ContainersNotReady", "")
            status.setdefault("conditions", []).append(entry)
        return status

    # Breaking

    def _break(self, pod: Object, cause: Cause) -> None:
        if cause.kind == "like" and cause.failure is not None:
            self._repeat(pod, cause.failure)
            return
        status = self._base_status(pod, ready=False)
        if cause.kind == "memory":
            status["phase"] = "Running"
        state, last, restarts = broken_state(pod, cause)
        status["containerStatuses"] = [
            waiting(c, state if c["name"] == cause.container else creating(), last, restarts)
            if c["name"] == cause.container or cause.kind != "memory"
            else running(c, None)
            for c in pod["spec"]["containers"]
        ]
        if pod["spec"].get("initContainers"):
            done = cause.kind == "memory"
            status["initContainerStatuses"] = [
                completed(c) if done else waiting(c, state if c["name"] == cause.container else creating(), None, 0)
                for c in pod["spec"]["initContainers"]
            ]
        self._store.put(PODS, {**pod, "status": status})
        self._say_broken(pod, cause)
        if cause.failure is not None and cause.kind == "memory":
            self._copy_logs(pod, cause.failure.pod)

    def _say_broken(self, pod: Object, cause: Cause) -> None:
        warn = self._world.events.warning
        field = f"spec.containers{{{cause.container}}}"
        image = next((c.get("image") for c in containers_of(pod["spec"]) if c["name"] == cause.container), "")
        if cause.kind == "mount":
            warn(pod, "FailedMount", cause.message, KUBELET)
        elif cause.kind == "config":
            warn(pod, "Failed", f"Error: {cause.message}", KUBELET, field)
        elif cause.kind == "memory":
            whole = f"{cause.container} in pod {name_of(pod)}_{namespace_of(pod)}({uid_of(pod)})"
            warn(pod, "BackOff", f"Back-off restarting failed container {whole}", KUBELET, field)
        elif cause.kind == "image":
            told = [
                e["message"] for e in (cause.failure.events if cause.failure else ()) if e.get("reason") == "Failed"
            ]
            for message in dict.fromkeys(told) or [f'Failed to pull image "{image}": not found']:
                warn(pod, "Failed", message, KUBELET, field)
            warn(pod, "BackOff", f'Back-off pulling image "{image}"', KUBELET, field)

    def _repeat(self, pod: Object, failure: Failure) -> None:
        """Let a pod fail as a captured one did: same states, logs and events, with its own name and the present."""
        twin = failure.pod
        shift = since_last(twin["status"])
        status: Object = retimed(twin["status"], shift)
        own = self._base_status(pod, ready=False)
        status.update({name: own[name] for name in ("hostIP", "podIP", "podIPs", "startTime")})
        for item in [*(status.get("containerStatuses") or []), *(status.get("initContainerStatuses") or [])]:
            item["restartCount"] = min(item.get("restartCount", 0), RESTARTS)
        self._store.put(PODS, {**pod, "status": renamed(status, twin, pod)})
        self._copy_logs(pod, twin)
        for event in failure.events:
            if event.get("type") == "Warning":
                message = renamed(event.get("message", ""), twin, pod)
                component = dig(event, "source.component") or KUBELET
                field = dig(event, "involvedObject.fieldPath") or ""
                self._world.events.warning(pod, event.get("reason", ""), message, component, field)

    def _copy_logs(self, pod: Object, twin: Object) -> None:
        shift = since_last(twin["status"])
        logs, space = self._world.cluster.logs, namespace_of(twin)
        for container in containers_of(twin["spec"]):
            for name in (container["name"], container["name"] + ".previous"):
                text = logs.text((space, name_of(twin), name))
                if text is not None:
                    logs.write((space, name_of(pod), name), renamed(shift.text(text), twin, pod))
