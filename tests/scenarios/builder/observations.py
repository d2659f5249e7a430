"""Container logs, control plane logs, audit entries, usage and metric samples."""

import datetime as dt

from tests.scenarios.builder.clock import tsu
from tests.scenarios.builder.quantities import cpu_m, mem_b


class Observations:
    """What is seen beside the objects."""

    def log(self, pod, container, lines, previous=False, both=False):
        ns, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
        text = "\n".join(lines) + "\n" if not isinstance(lines, str) else lines
        self.logs[(ns, name, container, previous)] = text
        if both:
            self.logs[(ns, name, container, True)] = text

    def cp_log(self, component, lines):
        self.control[component] = "\n".join(lines) + "\n"

    def klog(self, t, level, where, msg, pid=1):
        return f"{level}{t:%m%d %H:%M:%S}.{self.rng.randint(0, 999999):06d} {pid:7d} {where}] {msg}"

    def audit(
        self,
        t,
        user,
        verb,
        resource,
        ns,
        name,
        group="",
        version="v1",
        sub=None,
        code=200,
        req=None,
        resp=None,
        ua=None,
        ip="10.0.1.4",
        groups=None,
        query="",
        status=None,
        annotations=None,
        level=None,
        extra=None,
    ):
        base = "/api/v1" if not group else f"/apis/{group}/{version}"
        uri = (
            base
            + (f"/namespaces/{ns}" if ns else "")
            + "/"
            + resource
            + ("/" + name if name and verb != "create" else "")
            + ("/" + sub if sub else "")
            + query
        )
        if verb == "create" and sub:
            uri = base + f"/namespaces/{ns}/{resource}/{name}/{sub}"
        if not t.microsecond:
            t = t + dt.timedelta(microseconds=self.rng.randint(1000, 899999))
        ref = {"resource": resource, "apiVersion": version}
        if ns:
            ref["namespace"] = ns
        if name:
            ref["name"] = name
        if group:
            ref["apiGroup"] = group
        if sub:
            ref["subresource"] = sub
        u = {"username": user, "groups": groups or ["system:authenticated"]}
        if user.startswith("system:serviceaccount:"):
            u["groups"] = [
                "system:serviceaccounts",
                "system:serviceaccounts:" + user.split(":")[2],
                "system:authenticated",
            ]
        if extra:
            u["extra"] = extra
        e = {
            "kind": "Event",
            "apiVersion": "audit.k8s.io/v1",
            "level": level or ("RequestResponse" if resp else "Request" if req else "Metadata"),
            "auditID": self.uid(),
            "stage": "ResponseComplete",
            "requestURI": uri,
            "verb": verb,
            "user": u,
            "sourceIPs": [ip],
            "userAgent": ua or f"kubectl/{self.version} (linux/amd64) kubernetes/93248f9",
            "objectRef": ref,
            "responseStatus": {"metadata": {}, "code": code},
        }
        if status:
            e["responseStatus"].update(status)
        if req is not None:
            e["requestObject"] = req
        if resp is not None:
            e["responseObject"] = resp
        e["requestReceivedTimestamp"] = tsu(t)
        e["stageTimestamp"] = tsu(t + dt.timedelta(microseconds=self.rng.randint(3000, 40000)))
        an = {"authorization.k8s.io/decision": "allow", "authorization.k8s.io/reason": ""}
        if code == 403 and status is None:
            an = {"authorization.k8s.io/decision": "forbid", "authorization.k8s.io/reason": ""}
        an.update(annotations or {})
        e["annotations"] = an
        self.audits.append((t, e))
        return e

    def sample(self, family, typ, unit_help, labels, points, suffix=""):
        """points: list of (datetime, number). family: name without _total for counters."""
        f = self.series.setdefault(family, {"type": typ, "help": unit_help, "rows": []})
        f["rows"].append((suffix, labels, points))

    def usage(self):
        if not hasattr(self, "_u"):
            self._u = self._usage()
        return self._u

    def _usage(self):
        pods, nodes = {}, {n: [0, 0] for n in self.nodes}
        for p in self.pods:
            node = p["spec"].get("nodeName")
            if p["status"]["phase"] != "Running" or node in self.nodes_down:
                continue
            row = {}
            over = self.use.get((p["metadata"]["namespace"], p["metadata"]["name"]), {})
            for c, s in zip(
                sorted(p["spec"]["containers"], key=lambda x: x["name"]), p["status"]["containerStatuses"], strict=False
            ):
                if not s["state"].get("running"):
                    continue
                rq, lm = c["resources"].get("requests", {}), c["resources"].get("limits", {})
                if c["name"] in over:
                    cq, mq = over[c["name"]]
                    j = self.rng.uniform(0.96, 1.04)
                    cv = cpu_m(cq)
                    if "cpu" not in lm or cv < cpu_m(lm["cpu"]) * 0.9:
                        cv = max(1, round(cv * j))
                    mv = mem_b(mq) / 2**20
                    if "memory" not in lm or mv < mem_b(lm["memory"]) / 2**20 * 0.9:
                        mv = mv * self.rng.uniform(0.97, 1.03)
                else:
                    cv = max(1, int(cpu_m(rq.get("cpu", "20m")) * self.rng.uniform(0.12, 0.42)))
                    mv = mem_b(rq.get("memory", lm.get("memory", "64Mi"))) / 2**20 * self.rng.uniform(0.5, 0.82)
                row[c["name"]] = {"cpu": f"{int(cv)}m", "memory": f"{int(mv)}Mi"}
                nodes[node][0] += cv
                nodes[node][1] += mv
            if row:
                pods["{}/{}".format(p["metadata"]["namespace"], p["metadata"]["name"])] = row
        out = {"nodes": {}, "pods": pods}
        for n, (cv, mv) in nodes.items():
            if n in self.nodes_down:
                continue
            o = self.use_nodes.get(n)
            if o:
                out["nodes"][n] = {"cpu": o[0], "memory": o[1]}
            else:
                out["nodes"][n] = {
                    "cpu": f"{int(cv + self.rng.randint(60, 140))}m",
                    "memory": f"{int(mv + self.rng.randint(700, 1100))}Mi",
                }
        return out
