"""Pods and their statuses."""

from tests.scenarios.builder.admission import admitted, pin, qos_class
from tests.scenarios.builder.clock import sec, ts
from tests.scenarios.builder.quantities import cpu_m, mem_b
from tests.scenarios.builder.states import dead, up, wait

UNREACHABLE = "node.kubernetes.io/unreachable"
GATED = "Scheduling is blocked due to non-empty scheduling gates"


def _phase(spec, statuses, states, begun):
    ended = [s["state"]["terminated"] for s in statuses if "terminated" in s["state"]]
    if len(ended) == len(statuses) and spec["restartPolicy"] != "Always":
        return "Succeeded" if all(x["exitCode"] == 0 for x in ended) else "Failed"
    running = any("running" in s["state"] for s in statuses) or any(x.get("restarts") for x in states.values())
    return "Running" if running or (begun and all("running" in s["state"] for s in statuses)) else "Pending"


def _stays(spec):
    """Whether the pod tolerates a lost node for ever."""
    return any(
        t.get("key") in (None, UNREACHABLE) and t.get("effect") in (None, "NoExecute") and "tolerationSeconds" not in t
        for t in spec.get("tolerations", [])
    )


class Pods:
    """One Pod at a time, with the status that scheduler and kubelet would report."""

    def pod(
        self,
        ns,
        name,
        spec,
        created,
        *,
        labels=None,
        annotations=None,
        owner=None,
        generate=None,
        finalizers=None,
        node=None,
        deleting=None,
        grace=None,
        priority=None,
        reason=None,
        message=None,
        use=None,
        pending=None,
        gated=False,
        nominated=None,
        **seen,
    ):
        """One Pod.

        pending: the scheduler's message; gated: held by scheduling gates; deleting, grace: see `meta`;
        use: {container: (cpu, memory)} for usage.yaml; seen: what the kubelet reports, see `_placed`.
        """
        kind = (owner or {}).get("kind")
        spec = admitted(spec, kind, priority, "kube-api-access-" + self.rand(5))
        if pending is None and not gated:
            spec["nodeName"] = node or self.place(spec, created)
            if kind == "DaemonSet":
                pin(spec, spec["nodeName"])
        meta = self.meta(
            name,
            ns,
            created,
            labels=labels,
            annotations=annotations,
            owner=owner,
            generate=generate,
            deleting=deleting,
            grace=grace,
            finalizers=finalizers,
        )
        meta["generation"] = 2 if deleting else 1
        status = {"qosClass": qos_class(spec)}
        if self.minor >= 34:
            status["observedGeneration"] = 1
        if "nodeName" in spec:
            changed = self._placed(spec, meta, status, created, **seen)
        else:
            changed = self._unplaced(status, seen.get("sched_at") or created, pending, nominated)
        for key, value in (("reason", reason), ("message", message)):
            if value:
                status[key] = value
        meta["resourceVersion"] = self.rv(min(deleting or changed, self.now))
        pod = self.add({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": status})
        self.pods.append(pod)
        if use:
            self.use[(ns, name)] = use
        return pod

    def _condition(self, kind, ok, at, reason=None, message=None):
        out = {"lastProbeTime": None, "lastTransitionTime": ts(at), "status": "True" if ok else "False", "type": kind}
        if self.minor >= 34:
            out["observedGeneration"] = 1
        return out | {k: v for k, v in (("reason", reason), ("message", message)) if v}

    def _unplaced(self, status, at, pending, nominated):
        """A pod without a node: gated when there is no scheduler's message."""
        why = ("SchedulingGated", GATED) if pending is None else ("Unschedulable", pending)
        status |= {"phase": "Pending", "conditions": [self._condition("PodScheduled", False, at, *why)]}
        if nominated:
            status["nominatedNodeName"] = nominated
        return at

    def _placed(
        self,
        spec,
        meta,
        status,
        created,
        cs=None,
        ics=None,
        phase=None,
        ready_at=None,
        sandbox=True,
        ip=True,
        sched_at=None,
    ):
        """Fills the status of a pod on a node; returns when it last changed.

        cs, ics: states per container name (default: running since shortly after the start); ready_at: when readiness
        last changed; sandbox: False while volumes or the network are missing; sched_at: when it found its node.
        """
        start, node = sched_at or created, spec["nodeName"]
        inits, init_end = self._init_statuses(spec, ics or {}, start + sec(2))
        begun = sandbox and init_end is not None
        states = self._states(spec, cs or {}, created, init_end or start + sec(2), begun, sandbox)
        statuses = [self.container_status(c, states[c["name"]]) for c in spec["containers"]]
        last = max([init_end or start + sec(2), *(t for x in states.values() for t in self._moments(x))])
        status["phase"] = phase = phase or _phase(spec, statuses, cs or {}, begun)
        status["startTime"] = ts(start)
        ready_time = min(ready_at or last + sec(self.rng.randint(3, 12)), self.now - sec(1))
        unready = [s["name"] for s in statuses if not s["ready"]]
        if phase in ("Succeeded", "Failed"):
            status["conditions"] = self._ended(phase, start, last)
        else:
            at = ready_time if not unready else ready_at or (last if begun else start)
            status["conditions"] = self._alive(start, sandbox, inits, init_end, unready, at)
        if start < self.dead.get(node, start) and phase == "Running":
            self._orphaned(spec, meta, status, self.dead[node])
        self._address(status, spec, node, ip and sandbox)
        if inits:
            status["initContainerStatuses"] = inits
        status["containerStatuses"] = sorted(statuses, key=lambda s: s["name"])
        self._take(node, spec if phase not in ("Succeeded", "Failed") else None)
        return max(last if unready else ready_time, start)

    def _init_statuses(self, spec, states, at):
        """The statuses of the init containers, and when the last one ended (None: not yet)."""
        out, done = [], True
        for container in spec.get("initContainers", []):
            state = states.get(container["name"]) or dead(0, at, at + sec(self.rng.randint(1, 4)))
            sidecar = container.get("restartPolicy") == "Always" and state["s"] == "running"
            ended = state["s"] == "terminated" and state["code"] == 0
            if ended:
                at = state["fin"]
            done = done and (ended or sidecar)
            out.append(self.container_status(container, state, init=True))
        return out, at if done else None

    def _states(self, spec, given, created, at, begun, sandbox):
        """The state of every container: as given, restarted with its node, running, or not yet begun."""
        out, boot = {}, self.reboots.get(spec["nodeName"])
        for container in spec["containers"]:
            state = given.get(container["name"])
            if state is None and boot and created < boot and begun:
                back = boot + sec(self.rng.randint(38, 95))
                state = up(back, 1, dead(255, at + sec(1), boot, "Unknown"))
            if state is None and begun:
                state = up(at + sec(self.rng.randint(1, 3)))
            if state is None:
                state = wait("PodInitializing" if spec.get("initContainers") and sandbox else "ContainerCreating")
            if state["s"] == "running" and state["at"] is None:
                state["at"] = at + sec(self.rng.randint(1, 3))
            out[container["name"]] = state
        return out

    @staticmethod
    def _moments(state):
        if state["s"] == "running":
            yield state["at"]
        elif state["s"] == "terminated":
            yield state["fin"]
        elif state.get("last"):
            yield state["last"]["fin"]

    def _ended(self, phase, start, last):
        reason = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        return [
            self._condition("PodReadyToStartContainers", False, last + sec(2)),
            self._condition("Initialized", True, start, reason if phase == "Succeeded" else None),
            self._condition("Ready", False, last, reason),
            self._condition("ContainersReady", False, last, reason),
            self._condition("PodScheduled", True, start),
        ]

    def _alive(self, start, sandbox, inits, init_end, unready, at):
        out = [
            self._condition("PodReadyToStartContainers", sandbox, min(start + sec(2), self.now) if sandbox else start)
        ]
        if init_end is not None:
            out.append(self._condition("Initialized", True, init_end if inits else start))
        else:
            bad = [s["name"] for s in inits if s["state"].get("terminated", {}).get("exitCode") != 0]
            text = f"containers with incomplete status: [{' '.join(bad)}]"
            out.append(self._condition("Initialized", False, start, "ContainersNotInitialized", text))
        why = ("ContainersNotReady", f"containers with unready status: [{' '.join(unready)}]") if unready else ()
        out += [self._condition(kind, not unready, at, *why) for kind in ("Ready", "ContainersReady")]
        return [*out, self._condition("PodScheduled", True, start)]

    def _orphaned(self, spec, meta, status, gone):
        """A pod whose node went silent: not ready at once, deleted after five minutes."""
        for condition in status["conditions"]:
            if condition["type"] == "Ready" and condition["status"] == "True":
                condition |= {"status": "False", "lastTransitionTime": ts(gone + sec(1))}
        if _stays(spec) or self.now <= gone + sec(305):
            return
        grace = spec["terminationGracePeriodSeconds"]
        meta |= {"deletionTimestamp": ts(gone + sec(305 + grace)), "deletionGracePeriodSeconds": grace, "generation": 2}
        text = "Taint manager: deleting due to NoExecute taint"
        disrupted = self._condition("DisruptionTarget", True, gone + sec(305), "DeletionByTaintManager", text)
        status["conditions"].insert(0, disrupted)

    def _address(self, status, spec, node, has_ip):
        host = self.nodes[node]["ip"]
        status |= {"hostIP": host, "hostIPs": [{"ip": host}]}
        own = host if spec.get("hostNetwork") else self.ip_on(node) if has_ip else None
        if own:
            status |= {"podIP": own, "podIPs": [{"ip": own}]}

    def _take(self, node, spec):
        """Books the pod's requests on its node."""
        entry = self.nodes[node]
        entry["n"] += 1
        for container in spec["containers"] if spec else []:
            requests = container["resources"].get("requests", {})
            entry["rc"] += cpu_m(requests.get("cpu", "0"))
            entry["rm"] += mem_b(requests.get("memory", "0"))

    def _pods_for(self, ns, generate, spec, labels, owner, states, created, annotations=None, use=None):
        """The pods of a controller, one for each of `states` (arguments of `pod`)."""
        out = []
        for i, state in enumerate(states):
            state = {"spec": spec, "use": use, "created": created + sec(i)} | state
            name = state.pop("name", None) or generate + self.rand(5)
            template, born = state.pop("spec"), state.pop("created")
            out.append(
                self.pod(
                    ns,
                    name,
                    template,
                    born,
                    labels=dict(labels),
                    annotations=dict(annotations or {}) or None,
                    owner=owner,
                    generate=generate,
                    **state,
                )
            )
        return out

    @staticmethod
    def _is(pod, kind):
        return any(c["type"] == kind and c["status"] == "True" for c in pod["status"].get("conditions", []))

    @staticmethod
    def _live(pods):
        return [
            p
            for p in pods
            if p["status"]["phase"] not in ("Succeeded", "Failed") and "deletionTimestamp" not in p["metadata"]
        ]
