"""Pods and their statuses."""

import copy
import hashlib

from tests.scenarios.builder.clock import sec, ts
from tests.scenarios.builder.quantities import cpu_m, mem_b
from tests.scenarios.builder.states import dead, up, wait

DS_TOLERATIONS = [
    {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists"},
    {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists"},
    {"effect": "NoSchedule", "key": "node.kubernetes.io/disk-pressure", "operator": "Exists"},
    {"effect": "NoSchedule", "key": "node.kubernetes.io/memory-pressure", "operator": "Exists"},
    {"effect": "NoSchedule", "key": "node.kubernetes.io/pid-pressure", "operator": "Exists"},
    {"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "operator": "Exists"},
]


POD_TOLERATIONS = [
    {"effect": "NoExecute", "key": "node.kubernetes.io/not-ready", "operator": "Exists", "tolerationSeconds": 300},
    {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "operator": "Exists", "tolerationSeconds": 300},
]


class Pods:
    """One Pod at a time, with the status that a kubelet would report."""

    def pod(
        self,
        ns,
        name,
        spec,
        created,
        labels=None,
        annotations=None,
        owner=None,
        generate=None,
        node=None,
        cs=None,
        ics=None,
        phase=None,
        pending=None,
        gated=False,
        deleting=None,
        grace=None,
        reason=None,
        message=None,
        ip=True,
        conds=None,
        finalizers=None,
        static=False,
        qos=None,
        priority=None,
        ready_at=None,
        nominated=None,
        sandbox=True,
        use=None,
        sched_at=None,
        changed=None,
    ):
        """One Pod. cs/ics: states per container name (default: running); pending: the scheduler's message."""
        spec = copy.deepcopy(spec)
        tok = "kube-api-access-" + self.rand(5)
        ncontainers = spec["containers"]
        if not static and spec.pop("automountServiceAccountToken", True):
            vm = {"mountPath": "/var/run/secrets/kubernetes.io/serviceaccount", "name": tok, "readOnly": True}
            for c in ncontainers + spec.get("initContainers", []):
                c.setdefault("volumeMounts", []).append(dict(vm))
            spec.setdefault("volumes", []).append(
                {
                    "name": tok,
                    "projected": {
                        "defaultMode": 420,
                        "sources": [
                            {"serviceAccountToken": {"expirationSeconds": 3607, "path": "token"}},
                            {"configMap": {"items": [{"key": "ca.crt", "path": "ca.crt"}], "name": "kube-root-ca.crt"}},
                            {
                                "downwardAPI": {
                                    "items": [
                                        {
                                            "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"},
                                            "path": "namespace",
                                        }
                                    ]
                                }
                            },
                        ],
                    },
                }
            )
        spec.setdefault("enableServiceLinks", True)
        if not static:
            spec.setdefault("serviceAccount", "default")
            spec.setdefault("serviceAccountName", "default")
        pc = spec.get("priorityClassName")
        prio = {"system-node-critical": 2000001000, "system-cluster-critical": 2000000000}
        spec["priority"] = priority if priority is not None else prio.get(pc, 0)
        spec.setdefault("preemptionPolicy", "PreemptLowerPriority")
        if not static:
            kind = (owner or {}).get("kind")
            have = spec.get("tolerations", [])
            if kind == "DaemonSet":
                extra = list(DS_TOLERATIONS)
                if spec.get("hostNetwork"):
                    extra.append(
                        {"effect": "NoSchedule", "key": "node.kubernetes.io/network-unavailable", "operator": "Exists"}
                    )
            else:
                extra = [
                    t
                    for t in POD_TOLERATIONS
                    if not any(
                        h.get("key") in (t["key"], None) and h.get("effect") in ("NoExecute", None) for h in have
                    )
                ]
            spec["tolerations"] = have + extra
        host_net = spec.get("hostNetwork", False)
        if pending is None and not gated and node is None:
            node = self.place(spec, created)
        if node:
            spec["nodeName"] = node
            if (owner or {}).get("kind") == "DaemonSet":
                aff = spec.setdefault("affinity", {})
                aff.setdefault("nodeAffinity", {})["requiredDuringSchedulingIgnoredDuringExecution"] = {
                    "nodeSelectorTerms": [
                        {"matchFields": [{"key": "metadata.name", "operator": "In", "values": [node]}]}
                    ]
                }
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
        if self.minor >= 33:
            meta["generation"] = 1 if not deleting else 2
        st = {}
        og = {"observedGeneration": 1} if self.minor >= 34 else {}

        def cond(typ, status, at, rsn=None, msg=None):
            d = {"lastProbeTime": None, "lastTransitionTime": ts(at), "status": status, "type": typ}
            d.update(og)
            if rsn:
                d["reason"] = rsn
            if msg:
                d["message"] = msg
            return d

        lists = [c.get("resources", {}) for c in ncontainers]
        if qos is None:

            def full(r):
                l, q = r.get("limits", {}), r.get("requests", {})
                return all(k in l and q.get(k) == l[k] for k in ("cpu", "memory"))

            every = lists + [c.get("resources", {}) for c in spec.get("initContainers", [])]
            if not any(r.get("limits") or r.get("requests") for r in every):
                qos = "BestEffort"
            elif all(full(r) for r in every):
                qos = "Guaranteed"
            else:
                qos = "Burstable"
        st["qosClass"] = qos
        if og:
            st["observedGeneration"] = 1
        if pending is not None or gated:
            st["phase"] = "Pending"
            if gated:
                st["conditions"] = [
                    cond(
                        "PodScheduled",
                        "False",
                        created,
                        "SchedulingGated",
                        "Scheduling is blocked due to non-empty scheduling gates",
                    )
                ]
            else:
                st["conditions"] = [cond("PodScheduled", "False", sched_at or created, "Unschedulable", pending)]
            if nominated:
                st["nominatedNodeName"] = nominated
            last_change = sched_at or created
        else:
            start = sched_at or created
            init_specs = spec.get("initContainers", [])
            ics, cs = ics or {}, cs or {}
            t0 = start + sec(2)
            istat, init_done, init_t = [], True, t0
            for c in init_specs:
                x = ics.get(c["name"])
                if x is None:
                    fin = init_t + sec(self.rng.randint(1, 4))
                    x = dead(0, init_t, fin)
                    init_t = fin
                elif x["s"] == "terminated" and x["code"] == 0:
                    init_t = x["fin"]
                sidecar = c.get("restartPolicy") == "Always"
                ok = (x["s"] == "terminated" and x["code"] == 0) or (sidecar and x["s"] == "running")
                init_done = init_done and ok
                istat.append(self.cstat(c, x, init=True))
            cstats, allready, unready, last_t = [], True, [], init_t
            terminated = []
            for c in ncontainers:
                x = cs.get(c["name"])
                boot = self.reboots.get(node)
                if x is None and boot and created < boot and init_done:
                    back = boot + sec(self.rng.randint(38, 95))
                    x = up(back, 1, dead(255, init_t + sec(1), boot, "Unknown"))
                if x is None:
                    x = (
                        up(init_t + sec(self.rng.randint(1, 3)))
                        if init_done and sandbox
                        else wait("PodInitializing" if (init_specs and sandbox) else "ContainerCreating")
                    )
                if x["s"] == "running" and x["at"] is None:
                    x["at"] = init_t + sec(self.rng.randint(1, 3))
                d = self.cstat(c, x)
                cstats.append(d)
                if not d["ready"]:
                    allready = False
                    unready.append(c["name"])
                if x["s"] == "running":
                    last_t = max(last_t, x["at"])
                if x["s"] == "terminated":
                    terminated.append(x)
                    last_t = max(last_t, x["fin"])
                if x["s"] == "waiting" and x.get("last"):
                    last_t = max(last_t, x["last"]["fin"])
            if phase is None:
                if terminated and len(terminated) == len(ncontainers) and spec["restartPolicy"] != "Always":
                    phase = "Succeeded" if all(x["code"] == 0 for x in terminated) else "Failed"
                elif (
                    any(x.get("state", {}).get("running") is not None for x in cstats)
                    or any((cs.get(c["name"]) or {}).get("restarts") for c in ncontainers)
                    or (init_done and all(x["state"].get("running") for x in cstats))
                ):
                    phase = "Running"
                else:
                    phase = "Pending"
            st["phase"] = phase
            st["startTime"] = ts(start)
            ready_t = ready_at or (last_t + sec(self.rng.randint(3, 12)))
            ready_t = min(ready_t, self.now - sec(1))
            cl = []
            if phase in ("Succeeded", "Failed"):
                rr = "PodCompleted" if phase == "Succeeded" else "PodFailed"
                cl = [
                    cond("PodReadyToStartContainers", "False", last_t + sec(2)),
                    cond("Initialized", "True", init_t if init_specs else start, rr if phase == "Succeeded" else None),
                    cond("Ready", "False", last_t, rr),
                    cond("ContainersReady", "False", last_t, rr),
                    cond("PodScheduled", "True", start),
                ]
            else:
                cl.append(
                    cond(
                        "PodReadyToStartContainers",
                        "True" if sandbox else "False",
                        min(t0, self.now) if sandbox else start,
                    )
                )
                if init_done:
                    cl.append(cond("Initialized", "True", init_t if init_specs else start))
                else:
                    bad = [
                        c["name"]
                        for c, x in zip(init_specs, istat, strict=False)
                        if x["state"].get("terminated", {}).get("exitCode") != 0
                    ]
                    cl.append(
                        cond(
                            "Initialized",
                            "False",
                            start,
                            "ContainersNotInitialized",
                            "containers with incomplete status: [{}]".format(" ".join(bad)),
                        )
                    )
                if allready:
                    cl += [cond("Ready", "True", ready_t), cond("ContainersReady", "True", ready_t)]
                else:
                    m = "containers with unready status: [{}]".format(" ".join(unready))
                    at = ready_at or (last_t if init_done and sandbox else start)
                    cl += [
                        cond("Ready", "False", at, "ContainersNotReady", m),
                        cond("ContainersReady", "False", at, "ContainersNotReady", m),
                    ]
                cl.append(cond("PodScheduled", "True", start))
            if conds:
                for typ, (stt, rsn, msg, at) in conds.items():
                    cl = [x for x in cl if x["type"] != typ]
                    cl.insert(0, cond(typ, stt, at, rsn, msg))
            gone = self.dead.get(node)
            if gone and start < gone and phase == "Running":
                for x in cl:
                    if x["type"] == "Ready" and x["status"] == "True":
                        x["status"], x["lastTransitionTime"] = "False", ts(gone + sec(1))
                forever = any(
                    t.get("key") in (None, "node.kubernetes.io/unreachable")
                    and t.get("effect") in (None, "NoExecute")
                    and "tolerationSeconds" not in t
                    for t in spec.get("tolerations", [])
                )
                if not forever and not static and self.now > gone + sec(305):
                    meta["deletionTimestamp"] = ts(gone + sec(305 + spec["terminationGracePeriodSeconds"]))
                    meta["deletionGracePeriodSeconds"] = spec["terminationGracePeriodSeconds"]
                    meta["generation"] = 2
                    changed = gone + sec(305)
                    cl.insert(
                        0,
                        cond(
                            "DisruptionTarget",
                            "True",
                            gone + sec(305),
                            "DeletionByTaintManager",
                            "Taint manager: deleting due to NoExecute taint",
                        ),
                    )
            st["conditions"] = cl
            st["hostIP"] = self.nodes[node]["ip"]
            st["hostIPs"] = [{"ip": self.nodes[node]["ip"]}]
            if host_net:
                pip = self.nodes[node]["ip"]
            elif ip and sandbox:
                pip = self.ip_on(node) if ip is True else ip
            else:
                pip = None
            if pip:
                st["podIP"] = pip
                st["podIPs"] = [{"ip": pip}]
            if istat:
                st["initContainerStatuses"] = istat
            st["containerStatuses"] = sorted(cstats, key=lambda x: x["name"])
            if phase not in ("Succeeded", "Failed"):
                d = self.nodes[node]
                d["rc"] += sum(cpu_m(c["resources"].get("requests", {}).get("cpu", "0")) for c in ncontainers)
                d["rm"] += sum(mem_b(c["resources"].get("requests", {}).get("memory", "0")) for c in ncontainers)
            self.nodes[node]["n"] += 1
            last_change = max(ready_t if allready else last_t, start)
        if reason:
            st["reason"] = reason
        if message:
            st["message"] = message
        meta["resourceVersion"] = self.rv(min(changed or deleting or last_change, self.now))
        p = self.add({"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec, "status": st})
        self.pods.append(p)
        if use:
            self.use[(ns, name)] = use
        return p

    def cstat(self, c, x, init=False):
        running = x["s"] == "running"
        image = c["image"]
        full = (
            image
            if "/" in image and ("." in image.split("/")[0] or ":" in image.split("/")[0])
            else ("docker.io/" + image if "/" in image else "docker.io/library/" + image)
        )
        repo = full.rsplit(":", 1)[0] if ":" in full.split("/")[-1] else full
        digest = hashlib.sha256(full.encode()).hexdigest()

        def cid(key):
            return (
                "containerd://"
                + hashlib.sha256((c["name"] + str(key) + self.name + str(self.rng.random())).encode()).hexdigest()
            )

        def term(y, conid):
            d = {
                "containerID": conid,
                "exitCode": y["code"],
                "finishedAt": ts(y["fin"]),
                "reason": y["reason"],
                "startedAt": ts(y["at"]),
            }
            if y.get("message"):
                d["message"] = y["message"]
            return d

        never = x["s"] == "waiting" and not x.get("last")
        d = {
            "image": image if never else full,
            "imageID": "" if never else repo + "@sha256:" + digest,
            "lastState": {},
            "name": c["name"],
            "restartCount": x.get("restarts", 0),
        }
        if x.get("last"):
            lid = cid("last")
            d["lastState"] = {"terminated": term(x["last"], lid)}
        if running:
            d["containerID"] = cid("cur")
            d["state"] = {"running": {"startedAt": ts(x["at"])}}
            d["ready"] = x["ready"]
            d["started"] = x["started"]
        elif x["s"] == "waiting":
            d["state"] = {"waiting": {"reason": x["reason"]}}
            if x.get("message"):
                d["state"]["waiting"]["message"] = x["message"]
            d["ready"] = False
            d["started"] = False
            if x.get("last"):
                d["containerID"] = d["lastState"]["terminated"]["containerID"]
        else:
            d["containerID"] = cid("cur")
            d["state"] = {"terminated": term(x, d["containerID"])}
            d["ready"] = bool(init and x["code"] == 0)
            d["started"] = False
        r = c.get("resources", {})
        if running and self.minor >= 33:
            d["resources"] = copy.deepcopy(r)
            if r.get("requests"):
                d["allocatedResources"] = copy.deepcopy(r["requests"])
        if running or x["s"] == "terminated" or x.get("last"):
            vms = []
            for v in c.get("volumeMounts", []):
                m = {"mountPath": v["mountPath"], "name": v["name"]}
                if v.get("readOnly"):
                    m["readOnly"] = True
                    m["recursiveReadOnly"] = "Disabled"
                vms.append(m)
            if vms:
                d["volumeMounts"] = vms
        return d

    def _pods_for(self, ns, gen, spec, labels, owner, states, created, annotations=None, use=None):
        out = []
        for i, s in enumerate(states):
            s = dict(s)
            name = s.pop("name", None) or gen + self.rand(5)
            lab = dict(labels)
            lab.update(s.pop("labels", {}))
            ann = dict(annotations or {})
            ann.update(s.pop("annotations", {}))
            sp = s.pop("spec", spec)
            u = s.pop("use", use)
            out.append(
                self.pod(
                    ns,
                    name,
                    sp,
                    s.pop("created", None) or created + sec(i),
                    labels=lab,
                    annotations=ann or None,
                    owner=owner,
                    generate=gen,
                    use=u,
                    **s,
                )
            )
        return out

    @staticmethod
    def _is(pod, typ):
        return any(c["type"] == typ and c["status"] == "True" for c in pod["status"].get("conditions", []))

    def _live(self, pods):
        return [
            p
            for p in pods
            if p["status"]["phase"] not in ("Succeeded", "Failed") and "deletionTimestamp" not in p["metadata"]
        ]
