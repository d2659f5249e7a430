"""What every cluster has: system namespaces, DNS, and on demand an ingress controller or metrics-server."""

from tests.scenarios.builder.clock import sec
from tests.scenarios.builder.containers import ctr, http, v_empty

COREFILE = """.:53 {
    errors
    health {
       lameduck 5s
    }
    ready
    kubernetes cluster.local in-addr.arpa ip6.arpa {
       pods insecure
       fallthrough in-addr.arpa ip6.arpa
       ttl 30
    }
    prometheus :9153
    forward . /etc/resolv.conf {
       max_concurrent 1000
    }
    cache 30
    loop
    reload
    loadbalance
}
"""
KS = "kube-system"


class Furniture:
    """The ordinary contents of a cluster, kept small."""

    def base(
        self, corefile=None, coredns_states=None, coredns_replicas=1, ingress=False, metrics=False, storage="standard"
    ):
        t = self.start
        for name in ("default", KS, "kube-node-lease"):
            self.ns(name, created=t + sec(5), bare=name != KS)
        self._api_service()
        if storage:
            self.storage_class(storage, "disk.csi.example.com", default=True)
        self._dns(corefile or COREFILE, coredns_states, coredns_replicas)
        if metrics:
            self._metrics_server()
        if ingress:
            self._ingress_nginx()

    def _api_service(self):
        at, ip = self.start + sec(6), f"{self.hosts}.250"
        self.make(
            "v1",
            "Service",
            "kubernetes",
            "default",
            at,
            {
                "spec": {
                    "clusterIP": self.svcnet + ".0.1",
                    "clusterIPs": [self.svcnet + ".0.1"],
                    "ports": [{"name": "https", "port": 443, "protocol": "TCP", "targetPort": 6443}],
                    "type": "ClusterIP",
                },
                "status": {"loadBalancer": {}},
            },
            labels={"component": "apiserver", "provider": "kubernetes"},
        )
        self.make(
            "discovery.k8s.io/v1",
            "EndpointSlice",
            "kubernetes",
            "default",
            at,
            {
                "addressType": "IPv4",
                "endpoints": [{"addresses": [ip], "conditions": {"ready": True}}],
                "ports": [{"name": "https", "port": 6443, "protocol": "TCP"}],
            },
            labels={"kubernetes.io/service-name": "kubernetes"},
        )

    def _dns(self, corefile, states, replicas):
        t = self.start
        self.sa(KS, "coredns", created=t + sec(12))
        self.cm(KS, "coredns", {"Corefile": corefile}, created=t + sec(13))
        container = ctr(
            "coredns",
            "registry.k8s.io/coredns/coredns:v1.12.1",
            ports=[("dns", 53, "UDP"), ("dns-tcp", 53, "TCP"), ("metrics", 9153, "TCP")],
            args=["-conf", "/etc/coredns/Corefile"],
            req="100m/70Mi",
            lim="-/170Mi",
            live=http("/health", 8080, delay=60, timeout=5, fail=5),
            ready=http("/ready", 8181),
            mounts=[("config-volume", "/etc/coredns", "ro")],
        )
        config = {"defaultMode": 420, "items": [{"key": "Corefile", "path": "Corefile"}], "name": "coredns"}
        self.coredns = self.deploy(
            KS,
            "coredns",
            [container],
            replicas,
            created=t + sec(95),
            sel={"k8s-app": "kube-dns"},
            states=states,
            strategy={"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": 1}, "type": "RollingUpdate"},
            tmpl={
                "sa": "coredns",
                "dnsPolicy": "Default",
                "priorityClassName": "system-cluster-critical",
                "tolerations": [{"key": "CriticalAddonsOnly", "operator": "Exists"}],
                "volumes": [{"configMap": config, "name": "config-volume"}],
            },
        )
        self.svc(
            KS,
            "kube-dns",
            [("dns", 53, 53, "UDP"), ("dns-tcp", 53, 53, "TCP")],
            sel={"k8s-app": "kube-dns"},
            created=t + sec(14),
            vip=self.dns_ip,
            labels={"k8s-app": "kube-dns", "kubernetes.io/name": "CoreDNS"},
        )

    def _metrics_server(self):
        t = self.start
        self.sa(KS, "metrics-server", created=t + sec(300))
        container = ctr(
            "metrics-server",
            "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
            ports=[("https", 10250)],
            args=["--cert-dir=/tmp", "--secure-port=10250", "--metric-resolution=15s"],
            req="100m/200Mi",
            live=http("/livez", "https", scheme="HTTPS"),
            ready=http("/readyz", "https", delay=20, scheme="HTTPS"),
            mounts=[("tmp-dir", "/tmp")],
        )
        self.deploy(
            KS,
            "metrics-server",
            [container],
            1,
            created=t + sec(301),
            sel={"k8s-app": "metrics-server"},
            tmpl={"sa": "metrics-server", "volumes": [v_empty("tmp-dir")]},
        )
        self.svc(
            KS, "metrics-server", [("https", 443, "https")], sel={"k8s-app": "metrics-server"}, created=t + sec(301)
        )
        self.apiservice(
            "v1beta1.metrics.k8s.io",
            "metrics.k8s.io",
            "v1beta1",
            (KS, "metrics-server"),
            created=t + sec(302),
            at=t + sec(345),
        )

    def _ingress_nginx(self):
        ns, t = "ingress-nginx", self.start + sec(86400)
        self.ns(ns, created=t)
        self.sa(ns, ns, created=t)
        labels = {"app.kubernetes.io/component": "controller", "app.kubernetes.io/name": ns}
        container = ctr(
            "controller",
            "registry.k8s.io/ingress-nginx/controller:v1.13.2",
            ports=[("http", 80), ("https", 443)],
            args=["/nginx-ingress-controller", "--controller-class=k8s.io/ingress-nginx", "--ingress-class=nginx"],
            req="100m/90Mi",
            live=http("/healthz", 10254, delay=10, fail=5),
            ready=http("/healthz", 10254, delay=10),
        )
        self.ingress_ctl = self.deploy(
            ns,
            "ingress-nginx-controller",
            [container],
            1,
            created=t + sec(20),
            sel=labels,
            tmpl={"sa": ns, "grace": 300},
        )
        self.lb_ip = "203.0.113.20"
        self.svc(
            ns,
            "ingress-nginx-controller",
            [("http", 80, "http"), ("https", 443, "https")],
            sel=labels,
            typ="LoadBalancer",
            created=t + sec(20),
            ingress_ip=self.lb_ip,
        )
        body = {"spec": {"controller": "k8s.io/ingress-nginx"}}
        self.make("networking.k8s.io/v1", "IngressClass", "nginx", None, t, body, labels=labels, gen=1)
