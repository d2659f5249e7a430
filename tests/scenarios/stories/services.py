"""Services that lead nowhere, or to the wrong place."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, jl, sl, story, web


@story(
    "meadow-selector",
    "A Service kept a version label that the new pods do not carry",
    en="Bookings for the meadow camp answer connection refused although all pods are ready.",
    zh="营地预订接口 connection refused，但所有 Pod 都是就绪的。",
    causes=[cause("camp/Service/booking", "service_selector_mismatch", "v1", "version")],
    spare=["camp/Deployment/booking", "camp/Deployment/site-web"],
    remedy=("patch", "camp/Service/booking"),
)
def meadow_selector(c):
    ns = c.ns("camp")
    at = c.ago(m=25)
    c.deploy(
        ns,
        "booking",
        [web("booking", REG + "/camp/booking:2.0.0")],
        2,
        created=c.ago(d=50),
        rolled=at,
        labels={"version": "v2"},
        history=[
            {
                "containers": [web("booking", REG + "/camp/booking:1.9.0")],
                "created": c.ago(d=20),
                "changed": at,
                "labels": {"version": "v1"},
            }
        ],
    )
    c.svc(ns, "booking", [("http", 80, "http")], sel={"app": "booking", "version": "v1"})
    vip = c.get("Service", "booking", ns)["spec"]["clusterIP"]
    w = c.app(ns, "site-web", REG + "/camp/site-web:4.0.0", env={"BOOKING_URL": "http://booking"}, lang="node")
    c.complains(
        w,
        at,
        20,
        lambda t: jl(t, "error", "upstream failed", url="http://booking/slots", err=f"connect ECONNREFUSED {vip}:80"),
    )


@story(
    "twin-selector",
    "A Service selects by a label that a second workload shares",
    en="About half of the requests to /prices return HTML from the admin tool. Really strange.",
    zh="对 /prices 的请求大约一半返回了管理工具的 HTML，非常诡异。",
    causes=[cause("pricing/Service/prices", "service_selector_too_broad", "prices-admin|admin", "team")],
    spare=["pricing/Deployment/prices", "pricing/Deployment/prices-admin"],
)
def twin_selector(c):
    ns = c.ns("pricing")
    a = c.deploy(
        ns,
        "prices",
        [web("prices", REG + "/pricing/prices:3.0.0")],
        1,
        sel={"app": "prices"},
        labels={"team": "pricing"},
        created=c.ago(d=60),
    )
    b = c.deploy(
        ns,
        "prices-admin",
        [web("admin", REG + "/pricing/admin:0.2.0")],
        1,
        sel={"app": "prices-admin"},
        labels={"team": "pricing"},
        created=c.ago(h=2),
    )
    c.svc(ns, "prices", [("http", 80, "http")], sel={"team": "pricing"})
    c.log(
        b.pods[0],
        "admin",
        c.spell(
            c.ago(m=8),
            25,
            lambda t: jl(t, "info", "request", method="GET", path=f"/prices/{c.rng.randint(10, 99)}", status=404),
        ),
    )
    c.chatter(a.pods[0], "prices")
    w = c.app(ns, "till", REG + "/pricing/till:1.5.0", env={"PRICES_URL": "http://prices"}, svc=None)
    c.complains(
        w,
        c.ago(h=1, m=58),
        60,
        lambda t: jl(
            t, "error", "cannot parse price", error="invalid character '<' looking for beginning of value", status=404
        ),
    )


@story(
    "pottery-port",
    "A Service sends traffic to a port that the container does not listen on",
    en="kiln-api can't be reached from the shop since yesterday's chart update; the pods are green.",
    zh="昨天更新 chart 之后商店访问不了 kiln-api，Pod 都是绿的。",
    causes=[cause("pottery/Service/kiln-api", "service_port_mismatch", "8000", "8080")],
    spare=["pottery/Deployment/kiln-api", "pottery/Deployment/shop"],
    remedy=("patch", "pottery/Service/kiln-api"),
)
def pottery_port(c):
    ns = c.ns("pottery")
    c.app(ns, "kiln-api", REG + "/pottery/kiln-api:1.8.0", lang="python", svc=None)
    c.svc(ns, "kiln-api", [("http", 80, 8000)])
    vip = c.get("Service", "kiln-api", ns)["spec"]["clusterIP"]
    w = c.app(ns, "shop", REG + "/pottery/shop:1.0.0", env={"KILN_URL": "http://kiln-api"}, lang="java", svc=None)
    c.complains(
        w,
        c.ago(h=22),
        1800,
        lambda t: sl(
            t,
            "ERROR",
            "shop",
            "nio-8080-exec-2",
            "c.e.shop.KilnClient",
            f"I/O error on GET request for http://kiln-api/slots: Connection refused ({vip}:80)",
        ),
    )


@story(
    "glass-named",
    "A Service names a port that no container has",
    en="grpc calls to glass-pricing fail, no endpoints are shown, pods are ready.",
    zh="调用 glass-pricing 的 gRPC 失败，看不到 endpoints，但 Pod 已就绪。",
    causes=[cause("glass/Service/glass-pricing", "service_port_mismatch", "grpc-api")],
    spare=["glass/Deployment/glass-pricing"],
    remedy=("patch", "glass/Service/glass-pricing"),
)
def glass_named(c):
    ns = c.ns("glass")
    c.app(ns, "glass-pricing", REG + "/glass/pricing:2.2.0", 9090, svc=None, pname="grpc", health=None)
    c.svc(ns, "glass-pricing", [("grpc", 9090, "grpc-api")])


@story(
    "nursery-missing",
    "A caller uses the name of a Service that was never created",
    en="Plant labels cannot be printed since the new release of label-desk, 'no such host'. CoreDNS broken?",
    zh="label-desk 新版本发布后无法打印植物标签，报 no such host，是 CoreDNS 坏了吗？",
    causes=[cause("nursery/Deployment/label-desk", "service_missing", "printer-gw")],
    spare=["nursery/Service/printer-gateway", "kube-system/Deployment/coredns"],
)
def nursery_missing(c):
    ns = c.ns("nursery")
    c.app(ns, "printer-gateway", REG + "/nursery/printer-gateway:1.1.0")
    at = c.ago(m=33)
    w = c.deploy(
        ns,
        "label-desk",
        [
            web(
                "desk",
                REG + "/nursery/label-desk:3.0.0",
                env={"PRINTER_URL": "http://printer-gw.nursery.svc.cluster.local"},
            )
        ],
        1,
        created=c.ago(d=50),
        rolled=at,
        history=[
            {
                "containers": [
                    web(
                        "desk",
                        REG + "/nursery/label-desk:2.9.0",
                        env={"PRINTER_URL": "http://printer-gateway.nursery.svc.cluster.local"},
                    )
                ],
                "created": c.ago(d=20),
                "changed": at,
            }
        ],
    )
    c.svc(ns, "label-desk", [("http", 80, "http")])
    c.complains(
        w,
        at,
        30,
        lambda t: jl(
            t,
            "error",
            "print failed",
            error=f'Post "http://printer-gw.nursery.svc.cluster.local/jobs": dial tcp: lookup printer-gw.nursery.svc.cluster.local on {c.dns_ip}:53: no such host',
        ),
    )


@story(
    "gauge-local",
    "internalTrafficPolicy Local, and the only backend is on another node",
    en="The statsd client on node-2 gets timeouts, the one on node-1 works. Network plugin?",
    zh="node-2 上的 statsd 客户端超时，node-1 上的正常，是网络插件的问题吗？",
    causes=[cause("gauges/Service/statsd", "service_internal_traffic_policy", "internalTrafficPolicy", "Local")],
    spare=["Node/node-2", "gauges/Deployment/statsd", "gauges/Deployment/meter-b"],
    remedy=("patch", "gauges/Service/statsd"),
)
def gauge_local(c):
    ns = c.ns("gauges")
    c.deploy(
        ns,
        "statsd",
        [ctr("statsd", REG + "/gauges/statsd:0.28.0", ports=[("statsd", 9125)], req="20m/32Mi", lim="100m/64Mi")],
        1,
        states=[{"node": "node-1"}],
    )
    c.svc(ns, "statsd", [("statsd", 9125, "statsd")], internal="Local")
    vip = c.get("Service", "statsd", ns)["spec"]["clusterIP"]
    c.app(ns, "meter-a", REG + "/gauges/meter:1.0.0", svc=None, states=[{"node": "node-1"}])
    w = c.app(
        ns,
        "meter-b",
        REG + "/gauges/meter:1.0.0",
        svc=None,
        states=[{"node": "node-2"}],
        env={"STATSD_ADDR": "statsd:9125"},
    )
    c.complains(w, c.ago(m=45), 20, lambda t: jl(t, "error", "flush failed", error=f"dial tcp {vip}:9125: i/o timeout"))


@story(
    "nodeport-local",
    "externalTrafficPolicy Local, and a partner sends to a node without a pod",
    en="Our partner's firewall forwards to node-1 port 31090 and everything is dropped; node-2:31090 works. Is node-1 broken?",
    zh="合作方防火墙转发到 node-1 的 31090 端口，流量全被丢弃；node-2:31090 正常。是 node-1 坏了吗？",
    causes=[cause("partner/Service/edi-inbound", "service_internal_traffic_policy", "externalTrafficPolicy", "Local")],
    spare=["Node/node-1", "partner/Deployment/edi-inbound"],
    remedy=("patch", "partner/Service/edi-inbound"),
)
def nodeport_local(c):
    ns = c.ns("partner")
    c.app(ns, "edi-inbound", REG + "/partner/edi:7.0.0", svc=None, states=[{"node": "node-2"}])
    c.svc(ns, "edi-inbound", [("http", 80, "http")], typ="NodePort", external="Local", node_ports=[31090])
    w = c.app(ns, "edi-monitor", REG + "/partner/monitor:1.0.0", states=[{"node": "node-2"}])
    ips = [c.nodes[n]["ip"] for n in ("node-1", "node-2")]
    c.complains(
        w,
        c.ago(m=40),
        30,
        lambda t: [
            jl(t, "error", "probe failed", target=f"{ips[0]}:31090", error="i/o timeout"),
            jl(t, "info", "probe ok", target=f"{ips[1]}:31090"),
        ],
    )
