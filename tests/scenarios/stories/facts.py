"""Questions about facts: what was there, who changed it, since when."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, al, cause, ctr, jl, sec, story, web
from tests.scenarios.stories.images import NOT_FOUND


@story(
    "fact-deleted-port",
    "A Service was deleted; the question is which port it had and who did it",
    en="Somebody deleted the service in front of clockwork. Which port did it have, and who was it?",
    zh="有人删了 clockwork 前面的 Service，它原来的端口是多少？是谁删的？",
    causes=[cause("clocks/Ingress/clockwork", "service_missing", "clockwork")],
    spare=["clocks/Deployment/clockwork"],
    answer=["7443", "gregor"],
    ingress=True,
)
def fact_deleted_port(c):
    ns = c.ns("clocks")
    at = c.ago(m=35)
    c.app(ns, "clockwork", REG + "/clocks/clockwork:1.0.0", svc=None)
    c.ingress(ns, "clockwork", [("clocks.example.com", [("/", "clockwork", 7443)])], address=c.lb_ip)
    gone = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "clockwork", "namespace": ns, "uid": c.uid()},
        "spec": {
            "clusterIP": "10.96.40.2",
            "ports": [{"name": "http", "port": 7443, "protocol": "TCP", "targetPort": "http"}],
            "selector": {"app": "clockwork"},
            "type": "ClusterIP",
        },
    }
    c.audit(at, "gregor@example.com", "delete", "services", ns, "clockwork", resp=gone)
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                at + sec(1),
                "W",
                "controller.go:1108",
                'Error obtaining Endpoints for Service "clocks/clockwork": no object matching key "clocks/clockwork" in local store',
                7,
            ),
            *c.spell(
                c.ago(m=6),
                30,
                lambda t: al(t, "198.51.100.2", "GET / HTTP/2.0", 503, 190, 0.0, "[clocks-clockwork-7443] -"),
            ),
        ],
    )


@story(
    "fact-who-scaled",
    "Who scaled the workers to zero, and from how many?",
    en="Who switched off the loom workers, when, and how many were there before?",
    zh="是谁、什么时候把 loom-worker 停掉的？之前有几个副本？",
    causes=[cause("weave/Deployment/loom-worker", "scaled_to_zero", "\\b0\\b|zero|零")],
    spare=["weave/Deployment/loom-api"],
    answer=["beatrix", "\\b7\\b"],
    remedy=("scale", "weave/Deployment/loom-worker"),
)
def fact_who_scaled(c):
    ns = c.ns("weave")
    at = c.ago(m=53)
    c.app(ns, "loom-api", REG + "/weave/api:1.0.0")
    w = c.deploy(
        ns,
        "loom-worker",
        [ctr("worker", REG + "/weave/worker:1.0.0", req="50m/64Mi", lim="200m/128Mi")],
        0,
        created=c.ago(d=70),
        gen=12,
    )
    c.scaled(w, f"Scaled down replica set {w.sets[0]['metadata']['name']} from 7 to 0", at)
    c.audit(c.ago(h=30), "ci-bot", "patch", "deployments", ns, "loom-api", "apps", req={"spec": {"replicas": 1}})
    c.audit(
        at,
        "beatrix@example.com",
        "patch",
        "deployments",
        ns,
        "loom-worker",
        "apps",
        sub="scale",
        req={"spec": {"replicas": 0}},
    )


@story(
    "fact-previous-image",
    "Which version ran before the broken one?",
    en="spindle does not come up with the new image. Which version did we run before?",
    zh="spindle 换新镜像后起不来，之前跑的是哪个版本？",
    causes=[cause("yarns/Deployment/spindle", "image_not_found", "5\\.0\\.0-beta")],
    spare=["yarns/Deployment/dye"],
    answer=["4\\.17\\.3"],
    remedy=("rollout_undo", "yarns/Deployment/spindle"),
)
def fact_previous_image(c):
    ns = c.ns("yarns")
    c.app(ns, "dye", REG + "/yarns/dye:1.0.0")
    bad = REG + "/yarns/spindle:5.0.0-beta"
    c.no_pull(
        ns,
        "spindle",
        [web("spindle", bad)],
        NOT_FOUND.format(bad),
        c.ago(m=16),
        old=[web("spindle", REG + "/yarns/spindle:4.17.3")],
        svc=80,
    )


@story(
    "fact-healthy-version",
    "Nothing is wrong; only the version and its date are asked for",
    en="Which version of bobbin is running, and is everything all right with it?",
    zh="bobbin 现在跑的是哪个版本？一切正常吗？",
    spare=["lace/Deployment/bobbin"],
    answer=["3\\.3\\.9"],
)
def fact_healthy_version(c):
    ns = c.ns("lace")
    c.app(ns, "bobbin", REG + "/lace/bobbin:3.3.9", n=2, created=c.ago(d=80), rolled=c.ago(d=2))
    c.app(ns, "needle", REG + "/lace/needle:1.0.0")


@story(
    "fact-old-limit",
    "What was the memory limit before the kills began, and who lowered it?",
    en="thimble gets OOM-killed. What was its memory limit before, and who lowered it?",
    zh="thimble 一直被 OOM，之前的内存限制是多少？谁改小的？",
    causes=[cause("sewing/Deployment/thimble", "oom_killed", "160 ?Mi")],
    spare=["sewing/Deployment/patterns"],
    answer=["640 ?Mi", "cost-bot"],
    remedy=("set_resources", "sewing/Deployment/thimble"),
)
def fact_old_limit(c):
    ns = c.ns("sewing")
    at = c.ago(m=52)
    c.app(ns, "patterns", REG + "/sewing/patterns:1.0.0")
    img = REG + "/sewing/thimble:2.0.0"
    c.crash(
        ns,
        "thimble",
        [web("thimble", img, lim="500m/160Mi")],
        lambda t: [jl(t + sec(1), "info", "thimble up"), jl(t + sec(20), "info", "cache 61% warm")],
        at,
        code=137,
        reason="OOMKilled",
        run=24,
        svc=80,
        old=[web("thimble", img, lim="500m/640Mi")],
    )
    c.audit(
        at,
        "system:serviceaccount:finops:cost-bot",
        "patch",
        "deployments",
        ns,
        "thimble",
        "apps",
        req={
            "spec": {
                "template": {
                    "spec": {"containers": [{"name": "thimble", "resources": {"limits": {"memory": "160Mi"}}}]}
                }
            }
        },
    )
