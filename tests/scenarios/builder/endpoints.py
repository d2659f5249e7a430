"""EndpointSlices, derived from Services and Pods as the endpointslice controller derives them."""

from tests.scenarios.builder.clock import sec, ts, when


def _port_of(service, pod, port):
    """The number that a Service port has in a pod; None when a named port is not there."""
    target = port["targetPort"]
    if not isinstance(target, str):
        return target
    for container in pod["spec"]["containers"]:
        for declared in container.get("ports", []):
            if declared.get("name") == target and declared["protocol"] == port["protocol"]:
                return declared["containerPort"]
    return None


class Endpoints:
    """Writes the slices when everything else is in place."""

    def build_endpoints(self):
        for service, manual in self.services:
            if manual is not None:
                self._manual_slice(service, manual)
            elif service["spec"].get("selector"):
                self._selected_slices(service)

    def _manual_slice(self, service, manual):
        ports = [
            {"name": p.get("name", ""), "port": port, "protocol": p["protocol"]}
            for p, (_, port) in zip(service["spec"]["ports"], manual, strict=False)
        ]
        meta = service["metadata"]
        self.make(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            meta["name"],
            meta["namespace"],
            when(meta["creationTimestamp"]),
            {
                "addressType": "IPv4",
                "endpoints": [{"addresses": [ip], "conditions": {"ready": True}} for ip, _ in manual],
                "ports": ports,
            },
            labels={"kubernetes.io/service-name": meta["name"]},
        )

    def _selected_slices(self, service):
        groups, changed = {}, when(service["metadata"]["creationTimestamp"]) + sec(2)
        for pod in self._backends(service):
            ready = next((x for x in pod["status"]["conditions"] if x["type"] == "Ready"), None)
            if ready:
                changed = max(changed, when(ready["lastTransitionTime"]))
            ports = tuple(
                (p.get("name", ""), number, p["protocol"])
                for p in service["spec"]["ports"]
                if (number := _port_of(service, pod, p)) is not None
            )
            groups.setdefault(ports, []).append(self._endpoint(service, pod, bool(ready) and ready["status"] == "True"))
        changed = min(changed + sec(1), self.now)
        for ports, endpoints in groups.items() or [((), None)]:
            self._slice(service, endpoints, ports, changed)

    def _backends(self, service):
        for pod in self.pods:
            labels, status = pod["metadata"].get("labels", {}), pod["status"]
            if (
                pod["metadata"]["namespace"] == service["metadata"]["namespace"]
                and all(labels.get(k) == v for k, v in service["spec"]["selector"].items())
                and status["phase"] not in ("Succeeded", "Failed")
                and status.get("podIP")
            ):
                yield pod

    def _endpoint(self, service, pod, ready):
        meta, node = pod["metadata"], pod["spec"]["nodeName"]
        public = service["spec"].get("publishNotReadyAddresses", False)
        leaving = "deletionTimestamp" in meta
        endpoint = {
            "addresses": [pod["status"]["podIP"]],
            "conditions": {
                "ready": public or (ready and not leaving),
                "serving": ready or public,
                "terminating": leaving,
            },
            "nodeName": node,
            "targetRef": {"kind": "Pod", "name": meta["name"], "namespace": meta["namespace"], "uid": meta["uid"]},
        }
        if self.nodes[node]["zone"]:
            endpoint["zone"] = self.nodes[node]["zone"]
        if pod["spec"].get("hostname") and pod["spec"].get("subdomain") == service["metadata"]["name"]:
            endpoint["hostname"] = pod["spec"]["hostname"]
        return endpoint

    def _slice(self, service, endpoints, ports, changed):
        meta = service["metadata"]
        labels = dict(meta.get("labels") or {})
        labels["endpointslice.kubernetes.io/managed-by"] = "endpointslice-controller.k8s.io"
        labels["kubernetes.io/service-name"] = meta["name"]
        if service["spec"].get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        self.make(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            f"{meta['name']}-{self.rand(5)}",
            meta["namespace"],
            when(meta["creationTimestamp"]) + sec(1),
            {
                "addressType": "IPv4",
                "endpoints": endpoints,
                "ports": [{"name": n, "port": number, "protocol": proto} for n, number, proto in ports] or None,
            },
            generate=meta["name"] + "-",
            labels=labels,
            annotations={"endpoints.kubernetes.io/last-change-trigger-time": ts(changed - sec(1))},
            owner=self.owner(service),
            gen=4,
            changed=changed,
        )
