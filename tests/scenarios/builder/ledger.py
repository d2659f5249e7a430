"""The list of objects, and what every object has: metadata, uid, resourceVersion."""

import datetime as dt
import random
import uuid
import zlib

from tests.scenarios.builder.clock import sec, ts, when
from tests.scenarios.builder.names import ALNUM, CA_PEM


class Ledger:
    """Objects of one cluster, with names and uids from a generator seeded by the story."""

    def __init__(
        self,
        name,
        now,
        version="v1.34.1",
        flavor="kubeadm",
        cni="calico",
        age=210,
        seed=None,
        net="10.244",
        svc="10.96",
        hosts="10.0.1",
        dns=None,
    ):
        self.name, self.version, self.flavor, self.cni = name, version, flavor, cni
        self.now = when(now)
        self.rng = random.Random(seed or name + now)
        self.start = self.now - dt.timedelta(days=age, seconds=self.rng.randint(100, 30000))
        self.age = age
        self.net, self.svcnet, self.hosts = net, svc, hosts
        self.dns_ip = dns or svc + ".0.10"
        self.objs, self.nodes, self.services = [], {}, []
        self.pods = []
        self.logs, self.use, self.use_nodes = {}, {}, {}
        self.audits, self.control, self.series = [], {}, {}
        self._rv, self._ips, self._vips = set(), {}, {self.dns_ip, svc + ".0.1"}
        self.minor = int(version.split(".")[1])
        self.nodes_down = set()
        self.with_usage = False
        self.reboots, self.dead = {}, {}
        self.aliases = {}

    def ago(self, d=0, h=0, m=0, s=0):
        if d and not (h or m or s):
            s = zlib.crc32((f"{self.name}{d}").encode()) % 40000
        return self.now - dt.timedelta(days=d, hours=h, minutes=m, seconds=s)

    def uid(self):
        return str(uuid.UUID(int=self.rng.getrandbits(128), version=4))

    def rand(self, n):
        return "".join(self.rng.choice(ALNUM) for _ in range(n))

    def hexs(self, n):
        return "".join(self.rng.choice("0123456789abcdef") for _ in range(n))

    def rv(self, t):
        n = 1200 + int((t - self.start).total_seconds() * 0.83)
        while n in self._rv:
            n += 1
        self._rv.add(n)
        return str(n)

    def meta(
        self,
        name,
        ns=None,
        created=None,
        labels=None,
        annotations=None,
        owner=None,
        gen=None,
        changed=None,
        uid=None,
        generate=None,
        finalizers=None,
        deleting=None,
        grace=None,
    ):
        created = created or self.start + sec(90)
        m = {
            "creationTimestamp": ts(created),
            "name": name,
            "resourceVersion": self.rv(changed or created),
            "uid": uid or self.uid(),
        }
        if ns:
            m["namespace"] = ns
        if labels:
            m["labels"] = dict(labels)
        if annotations:
            m["annotations"] = dict(annotations)
        if owner:
            m["ownerReferences"] = [owner]
        if gen:
            m["generation"] = gen
        if generate:
            m["generateName"] = generate
        if finalizers:
            m["finalizers"] = list(finalizers)
        if deleting:
            m["deletionTimestamp"] = ts(deleting)
            if grace is not False:
                m["deletionGracePeriodSeconds"] = grace if grace is not None else 30
        return m

    def owner(self, o, block=True):
        r = {
            "apiVersion": o["apiVersion"],
            "controller": True,
            "kind": o["kind"],
            "name": o["metadata"]["name"],
            "uid": o["metadata"]["uid"],
        }
        if block:
            r["blockOwnerDeletion"] = True
        return r

    def add(self, o):
        self.objs.append(o)
        return o

    def make(self, api, kind, name, ns=None, created=None, body=None, **kw):
        o = {"apiVersion": api, "kind": kind, "metadata": self.meta(name, ns, created, **kw)}
        o.update(body or {})
        return self.add(o)

    def get(self, kind, name, ns=None):
        for o in self.objs:
            if o["kind"] == kind and o["metadata"]["name"] == name and o["metadata"].get("namespace") == ns:
                return o
        raise KeyError((kind, ns, name))

    def ns(self, name, created=None, labels=None, annotations=None, status=None, bare=False, **kw):
        created = created or self.start + dt.timedelta(days=self.age * 0.1, seconds=self.rng.randint(0, 86400))
        lab = {"kubernetes.io/metadata.name": name}
        lab.update(labels or {})
        self.make(
            "v1",
            "Namespace",
            name,
            None,
            created,
            {"spec": {"finalizers": ["kubernetes"]}, "status": status or {"phase": "Active"}},
            labels=lab,
            annotations=annotations,
            **kw,
        )
        if bare:
            return name
        self.make("v1", "ServiceAccount", "default", name, created + sec(1))
        self.make(
            "v1",
            "ConfigMap",
            "kube-root-ca.crt",
            name,
            created + sec(1),
            {"data": {"ca.crt": CA_PEM}},
        )
        return name
