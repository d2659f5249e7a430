"""Sick workloads as a control plane shows them: crash loops, pulls, pending, refused and unready pods."""

from tests.scenarios.builder.clock import sec, when
from tests.scenarios.builder.containers import ctr, tcp
from tests.scenarios.builder.states import crash_runs, dead, up, wait


class Symptoms:
    """Each method builds the workload, its history, the pods' statuses, events and logs."""

    def roll(self, ns, name, containers, states, since, *, kind="deploy", old=None, alive=0, svc=None, before=20, **kw):
        """A workload whose pods have `states`; `old` containers make a previous revision with `alive` pods left."""
        if kind != "deploy":
            kw.pop("progress", None)
        if kind == "sts":
            w = self.sts(ns, name, containers, kw.pop("replicas", len(states)), states=states, **kw)
        elif kind == "ds":
            w = self.ds(ns, name, containers, states=dict(zip(self.nodes, states, strict=False)), **kw)
        else:
            w = self._revised(ns, name, containers, states, since, old, alive, before, **kw)
        if svc:
            port = "http" if any(p.get("name") == "http" for p in containers[0].get("ports", [])) else None
            sel = w.obj["spec"]["selector"]["matchLabels"]
            self.svc(ns, name, [(port, svc, port or containers[0]["ports"][0]["containerPort"])], sel=sel)
        return w

    def _late(self, since):
        """How a rollout that began at `since` and never got ready is told in the Progressing condition."""
        return "deadline" if (self.now - since).total_seconds() > 601 else "updating"

    def _revised(self, ns, name, containers, states, since, old, alive, before, **kw):
        kw.setdefault("replicas", max(len(states), alive, 1))
        if old:
            last = {"containers": old, "created": self.ago(d=before), "changed": since, "tannot": {}}
            if alive:
                born = self.ago(d=before)
                last |= {"states": [{"created": born + sec(9 * i)} for i in range(alive)], "want": alive}
            kw.setdefault("strategy", None if alive else {"type": "Recreate"})
            kw.setdefault("created", self.ago(d=before + 60))
            kw["history"] = [last]
            kw.setdefault("rolled", since)
            kw.setdefault("progress", self._late(since))
        return self.deploy(ns, name, containers, states=states, **kw)

    def crash(
        self,
        ns,
        name,
        containers,
        lines,
        since,
        *,
        code=1,
        run=3,
        n=1,
        reason=None,
        message=None,
        born=None,
        which=0,
        node=None,
        **kw,
    ):
        """A crash loop since `since`; `lines(t)`: the log of an instance started at t; `born`: the pods are older."""
        cname, runs, states = containers[which]["name"], [], []
        for i in range(n):
            r, delay = crash_runs(since + sec(3 + 7 * i), run, self.now)
            runs.append((r, delay))
            last = dead(code, r[-1][0], r[-1][1], reason, message)
            state = {"created": (born or since) + sec(i)}
            state["cs"] = {cname: wait("CrashLoopBackOff", "x", len(r) - (0 if born else 1), last)}
            if born:
                state["ready_at"] = since + sec(i)
            if node:
                state["node"] = node
            states.append(state)
        if not kw.get("old"):
            kw.setdefault("created", born or since)
            kw.setdefault("progress", None if born else self._late(since))
        w = self.roll(ns, name, containers, states, since, **kw)
        pods = w.current
        for p, (r, delay) in zip(pods, runs, strict=False):
            self.crashloop(p, cname, delay)
            self.crash_events(p, cname, len(r), r[0][0], r[-1][0])
            if lines:
                self.log(p, cname, lines(r[-1][0]), both=True)
        return w

    def unscheduled(self, ns, name, containers, message, since, *, n=1, svc=None, nominated=None, **kw):
        """Pods that the scheduler cannot place."""
        states = [{"created": since + sec(1 + i), "pending": message, "nominated": nominated} for i in range(n)]
        if not kw.get("old"):
            kw.setdefault("created", since)
            kw.setdefault("progress", self._late(since))
        w = self.roll(ns, name, containers, states, since, svc=svc, **kw)
        tries = max(2, int((self.now - since).total_seconds() // 300))
        for p in w.current:
            if p["status"]["phase"] == "Pending":
                self.sched_event(p, "FailedScheduling", message, since + sec(1), last=self.ago(s=74), count=tries)
        return w

    def refused(self, ns, name, containers, why, since, *, n=1, have=0, born=None, replicas=None, **kw):
        """Pods that the API server refuses; `why` follows 'pods "x-" is forbidden: ' unless it is complete."""
        states = [{"created": (born or self.ago(d=9)) + sec(i)} for i in range(have)]
        kw.setdefault("created", born or (self.ago(d=9) if have else since))
        w = self.deploy(ns, name, containers, replicas or n + have, states=states, failure=("x", since + sec(1)), **kw)
        rs = w.sets[-1]
        text = why if why.startswith(("pods ", "Internal", "admission")) else f'pods "POD" is forbidden: {why}'

        def message():
            return text.replace("POD", f"{rs['metadata']['name']}-{self.rand(5)}")

        first = message()
        for o in (w.obj, rs):
            for cond in o["status"]["conditions"]:
                if cond["type"] == "ReplicaFailure":
                    cond["message"] = first
        for off in (1, 1, 2, 5, 21, 82):
            text_ = "Error creating: " + message()
            self.event(rs, "Warning", "FailedCreate", text_, since + sec(off), component="replicaset-controller")
        combined = "(combined from similar events): Error creating: " + message()
        self.event(
            rs, "Warning", "FailedCreate", combined, self.ago(m=2), 11, since + sec(340), "replicaset-controller"
        )
        return w

    def blocked(self, ns, name, containers, reason, message, since, *, n=1, which=0, **kw):
        """Containers that are never created: image pulls, CreateContainerConfigError."""
        cname = containers[which]["name"]
        states = [{"created": since + sec(1 + i), "cs": {cname: wait(reason, message)}} for i in range(n)]
        if not kw.get("old") and kw.get("kind", "deploy") == "deploy":
            kw.setdefault("created", since)
            kw.setdefault("progress", self._late(since))
        w = self.roll(ns, name, containers, states, since, **kw)
        for p in w.current:
            at = when(p["metadata"]["creationTimestamp"])
            self.sched_event(
                p,
                "Scheduled",
                f"Successfully assigned {ns}/{p['metadata']['name']} to {p['spec']['nodeName']}",
                at,
                typ="Normal",
            )
        return w

    def no_pull(self, ns, name, containers, error, since, *, which=0, **kw):
        """ImagePullBackOff with the runtime's error."""
        img, cname = containers[which]["image"], containers[which]["name"]
        text = f'Back-off pulling image "{img}": ErrImagePull: {error}'
        w = self.blocked(ns, name, containers, "ImagePullBackOff", text, since, which=which, **kw)
        n = max(3, int((self.now - since).total_seconds() // 240))
        for p in w.current:
            first = when(p["metadata"]["creationTimestamp"]) + sec(2)
            last = self.ago(m=1, s=20)
            self.kubelet(p, "Normal", "Pulling", f'Pulling image "{img}"', last, n, first, cname)
            self.kubelet(p, "Warning", "Failed", f'Failed to pull image "{img}": {error}', last, n, first, cname)
            self.kubelet(p, "Warning", "Failed", "Error: ErrImagePull", last, n, first, cname)
            self.kubelet(
                p, "Normal", "BackOff", f'Back-off pulling image "{img}"', self.ago(s=19), n * 12, first, cname
            )
            self.kubelet(p, "Warning", "Failed", "Error: ImagePullBackOff", self.ago(s=19), n * 12, first, cname)
        return w

    def no_config(self, ns, name, containers, error, since, **kw):
        """CreateContainerConfigError."""
        w = self.blocked(ns, name, containers, "CreateContainerConfigError", error, since, **kw)
        n = max(3, int((self.now - since).total_seconds() // 13))
        cname = containers[kw.get("which", 0)]["name"]
        for p in w.current:
            first = when(p["metadata"]["creationTimestamp"]) + sec(3)
            self.kubelet(p, "Warning", "Failed", f"Error: {error}", self.ago(s=7), n, first, cname)
        return w

    def no_mount(self, ns, name, containers, error, since, *, n=1, reason="FailedMount", component="kubelet", **kw):
        """ContainerCreating for ever, with FailedMount or FailedAttachVolume events."""
        states = [{"created": since + sec(1 + i), "sandbox": False} for i in range(n)]
        if not kw.get("old"):
            kw.setdefault("created", since)
            kw.setdefault("progress", self._late(since))
        w = self.roll(ns, name, containers, states, since, **kw)
        tries = max(3, int((self.now - since).total_seconds() // 122))
        for p in w.current:
            if component == "kubelet":
                self.kubelet(p, "Warning", reason, error, self.ago(s=41), tries, since + sec(3))
            else:
                self.event(p, "Warning", reason, error, self.ago(s=41), tries, since + sec(3), component)
        return w

    def unready(self, ns, name, containers, probe, since, *, n=1, born=None, lines=None, which=0, **kw):
        """Running pods that are not ready since `since`; `probe` is the kubelet's message, {ip} for the pod's own."""
        if not (born or kw.get("old")):
            kw.setdefault("progress", self._late(since))
        born = born or since
        cname = containers[which]["name"]
        states = [
            {
                "created": born + sec(7 * i),
                "cs": {cname: up(born + sec(3 + 7 * i), ready=False)},
                "ready_at": since + sec(i),
            }
            for i in range(n)
        ]
        if not kw.get("old"):
            kw.setdefault("created", born)
        w = self.roll(ns, name, containers, states, since, **kw)
        tries = max(3, int((self.now - since).total_seconds() // 10))
        for p in w.current:
            ip = p["status"]["podIP"]
            text = f"Readiness probe failed: {probe.format(ip=ip)}"
            self.kubelet(p, "Warning", "Unhealthy", text, self.ago(s=6), tries, since + sec(12), cname)
            if lines:
                self.log(p, cname, lines(p))
        return w

    def spell(self, since, every, line, until=None):
        """Log lines from `since` until now, about every so many seconds; `line(t)` is one line or a list."""
        out, t = [], since
        while t < (until or self.now):
            entry = line(t)
            out += [entry] if isinstance(entry, str) else entry
            t += sec(every * self.rng.uniform(0.7, 1.3))
        return out

    def complains(self, work, since, every, line, container=None, before=None):
        """A caller whose log is full of `line(t)`; its pods are otherwise well."""
        for p in work.pods:
            cname = container or p["spec"]["containers"][0]["name"]
            calm = self.spell(since - sec(every * 4), every, before, until=since) if before else []
            self.log(p, cname, calm + self.spell(since + sec(5), every, line))

    def database(
        self,
        ns,
        name,
        image="docker.io/library/postgres:17.6",
        port=5432,
        size="10Gi",
        path="/var/lib/postgresql/data",
        **kw,
    ):
        """A healthy single-instance database with a headless Service."""
        main = ctr(
            name.split("-")[-1] if "-" in name else name,
            image,
            ports=[("db", port)],
            req="100m/256Mi",
            lim="-/512Mi",
            ready=tcp("db"),
            mounts=[("data", path)],
        )
        w = self.sts(ns, name, [main], 1, vct="data", vol_size=size, **kw)
        self.svc(ns, name, [("db", port, "db")], headless=True)
        return w
