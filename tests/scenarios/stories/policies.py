"""Network policies and names."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, jl, pl, sl, story, web
from tests.scenarios.builder.furniture import COREFILE


@story(
    "clinic-ingress",
    "A default-deny policy arrived and nobody allowed the caller",
    en="Appointments cannot be loaded: the portal times out calling the schedule service. It was all right this morning.",
    zh="预约页面加载不出来：portal 调用 schedule 服务超时，早上还好好的。",
    causes=[cause("hospital/NetworkPolicy/deny-by-default", "network_policy_blocks_ingress", "deny-by-default")],
    spare=["hospital/Deployment/schedule", "hospital/Deployment/portal", "hospital/Service/schedule"],
    cni="calico",
)
def clinic_ingress(c):
    ns = c.ns("hospital")
    at = c.ago(h=1, m=12)
    c.app(ns, "schedule", REG + "/hospital/schedule:2.0.0", health=None)
    c.netpol(ns, "deny-by-default", {}, ["Ingress"], created=at)
    vip = c.get("Service", "schedule", ns)["spec"]["clusterIP"]
    w = c.app(ns, "portal", REG + "/hospital/portal:3.0.0", env={"SCHEDULE_URL": "http://schedule"})
    c.complains(
        w,
        at,
        30,
        lambda t: jl(
            t, "error", "schedule unavailable", error=f'Get "http://schedule/v1/today": dial tcp {vip}:80: i/o timeout'
        ),
    )


@story(
    "stamp-ingress",
    "A policy allows the caller under a label that it no longer has",
    en="After renaming the label of our web tier the basket service is unreachable: timeouts, no refusals.",
    zh="改了 web 层的标签之后 basket 服务就连不上了：是超时不是拒绝。",
    causes=[cause("post/NetworkPolicy/basket-clients", "network_policy_blocks_ingress", "tier", "frontend|web")],
    spare=["post/Deployment/basket", "post/Deployment/stamp-web"],
    cni="cilium",
)
def stamp_ingress(c):
    ns = c.ns("post")
    c.app(ns, "basket", REG + "/post/basket:2.0.0")
    c.netpol(
        ns,
        "basket-clients",
        {"matchLabels": {"app": "basket"}},
        ["Ingress"],
        ingress=[
            {
                "from": [{"podSelector": {"matchLabels": {"tier": "frontend"}}}],
                "ports": [{"port": 8080, "protocol": "TCP"}],
            }
        ],
    )
    at = c.ago(m=50)
    vip = c.get("Service", "basket", ns)["spec"]["clusterIP"]
    tpl = [web("web", REG + "/post/web:6.0.0", env={"BASKET_URL": "http://basket"})]
    w = c.deploy(
        ns,
        "stamp-web",
        tpl,
        1,
        created=c.ago(d=40),
        rolled=at,
        labels={"tier": "web"},
        history=[{"containers": tpl, "created": c.ago(d=20), "changed": at, "labels": {"tier": "frontend"}}],
    )
    c.complains(w, at, 30, lambda t: jl(t, "error", "basket failed", err=f"connect ETIMEDOUT {vip}:80"))


@story(
    "mail-egress",
    "An egress policy lets DNS through but not the mail relay",
    en="Password reset mails are not sent, connection to the relay times out since the security review went live.",
    zh="安全整改上线后，重置密码邮件发不出去，连接中继超时。",
    causes=[cause("accounts/NetworkPolicy/accounts-egress", "network_policy_blocks_egress", "587|10\\.0\\.9\\.25")],
    spare=["accounts/Deployment/reset-mailer"],
    cni="calico",
)
def mail_egress(c):
    ns = c.ns("accounts")
    at = c.ago(h=3)
    dns = {
        "ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}],
        "to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "kube-system"}}}],
    }
    c.netpol(
        ns,
        "accounts-egress",
        {"matchLabels": {"app": "reset-mailer"}},
        ["Egress"],
        egress=[
            dns,
            {
                "ports": [{"port": 5432, "protocol": "TCP"}],
                "to": [{"podSelector": {"matchLabels": {"app": "accounts-pg"}}}],
            },
        ],
        created=at,
    )
    c.database(ns, "accounts-pg")
    w = c.app(
        ns,
        "reset-mailer",
        REG + "/accounts/reset-mailer:1.3.0",
        lang="python",
        env={"SMTP_ADDR": "10.0.9.25:587"},
        svc=None,
    )
    c.complains(
        w,
        at,
        240,
        lambda t: pl(
            t, "ERROR", "mailer", "sending reset mail failed: [Errno 110] Connection timed out: 10.0.9.25:587"
        ),
    )


@story(
    "kiosk-dns",
    "A pod with dnsPolicy None asks only a public resolver",
    en="kiosk-sync cannot find any in-cluster service, other pods of the namespace can.",
    zh="kiosk-sync 找不到任何集群内服务，同命名空间的其它 Pod 可以。",
    causes=[cause("kiosk/Deployment/kiosk-sync", "dns_policy_wrong", "dnsPolicy|dnsConfig", "None|9\\.9\\.9\\.9")],
    spare=["kube-system/Deployment/coredns", "kiosk/Service/stock"],
    remedy=("patch", "kiosk/Deployment/kiosk-sync"),
)
def kiosk_dns(c):
    ns = c.ns("kiosk")
    c.app(ns, "stock", REG + "/kiosk/stock:1.0.0")
    w = c.deploy(
        ns,
        "kiosk-sync",
        [
            ctr(
                "sync",
                REG + "/kiosk/sync:1.2.0",
                env={"STOCK_URL": "http://stock.kiosk.svc.cluster.local"},
                req="20m/32Mi",
                lim="100m/64Mi",
            )
        ],
        1,
        created=c.ago(h=2),
        tmpl={"dnsPolicy": "None", "dnsConfig": {"nameservers": ["9.9.9.9"]}},
    )
    c.complains(
        w,
        c.ago(h=2),
        60,
        lambda t: jl(
            t,
            "error",
            "sync failed",
            error="dial tcp: lookup stock.kiosk.svc.cluster.local on 9.9.9.9:53: no such host",
        ),
    )


@story(
    "corefile-broken",
    "CoreDNS cannot parse its edited Corefile",
    en="Everything is on fire: services cannot resolve each other, in all namespaces. Are nodes down?",
    zh="全都出问题了：所有命名空间里服务互相解析不了，是节点挂了吗？",
    causes=[cause("kube-system/ConfigMap/coredns", "coredns_broken", "forwrd|Corefile")],
    spare=["kube-system/Deployment/coredns", "relay/Deployment/relay", "relay/Deployment/inbox", "Node/node-1"],
    coredns_states=[],
    coredns_replicas=0,
    corefile=COREFILE.replace("forward .", "forwrd ."),
)
def corefile_broken(c):
    since = c.ago(m=28)
    d = c.coredns.obj
    c.objs = [
        o
        for o in c.objs
        if not (
            o["metadata"].get("namespace") == "kube-system"
            and o["metadata"]["name"].startswith("coredns")
            and o["kind"] in ("Deployment", "ReplicaSet")
        )
    ]
    spec = d["spec"]["template"]["spec"]
    c.crash(
        "kube-system",
        "coredns",
        spec["containers"],
        lambda t: ["/etc/coredns/Corefile:12 - Error during parsing: Unknown directive 'forwrd'"],
        since,
        run=0.4,
        born=c.ago(d=60),
        n=2,
        sel={"k8s-app": "kube-dns"},
        tmpl={"sa": "coredns", "dnsPolicy": "Default", "volumes": spec["volumes"]},
    )
    ns = c.ns("relay")
    for name in ("relay", "inbox"):
        w = c.app(ns, name, f"{REG}/relay/{name}:1.0.0", health=None)
        c.complains(
            w,
            since,
            30,
            lambda t: jl(
                t,
                "error",
                "call failed",
                error=f"dial tcp: lookup inbox.relay.svc.cluster.local on {c.dns_ip}:53: read udp 10.244.0.9:41211->{c.dns_ip}:53: i/o timeout",
            ),
        )


@story(
    "coredns-zero",
    "Somebody scaled CoreDNS to zero",
    en="Name resolution is dead in the whole cluster for ten minutes.",
    zh="整个集群域名解析挂了十分钟。",
    causes=[cause("kube-system/Deployment/coredns", "coredns_broken", "\\b0\\b|zero|零")],
    spare=["desk/Deployment/helpdesk", "kube-system/ConfigMap/coredns", "kube-system/Service/kube-dns"],
    remedy=("scale", "kube-system/Deployment/coredns"),
    coredns_states=[],
    coredns_replicas=0,
)
def coredns_zero(c):
    at = c.ago(m=11)
    ns = c.ns("desk")
    w = c.app(ns, "helpdesk", REG + "/desk/helpdesk:1.0.0", env={"TICKETS_URL": "http://records"}, health=None)
    c.app(ns, "records", REG + "/desk/records:1.0.0", health=None)
    vip = c.dns_ip
    c.complains(
        w,
        at,
        15,
        lambda t: jl(t, "error", "call failed", error=f"dial tcp: lookup records on {vip}:53: connection refused"),
    )
    c.scaled(c.coredns, f"Scaled down replica set {c.coredns.sets[0]['metadata']['name']} from 2 to 0", at)
    c.audit(
        at,
        "intern@example.com",
        "patch",
        "deployments",
        "kube-system",
        "coredns",
        "apps",
        sub="scale",
        req={"spec": {"replicas": 0}},
    )


@story(
    "compass-host",
    "A workload asks for an external host name with a typing error",
    en="Shipping rates are missing in the shop: compass cannot reach the carrier since its config changed.",
    zh="商城里看不到运费：compass 改配置后连不上承运商。",
    causes=[cause("ship/Deployment/compass", "dns_name_unresolvable", "api\\.carier\\.example\\.com")],
    spare=["kube-system/Deployment/coredns", "ship/Deployment/tracker"],
    remedy=("set_env", "ship/Deployment/compass"),
)
def compass_host(c):
    ns = c.ns("ship")
    c.app(ns, "tracker", REG + "/ship/tracker:1.0.0")
    at = c.ago(m=46)
    w = c.deploy(
        ns,
        "compass",
        [web("compass", REG + "/ship/compass:2.0.0", env={"CARRIER_HOST": "api.carier.example.com"})],
        1,
        created=c.ago(d=40),
        rolled=at,
        history=[
            {
                "containers": [
                    web("compass", REG + "/ship/compass:2.0.0", env={"CARRIER_HOST": "api.carrier.example.com"})
                ],
                "created": c.ago(d=30),
                "changed": at,
            }
        ],
    )
    c.svc(ns, "compass", [("http", 80, "http")])
    c.complains(
        w,
        at,
        30,
        lambda t: sl(
            t,
            "ERROR",
            "compass",
            "nio-8080-exec-3",
            "c.e.ship.Carrier",
            "java.net.UnknownHostException: api.carier.example.com",
        ),
    )
