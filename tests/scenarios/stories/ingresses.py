"""Ingresses, gateways and their certificates."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, al, cause, story, ts


def gateway(c, name="edge", ns="gateway-infra"):
    """The Gateway API, one class and one Gateway with an HTTP listener open to all namespaces."""
    for plural, kind in (("gatewayclasses", "GatewayClass"), ("gateways", "Gateway"), ("httproutes", "HTTPRoute")):
        c.crd(plural, "gateway.networking.k8s.io", kind, scope="Cluster" if kind == "GatewayClass" else "Namespaced")
    c.ns(ns)
    at = c.ago(d=90)
    ok = [
        {
            "lastTransitionTime": ts(at),
            "message": "Valid GatewayClass",
            "observedGeneration": 1,
            "reason": "Accepted",
            "status": "True",
            "type": "Accepted",
        }
    ]
    c.make(
        "gateway.networking.k8s.io/v1",
        "GatewayClass",
        "contour",
        None,
        at,
        {"spec": {"controllerName": "projectcontour.io/gateway-controller"}, "status": {"conditions": ok}},
        gen=1,
    )
    conds = [
        {"lastTransitionTime": ts(at), "message": "", "observedGeneration": 1, "reason": r, "status": "True", "type": r}
        for r in ("Accepted", "Programmed")
    ]
    listener = {
        "name": "http",
        "port": 80,
        "protocol": "HTTP",
        "allowedRoutes": {"namespaces": {"from": "Selector", "selector": {"matchLabels": {"expose": "public"}}}},
    }
    return c.make(
        "gateway.networking.k8s.io/v1",
        "Gateway",
        name,
        ns,
        at,
        {
            "spec": {"gatewayClassName": "contour", "listeners": [listener]},
            "status": {
                "addresses": [{"type": "IPAddress", "value": "203.0.113.9"}],
                "conditions": conds,
                "listeners": [
                    {
                        "attachedRoutes": 1,
                        "conditions": conds,
                        "name": "http",
                        "supportedKinds": [{"group": "gateway.networking.k8s.io", "kind": "HTTPRoute"}],
                    }
                ],
            },
        },
        gen=1,
    )


def route(c, ns, name, host, backend, port, accepted, resolved, at, gw=("gateway-infra", "edge")):
    """An HTTPRoute; accepted and resolved are (status, reason, message)."""
    conds = [
        {"lastTransitionTime": ts(at), "message": m, "observedGeneration": 1, "reason": r, "status": s, "type": t}
        for t, (s, r, m) in (("Accepted", accepted), ("ResolvedRefs", resolved))
    ]
    parent = {"group": "gateway.networking.k8s.io", "kind": "Gateway", "name": gw[1], "namespace": gw[0]}
    return c.make(
        "gateway.networking.k8s.io/v1",
        "HTTPRoute",
        name,
        ns,
        at,
        {
            "spec": {
                "hostnames": [host],
                "parentRefs": [parent],
                "rules": [
                    {
                        "backendRefs": [{"group": "", "kind": "Service", "name": backend, "port": port, "weight": 1}],
                        "matches": [{"path": {"type": "PathPrefix", "value": "/"}}],
                    }
                ],
            },
            "status": {
                "parents": [
                    {"conditions": conds, "controllerName": "projectcontour.io/gateway-controller", "parentRef": parent}
                ]
            },
        },
        gen=1,
    )


@story(
    "tram-class",
    "An Ingress names a class that no controller serves",
    en="tram.example.com does not resolve to our ingress; it has no ADDRESS since it was created two hours ago.",
    zh="tram.example.com 没有指到我们的入口，Ingress 创建两小时了还没有 ADDRESS。",
    causes=[cause("tram/Ingress/tram", "ingress_class_missing", "nginx-public")],
    spare=["tram/Service/tram", "ingress-nginx/Deployment/ingress-nginx-controller"],
    remedy=("patch", "tram/Ingress/tram"),
    ingress=True,
)
def tram_class(c):
    ns = c.ns("tram")
    c.app(ns, "tram", REG + "/tram/web:1.0.0")
    c.ingress(ns, "tram", [("tram.example.com", [("/", "tram", 80)])], cls="nginx-public", created=c.ago(h=2))


@story(
    "lake-noclass",
    "An Ingress without a class, and no default class in the cluster",
    en="Our lake webcam page gives 404 from the load balancer, the old cluster served the very same manifest.",
    zh="湖景摄像头页面在负载均衡上返回 404，同样的 manifest 在旧集群是好的。",
    causes=[cause("lake/Ingress/webcam", "ingress_class_missing", "ingressClassName|IngressClass|class")],
    spare=["lake/Service/webcam"],
    ingress=True,
)
def lake_noclass(c):
    ns = c.ns("lake")
    c.app(ns, "webcam", REG + "/lake/webcam:1.0.0", lang="nginx")
    c.ingress(ns, "webcam", [("webcam.example.com", [("/", "webcam", 80)])], cls=None, created=c.ago(h=5))
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                c.ago(h=5),
                "I",
                "store.go:436",
                '"Ignoring ingress because of error while validating ingress class" ingress="lake/webcam" error="ingress does not contain a valid IngressClass"',
                7,
            ),
            *c.spell(c.ago(m=6), 20, lambda t: al(t, "198.51.100.9", "GET / HTTP/2.0", 404, 146, 0.0, "[-] -")),
        ],
    )


@story(
    "villa-backend",
    "An Ingress path leads to a Service that was renamed",
    en="villa.example.com/photos is 503, the rest of the site works.",
    zh="villa.example.com/photos 返回 503，网站其它部分正常。",
    causes=[cause("villa/Ingress/villa", "ingress_backend_wrong", "photo-store\\b")],
    spare=[
        "villa/Service/photo-storage",
        "villa/Deployment/photo-storage",
        "ingress-nginx/Deployment/ingress-nginx-controller",
    ],
    ingress=True,
)
def villa_backend(c):
    ns = c.ns("villa")
    c.app(ns, "home", REG + "/villa/home:1.0.0", lang="node")
    c.app(ns, "photo-storage", REG + "/villa/photos:2.0.0")
    c.ingress(
        ns, "villa", [("villa.example.com", [("/", "home", 80), ("/photos", "photo-store", 80)])], address=c.lb_ip
    )
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                c.ago(m=50),
                "W",
                "controller.go:1108",
                'Error obtaining Endpoints for Service "villa/photo-store": no object matching key "villa/photo-store" in local store',
                7,
            ),
            *c.spell(
                c.ago(m=6),
                20,
                lambda t: al(t, "198.51.100.7", "GET /photos/1 HTTP/2.0", 503, 190, 0.0, "[villa-photo-store-80] -"),
            ),
        ],
    )


@story(
    "port-backend",
    "An Ingress uses a port that its Service does not have",
    en="The donations page throws 503 since the service was cleaned up this morning.",
    zh="今天早上整理 service 之后捐款页面就一直 503。",
    causes=[cause("charity/Ingress/donate", "ingress_backend_wrong", "8080", "donate")],
    spare=["charity/Service/donate", "charity/Deployment/donate"],
    ingress=True,
)
def port_backend(c):
    ns = c.ns("charity")
    c.app(ns, "donate", REG + "/charity/donate:3.0.0", lang="python")
    c.ingress(ns, "donate", [("donate.example.com", [("/", "donate", 8080)])], address=c.lb_ip)
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                c.ago(h=3),
                "W",
                "controller.go:1135",
                'Service "charity/donate" does not have any active Endpoint for port 8080.',
                7,
            ),
            *c.spell(
                c.ago(m=6),
                20,
                lambda t: al(t, "198.51.100.3", "GET / HTTP/2.0", 503, 190, 0.0, "[charity-donate-8080] -"),
            ),
        ],
    )


@story(
    "ice-tls",
    "An Ingress refers to a TLS Secret that does not exist",
    en="Browsers warn about a fake certificate on rink.example.com since we moved namespaces.",
    zh="迁移命名空间之后浏览器提示 rink.example.com 用的是假证书。",
    causes=[cause("rink/Ingress/rink", "ingress_tls_missing", "rink-tls\\b")],
    spare=["rink/Deployment/rink", "rink/Service/rink"],
    ingress=True,
)
def ice_tls(c):
    ns = c.ns("rink")
    c.app(ns, "rink", REG + "/rink/web:1.0.0", lang="nginx")
    c.ingress(
        ns,
        "rink",
        [("rink.example.com", [("/", "rink", 80)])],
        tls=[(["rink.example.com"], "rink-tls")],
        address=c.lb_ip,
        created=c.ago(h=6),
    )
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                c.ago(h=6),
                "W",
                "controller.go:1510",
                'Error getting SSL certificate "rink/rink-tls": local SSL certificate rink/rink-tls was not found. Using default certificate',
                7,
            )
        ],
    )


@story(
    "garden-tls",
    "The TLS Secret of an Ingress holds no certificate",
    en="https on garden.example.com shows 'Kubernetes Ingress Controller Fake Certificate', but the secret exists.",
    zh="garden.example.com 的 https 显示 Kubernetes Ingress Controller Fake Certificate，但 secret 明明存在。",
    causes=[cause("garden/Ingress/garden", "ingress_tls_missing", "garden-cert")],
    spare=["garden/Deployment/garden"],
    ingress=True,
)
def garden_tls(c):
    ns = c.ns("garden")
    c.app(ns, "garden", REG + "/garden/web:1.0.0", lang="nginx")
    c.secret(
        ns, "garden-cert", {"tls.crt": "TODO: paste certificate here\n", "tls.key": "TODO\n"}, typ="kubernetes.io/tls"
    )
    c.ingress(
        ns,
        "garden",
        [("garden.example.com", [("/", "garden", 80)])],
        tls=[(["garden.example.com"], "garden-cert")],
        address=c.lb_ip,
    )
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                c.ago(h=6),
                "W",
                "backend_ssl.go:47",
                'Error obtaining X.509 certificate: unexpected error creating SSL Cert: no valid PEM formatted block found in secret "garden/garden-cert"',
                7,
            )
        ],
    )


@story(
    "marina-route",
    "An HTTPRoute points to a Service that does not exist",
    en="marina.example.com answers 500 through the new gateway.",
    zh="marina.example.com 通过新网关访问返回 500。",
    causes=[cause("marina/HTTPRoute/marina", "gateway_route_broken", "moorings-api\\b")],
    spare=["gateway-infra/Gateway/edge", "marina/Service/moorings"],
)
def marina_route(c):
    gateway(c)
    ns = c.ns("marina", labels={"expose": "public"})
    c.app(ns, "moorings", REG + "/marina/moorings:1.0.0")
    route(
        c,
        ns,
        "marina",
        "marina.example.com",
        "moorings-api",
        80,
        ("True", "Accepted", "Accepted HTTPRoute"),
        (
            "False",
            "BackendNotFound",
            'service "marina/moorings-api" is invalid: service "marina/moorings-api" not found',
        ),
        c.ago(m=44),
    )


@story(
    "ski-route",
    "A route is not accepted because its namespace is not allowed to attach",
    en="ski-pass got its own namespace; through the gateway it is a 404 now.",
    zh="ski-pass 换到独立命名空间后，通过网关访问变成了 404。",
    causes=[
        cause(
            "ski/HTTPRoute/ski-pass",
            "gateway_route_broken",
            "NotAllowedByListeners|expose|allowedRoutes|not allowed|不允许",
        )
    ],
    spare=["ski/Deployment/ski-pass", "ski/Service/ski-pass"],
)
def ski_route(c):
    gateway(c)
    ns = c.ns("ski")
    c.app(ns, "ski-pass", REG + "/ski/pass:1.0.0")
    route(
        c,
        ns,
        "ski-pass",
        "ski.example.com",
        "ski-pass",
        80,
        (
            "False",
            "NotAllowedByListeners",
            "No listeners match this parent ref: namespace ski is not allowed by the listener's selector",
        ),
        ("True", "ResolvedRefs", "References resolved"),
        c.ago(h=1),
    )
