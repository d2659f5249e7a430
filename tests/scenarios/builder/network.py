"""Services, EndpointSlices, Ingresses, NetworkPolicies."""

import datetime as dt


class Network:
    """Objects of the network."""

    def svc(
        self,
        ns,
        name,
        ports,
        sel=None,
        typ="ClusterIP",
        created=None,
        headless=False,
        labels=None,
        annotations=None,
        internal=None,
        external=None,
        node_ports=None,
        ingress_ip=None,
        not_ready=False,
        manual=None,
        session="None",
        vip=None,
    ):
        """A Service. ports: (name, port, target[, protocol]); sel: default app=name; manual: (ip, port) by hand."""
        created = created or self.start + dt.timedelta(days=self.age * 0.15, seconds=self.rng.randint(0, 90000))
        sp = {
            "internalTrafficPolicy": internal or "Cluster",
            "ipFamilies": ["IPv4"],
            "ipFamilyPolicy": "SingleStack",
            "ports": [],
            "sessionAffinity": session,
            "type": typ,
        }
        for i, p in enumerate(ports):
            d = {
                "port": p[1],
                "protocol": p[3] if len(p) > 3 else "TCP",
                "targetPort": p[2] if len(p) > 2 and p[2] is not None else p[1],
            }
            if p[0]:
                d["name"] = p[0]
            if typ in ("NodePort", "LoadBalancer"):
                d["nodePort"] = (node_ports or [])[i] if node_ports else self.rng.randint(30000, 32767)
            sp["ports"].append(d)
        if sel is None and manual is None:
            sel = {"app": name}
        if sel:
            sp["selector"] = dict(sel)
        if headless:
            sp["clusterIP"] = "None"
            sp["clusterIPs"] = ["None"]
        else:
            v = vip or self.vip()
            sp["clusterIP"] = v
            sp["clusterIPs"] = [v]
        if typ in ("NodePort", "LoadBalancer"):
            sp["externalTrafficPolicy"] = external or "Cluster"
        if typ == "LoadBalancer":
            sp["allocateLoadBalancerNodePorts"] = True
            if (external or "Cluster") == "Local":
                sp["healthCheckNodePort"] = self.rng.randint(30000, 32767)
        if not_ready:
            sp["publishNotReadyAddresses"] = True
        st = {"loadBalancer": {}}
        if ingress_ip:
            st["loadBalancer"] = {"ingress": [{"ip": ingress_ip, "ipMode": "VIP"}]}
        o = self.make(
            "v1",
            "Service",
            name,
            ns,
            created,
            {"spec": sp, "status": st},
            labels=labels or (dict(sel) if sel else None),
            annotations=annotations,
        )
        self.services.append((o, manual))
        return o

    def netpol(
        self,
        ns,
        name,
        pod_sel,
        types,
        ingress=None,
        egress=None,
        created=None,
        labels=None,
        annotations=None,
        changed=None,
    ):
        sp = {"podSelector": pod_sel, "policyTypes": types}
        if ingress is not None:
            sp["ingress"] = ingress
        if egress is not None:
            sp["egress"] = egress
        return self.make(
            "networking.k8s.io/v1",
            "NetworkPolicy",
            name,
            ns,
            created or self.start + dt.timedelta(days=self.age * 0.3),
            {"spec": sp},
            labels=labels,
            gen=1,
            annotations=annotations,
            changed=changed,
        )

    def ingress(
        self,
        ns,
        name,
        rules,
        cls="nginx",
        tls=None,
        created=None,
        annotations=None,
        labels=None,
        address=None,
        changed=None,
        gen=1,
    ):
        """rules: list of (host, [(path, svc, port[, pathType])])"""
        rl = []
        for host, paths in rules:
            ps = []
            for p in paths:
                port = {"number": p[2]} if isinstance(p[2], int) else {"name": p[2]}
                ps.append(
                    {
                        "backend": {"service": {"name": p[1], "port": port}},
                        "path": p[0],
                        "pathType": p[3] if len(p) > 3 else "Prefix",
                    }
                )
            rl.append({"host": host, "http": {"paths": ps}})
        sp = {"rules": rl}
        if cls:
            sp["ingressClassName"] = cls
        if tls:
            sp["tls"] = [{"hosts": h, "secretName": s} for h, s in tls]
        return self.make(
            "networking.k8s.io/v1",
            "Ingress",
            name,
            ns,
            created or self.start + dt.timedelta(days=self.age * 0.3),
            {"spec": sp, "status": {"loadBalancer": {"ingress": [{"ip": address}]} if address else {}}},
            labels=labels,
            annotations=annotations,
            gen=gen,
            changed=changed,
        )
