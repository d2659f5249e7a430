"""Nodes, their leases, addresses and room."""

import datetime as dt

from tests.scenarios.builder.clock import sec, ts, tsu, when
from tests.scenarios.builder.quantities import cpu_m, mem_b


class Nodes:
    """Nodes and the placing of pods."""

    def node(
        self,
        name,
        cpu=4,
        mem=16,
        role=None,
        zone=None,
        labels=None,
        taints=None,
        unschedulable=False,
        created=None,
        pods=110,
        conditions=None,
        pod_cidr=None,
        ip=None,
        itype=None,
        gpu=0,
        disk=100,
        annotations=None,
        kubelet=None,
        heartbeat=None,
        arch="amd64",
    ):
        i = len(self.nodes)
        created = created or self.start + sec(12 + 7 * i)
        cidr = pod_cidr or f"{self.net}.{i}.0/24"
        lab = {
            "kubernetes.io/arch": arch,
            "kubernetes.io/hostname": name,
            "kubernetes.io/os": "linux",
        }
        if role == "control-plane":
            lab["node-role.kubernetes.io/control-plane"] = ""
            lab["node.kubernetes.io/exclude-from-external-load-balancers"] = ""
            taints = (taints or []) + [{"effect": "NoSchedule", "key": "node-role.kubernetes.io/control-plane"}]
        if zone:
            lab["topology.kubernetes.io/zone"] = zone
            lab["topology.kubernetes.io/region"] = zone[:-1].rstrip("-")
        if itype:
            lab["node.kubernetes.io/instance-type"] = itype
        lab.update(labels or {})
        ip = ip or f"{self.hosts}.{10 + i}"
        cap_ki = int(mem * 1048576 * 0.976) - self.rng.randint(0, 9000)
        disk_ki = int(disk * 1048576 * 0.967)
        cap = {
            "cpu": str(cpu),
            "ephemeral-storage": f"{disk_ki}Ki",
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": f"{cap_ki}Ki",
            "pods": str(pods),
        }
        if self.flavor == "managed":
            alloc_cpu = f"{cpu * 1000 - 80}m"
            alloc_mem = f"{cap_ki - 1048576 - 102400}Ki"
        else:
            alloc_cpu, alloc_mem = str(cpu), f"{cap_ki - 102400}Ki"
        alloc = {
            "cpu": alloc_cpu,
            "ephemeral-storage": str(int(disk_ki * 1024 * 0.9)),
            "hugepages-1Gi": "0",
            "hugepages-2Mi": "0",
            "memory": alloc_mem,
            "pods": str(pods),
        }
        if gpu:
            cap["nvidia.com/gpu"] = alloc["nvidia.com/gpu"] = str(gpu)
        hb = heartbeat or self.now - sec(self.rng.randint(20, 280))
        up_since = created + sec(35)
        base = {
            "MemoryPressure": ("False", "KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
            "DiskPressure": ("False", "KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
            "PIDPressure": ("False", "KubeletHasSufficientPID", "kubelet has sufficient PID available"),
            "Ready": ("True", "KubeletReady", "kubelet is posting ready status"),
        }
        conds = []
        if self.cni in ("calico", "cilium"):
            cn = {
                "calico": ("CalicoIsUp", "Calico is running on this node"),
                "cilium": ("CiliumIsUp", "Cilium is running on this node"),
            }[self.cni]
            conds.append(
                {
                    "lastHeartbeatTime": ts(up_since + sec(31)),
                    "lastTransitionTime": ts(up_since + sec(31)),
                    "message": cn[1],
                    "reason": cn[0],
                    "status": "False",
                    "type": "NetworkUnavailable",
                }
            )
        for typ in ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"):
            st, rs, ms = base[typ]
            tr = up_since if typ != "Ready" else up_since + sec(24)
            if conditions and typ in conditions:
                st, rs, ms, tr = conditions[typ]
            conds.append(
                {
                    "lastHeartbeatTime": ts(hb),
                    "lastTransitionTime": ts(tr),
                    "message": ms,
                    "reason": rs,
                    "status": st,
                    "type": typ,
                }
            )
        ann = {"node.alpha.kubernetes.io/ttl": "0", "volumes.kubernetes.io/controller-managed-attach-detach": "true"}
        spec = {"podCIDR": cidr, "podCIDRs": [cidr]}
        if self.flavor == "kubeadm":
            ann["kubeadm.alpha.kubernetes.io/cri-socket"] = "unix:///run/containerd/containerd.sock"
        else:
            spec["providerID"] = "cloud:///{}/i-{}".format(zone or "zone-a", self.hexs(17))
        ann.update(annotations or {})
        if taints:
            spec["taints"] = taints
        if unschedulable:
            spec["unschedulable"] = True
            at = unschedulable if isinstance(unschedulable, dt.datetime) else self.ago(h=2)
            spec["taints"] = [
                *spec.get("taints", []),
                {"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "timeAdded": ts(at)},
            ]
        n = self.make(
            "v1",
            "Node",
            name,
            None,
            created,
            {
                "spec": spec,
                "status": {
                    "addresses": [{"address": ip, "type": "InternalIP"}, {"address": name, "type": "Hostname"}],
                    "allocatable": alloc,
                    "capacity": cap,
                    "conditions": conds,
                    "daemonEndpoints": {"kubeletEndpoint": {"Port": 10250}},
                    "nodeInfo": {
                        "architecture": arch,
                        "bootID": self.uid(),
                        "containerRuntimeVersion": "containerd://1.7.28",
                        "kernelVersion": "6.8.0-79-generic",
                        "kubeProxyVersion": "",
                        "kubeletVersion": kubelet or self.version,
                        "machineID": self.hexs(32),
                        "operatingSystem": "linux",
                        "osImage": "Ubuntu 24.04.3 LTS",
                        "swap": {"capacity": 0},
                        "systemUUID": self.uid(),
                    },
                },
            },
            labels=lab,
            annotations=ann,
            changed=hb,
        )
        ready = next(c for c in conds if c["type"] == "Ready")
        renew = self.now - sec(self.rng.randint(1, 9)) if ready["status"] == "True" else hb + sec(8)
        self.make(
            "coordination.k8s.io/v1",
            "Lease",
            name,
            "kube-node-lease",
            created,
            {"spec": {"holderIdentity": name, "leaseDurationSeconds": 40, "renewTime": tsu(renew)}},
            owner={"apiVersion": "v1", "kind": "Node", "name": name, "uid": n["metadata"]["uid"]},
            changed=renew,
        )
        self.nodes[name] = {
            "obj": n,
            "ip": ip,
            "cidr": cidr,
            "zone": zone,
            "cpu": cpu_m(alloc_cpu),
            "mem": mem_b(alloc_mem),
            "rc": 0,
            "rm": 0,
            "taints": taints or [],
            "off": unschedulable,
            "labels": lab,
            "n": 0,
            "cap": (cpu, mem),
        }
        if ready["status"] != "True":
            self.nodes_down.add(name)
            self.dead[name] = when(ready["lastTransitionTime"])
        return n

    def node_lost(self, name, at, **kw):
        """A node whose kubelet went silent: the node controller noticed at `at`."""
        u = ("Unknown", "NodeStatusUnknown", "Kubelet stopped posting node status.", at)
        return self.node(
            name,
            conditions=dict.fromkeys(("MemoryPressure", "DiskPressure", "PIDPressure", "Ready"), u),
            heartbeat=at - sec(47),
            taints=[
                {"effect": "NoSchedule", "key": "node.kubernetes.io/unreachable", "timeAdded": ts(at)},
                {"effect": "NoExecute", "key": "node.kubernetes.io/unreachable", "timeAdded": ts(at + sec(5))},
            ],
            **kw,
        )

    def ip_on(self, node):
        base = self.nodes[node]["cidr"]
        net, bits = base.split("/")
        a, b, c, d = (int(x) for x in net.split("."))
        used = self._ips.setdefault(node, set())
        size = 2 ** (32 - int(bits))
        if size <= 64:
            k = 2 + len(used)
        else:
            while True:
                k = self.rng.randint(4, min(size - 3, 180))
                if k not in used:
                    break
        used.add(k)
        return f"{a}.{b}.{c}.{d + k}"

    def vip(self):
        while True:
            v = f"{self.svcnet}.{self.rng.randint(1, 254)}.{self.rng.randint(2, 253)}"
            if v not in self._vips:
                self._vips.add(v)
                return v

    def place(self, spec, created=None):
        rc = sum(cpu_m(c["resources"].get("requests", {}).get("cpu", "0")) for c in spec["containers"])
        rm = sum(mem_b(c["resources"].get("requests", {}).get("memory", "0")) for c in spec["containers"])
        best = None
        for n, d in self.nodes.items():
            if (
                n in self.nodes_down
                or d["off"]
                or (
                    created
                    and created < when(d["obj"]["metadata"]["creationTimestamp"])
                    and created > self.start + sec(3600)
                )
            ):
                continue
            tol = spec.get("tolerations", [])
            if any(
                t["effect"] in ("NoSchedule", "NoExecute") and not any(x.get("key") in (None, t["key"]) for x in tol)
                for t in d["taints"]
            ):
                continue
            if any(d["labels"].get(k) != v for k, v in spec.get("nodeSelector", {}).items()):
                continue
            if d["rc"] + rc > d["cpu"] or d["rm"] + rm > d["mem"]:
                continue
            score = (d["rc"] + rc) / d["cpu"] + (d["rm"] + rm) / d["mem"] + d["n"] * 0.01
            if best is None or score < best[0]:
                best = (score, n)
        if best is None:
            raise RuntimeError("no node fits")
        return best[1]
