"""Events, in the wording of the components that write them."""

import datetime as dt

from tests.scenarios.builder.clock import sec, ts, tsu, when


class Events:
    """Events of kubelets, schedulers and controllers."""

    def unsched(self, parts, preempt=None):
        """The scheduler's message; parts and preempt: [(count, text)]."""
        total = len(self.nodes)
        msg = f"0/{total} nodes are available: {', '.join(sorted(f'{p[0]} {p[1]}' for p in parts))}."
        if preempt:
            tail = f"preemption: 0/{total} nodes are available: {', '.join(sorted(f'{p[0]} {p[1]}' for p in preempt))}."
            msg += " " + ("no new claims to deallocate, " if self.minor >= 34 else "") + tail
        return msg

    def backoff_msg(self, pod, container, delay="5m0s"):
        m = pod["metadata"]
        return "back-off {} restarting failed container={} pod={}_{}({})".format(
            delay, container, m["name"], m["namespace"], m["uid"]
        )

    def crashloop(self, pod, container, delay="5m0s"):
        """Fills in the waiting message, which carries the pod's own uid, of wait('CrashLoopBackOff')."""
        for key in ("containerStatuses", "initContainerStatuses"):
            for s in pod["status"].get(key, []):
                if s["name"] == container:
                    s["state"]["waiting"]["message"] = self.backoff_msg(pod, container, delay)

    def crash_events(self, pod, container, n, first, last, backoffs=None, init=False, backoff_last=None):
        img = next(
            c for c in pod["spec"]["containers"] + pod["spec"].get("initContainers", []) if c["name"] == container
        )["image"]
        self.kubelet(
            pod,
            "Normal",
            "Pulled",
            f'Container image "{img}" already present on machine',
            last,
            n,
            first,
            container,
            init,
        )
        self.kubelet(pod, "Normal", "Created", f"Created container: {container}", last, n, first, container, init)
        self.kubelet(
            pod,
            "Normal",
            "Started",
            f"Started container {container}",
            last + sec(1),
            n,
            first + sec(1),
            container,
            init,
        )
        m = pod["metadata"]
        self.kubelet(
            pod,
            "Warning",
            "BackOff",
            "Back-off restarting failed container {} in pod {}_{}({})".format(
                container, m["name"], m["namespace"], m["uid"]
            ),
            backoff_last or self.now - sec(self.rng.randint(3, 40)),
            backoffs or n * 9,
            first + sec(25),
            container,
            init,
        )

    def ref(self, o, field=None):
        m = o["metadata"]
        r = {
            "apiVersion": o["apiVersion"],
            "kind": o["kind"],
            "name": m["name"],
            "resourceVersion": m["resourceVersion"],
            "uid": m["uid"],
        }
        if m.get("namespace"):
            r["namespace"] = m["namespace"]
        if field:
            r["fieldPath"] = field
        return r

    def event(
        self, o, typ, reason, message, last, count=1, first=None, component=None, host=None, field=None, ref=None
    ):
        """A core/v1 Event as controllers and kubelets record it (first/last timestamp and count)."""
        first = first or last
        r = ref or self.ref(o, field)
        ns = r.get("namespace") or "default"
        nm = "{}.{:x}".format(r["name"], int(first.timestamp()) * 10**9 + self.rng.randint(0, 10**9 - 1))
        src = {"component": component}
        if host:
            src["host"] = host
        return self.add(
            {
                "apiVersion": "v1",
                "kind": "Event",
                "count": count,
                "eventTime": None,
                "firstTimestamp": ts(first),
                "lastTimestamp": ts(last),
                "involvedObject": r,
                "message": message,
                "metadata": {
                    "creationTimestamp": ts(first),
                    "name": nm,
                    "namespace": ns,
                    "resourceVersion": self.rv(last),
                    "uid": self.uid(),
                },
                "reason": reason,
                "reportingComponent": component,
                "reportingInstance": host or "",
                "source": src,
                "type": typ,
            }
        )

    def kubelet(self, pod, typ, reason, message, last, count=1, first=None, container=None, init=False):
        f = None
        if container:
            f = "spec.{}{{{}}}".format("initContainers" if init else "containers", container)
        return self.event(pod, typ, reason, message, last, count, first, "kubelet", pod["spec"].get("nodeName"), f)

    def sched_event(self, pod, reason, message, at, typ="Warning", last=None, count=1, action=None):
        """The scheduler writes events.k8s.io style events: eventTime, action and a series instead of count."""
        r = self.ref(pod)
        nm = "{}.{:x}".format(r["name"], int(at.timestamp()) * 10**9 + self.rng.randint(0, 10**9 - 1))
        et = at + dt.timedelta(microseconds=self.rng.randint(1, 999999))
        e = {
            "action": action or ("Binding" if reason == "Scheduled" else "Scheduling"),
            "apiVersion": "v1",
            "eventTime": tsu(et),
            "firstTimestamp": None,
            "lastTimestamp": None,
            "kind": "Event",
            "involvedObject": r,
            "message": message,
            "metadata": {
                "creationTimestamp": ts(at),
                "name": nm,
                "namespace": r["namespace"],
                "resourceVersion": self.rv(last or at),
                "uid": self.uid(),
            },
            "reason": reason,
            "reportingComponent": "default-scheduler",
            "reportingInstance": f"default-scheduler-{self.sched_host()}",
            "source": {},
            "type": typ,
        }
        if count > 1:
            e["series"] = {
                "count": count,
                "lastObservedTime": tsu((last or at) + dt.timedelta(microseconds=self.rng.randint(1, 999999))),
            }
        return self.add(e)

    def sched_host(self):
        for n, d in self.nodes.items():
            if "node-role.kubernetes.io/control-plane" in d["labels"]:
                return n
        return "kube-scheduler-7c6b9d5f4-{}".format("q8x2m")

    def started(self, pod, container=None, pulled="present", at=None, image_time="1.843s", size=48213377):
        """The events of an ordinary start."""
        at = at or when(pod["status"]["startTime"])
        self.sched_event(
            pod,
            "Scheduled",
            "Successfully assigned {}/{} to {}".format(
                pod["metadata"]["namespace"], pod["metadata"]["name"], pod["spec"]["nodeName"]
            ),
            at,
            typ="Normal",
        )
        for c in pod["spec"].get("initContainers", []) + pod["spec"]["containers"]:
            init = c in pod["spec"].get("initContainers", [])
            if pulled == "present":
                self.kubelet(
                    pod,
                    "Normal",
                    "Pulled",
                    'Container image "{}" already present on machine'.format(c["image"]),
                    at + sec(1),
                    container=c["name"],
                    init=init,
                )
            else:
                self.kubelet(
                    pod,
                    "Normal",
                    "Pulling",
                    'Pulling image "{}"'.format(c["image"]),
                    at + sec(1),
                    container=c["name"],
                    init=init,
                )
                self.kubelet(
                    pod,
                    "Normal",
                    "Pulled",
                    f'Successfully pulled image "{c["image"]}" in {image_time} ({image_time} including waiting). '
                    f"Image size: {size} bytes.",
                    at + sec(3),
                    container=c["name"],
                    init=init,
                )
            self.kubelet(
                pod,
                "Normal",
                "Created",
                "Created container: {}".format(c["name"]),
                at + sec(3),
                container=c["name"],
                init=init,
            )
            self.kubelet(
                pod,
                "Normal",
                "Started",
                "Started container {}".format(c["name"]),
                at + sec(3),
                container=c["name"],
                init=init,
            )

    def scaled(self, w, msg, at, count=1):
        return self.event(w.obj, "Normal", "ScalingReplicaSet", msg, at, count, component="deployment-controller")
