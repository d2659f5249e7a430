"""Two independent causes at once: both are to be named."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, http, jl, pl, sec, story, v_cm, web
from tests.scenarios.stories.images import NOT_FOUND


@story(
    "twins-harvest",
    "In one namespace one service has a wrong image, another is out of memory",
    en="Half of the vineyard platform is down. What happened?",
    zh="葡萄园平台一半都挂了，发生了什么？",
    causes=[
        cause("grapes/Deployment/cellar", "image_not_found", "cellar:7\\.0\\.1"),
        cause("grapes/Deployment/press", "oom_killed", "64 ?Mi"),
    ],
    spare=["grapes/Deployment/labels"],
)
def twins_harvest(c):
    ns = c.ns("grapes")
    c.app(ns, "labels", REG + "/grapes/labels:1.0.0")
    bad = REG + "/grapes/cellar:7.0.1"
    c.no_pull(
        ns,
        "cellar",
        [web("cellar", bad)],
        NOT_FOUND.format(bad),
        c.ago(m=25),
        svc=80,
        old=[web("cellar", REG + "/grapes/cellar:7.0.0")],
    )
    c.crash(
        ns,
        "press",
        [web("press", REG + "/grapes/press:2.0.0", req="50m/64Mi", lim="200m/64Mi")],
        lambda t: [jl(t + sec(1), "info", "press started"), jl(t + sec(9), "info", "batch 12")],
        c.ago(h=3),
        code=137,
        reason="OOMKilled",
        run=12,
        svc=80,
        born=c.ago(d=5),
    )


@story(
    "twins-quota",
    "A quota stops one team, a selector the other",
    en="Both the runners and the coaches portals have trouble since the morning.",
    zh="从早上起 runners 和 coaches 两个门户都有问题。",
    causes=[
        cause("runners/ResourceQuota/compute", "quota_exceeded", "requests\\.cpu", "2"),
        cause("coaches/Service/plan", "service_selector_mismatch", "planner"),
    ],
    spare=["runners/Deployment/laps", "coaches/Deployment/plan"],
)
def twins_quota(c):
    ns = c.ns("runners")
    hard = {"requests.cpu": "2"}
    c.make(
        "v1",
        "ResourceQuota",
        "compute",
        ns,
        c.ago(d=50),
        {"spec": {"hard": hard}, "status": {"hard": hard, "used": {"requests.cpu": "1800m"}}},
    )
    c.refused(
        ns,
        "laps",
        [web("laps", REG + "/runners/laps:1.0.0", req="900m/128Mi", lim="1/256Mi")],
        "exceeded quota: compute, requested: requests.cpu=900m, used: requests.cpu=1800m, limited: requests.cpu=2",
        c.ago(h=3),
        n=1,
        have=2,
    )
    ns = c.ns("coaches")
    c.app(ns, "plan", REG + "/coaches/plan:2.0.0", svc=None)
    c.svc(ns, "plan", [("http", 80, "http")], sel={"app": "planner"})


@story(
    "twins-one-chain",
    "One service fails twice over: its Secret is missing, and its Service sends to a wrong port",
    en="The puzzle editor has been unreachable since the migration.",
    zh="迁移之后 puzzle 编辑器一直访问不了。",
    causes=[
        cause("puzzle/Deployment/editor", "secret_missing", "editor-keys"),
        cause("puzzle/Service/editor", "service_port_mismatch", "9000", "8080"),
    ],
    spare=["puzzle/Deployment/viewer"],
)
def twins_one_chain(c):
    ns = c.ns("puzzle")
    c.app(ns, "viewer", REG + "/puzzle/viewer:1.0.0")
    c.no_config(
        ns,
        "editor",
        [web("editor", REG + "/puzzle/editor:1.0.0", env={"KEY": ("secret", "editor-keys", "signing")})],
        'secret "editor-keys" not found',
        c.ago(h=2),
    )
    c.svc(ns, "editor", [("http", 80, 9000)])


@story(
    "twins-node-config",
    "A node is lost, and independently a bad configuration was rolled out",
    en="Several things broke within the last half hour in polo: scores and tickets. One cause or more?",
    zh="polo 半小时内坏了好几样：scores 和 tickets，是一个原因还是多个？",
    causes=[
        cause("Node/node-8", "node_not_ready", "node-8"),
        cause("polo/ConfigMap/scores-yaml", "crash_bad_config", "scores\\.yaml|line 3|mapping"),
    ],
    spare=["polo/Deployment/tickets-hall", "polo/Deployment/scores"],
)
def twins_node_config(c):
    at = c.ago(m=24)
    c.node_lost("node-8", at)
    ns = c.ns("polo")
    c.app(
        ns,
        "tickets-hall",
        REG + "/polo/tickets:1.0.0",
        quiet=True,
        created=c.ago(d=9),
        states=[{"created": c.ago(d=9), "node": "node-8"}, {"created": at + sec(307), "node": "node-1"}],
    )
    c.cm(ns, "scores-yaml", {"scores.yaml": "teams:\n  - name: blue\n   goals: 3\n"}, changed=c.ago(m=30))
    c.crash(
        ns,
        "scores",
        [web("scores", REG + "/polo/scores:3.0.0", mounts=[("conf", "/etc/scores", "ro")])],
        lambda t: [
            pl(t + sec(1), "INFO", "scores", "reading /etc/scores/scores.yaml"),
            "yaml.scanner.ScannerError: mapping values are not allowed here",
            '  in "/etc/scores/scores.yaml", line 3, column 9',
        ],
        c.ago(m=28),
        born=c.ago(d=12),
        node="node-2",
        tmpl={"volumes": [v_cm("conf", "scores-yaml")]},
        svc=80,
    )


@story(
    "twins-pending",
    "Two pods are pending side by side for different reasons",
    en="Two deployments of the observatory are pending. The scheduler seems broken.",
    zh="天文台有两个 Deployment 都 Pending，调度器好像坏了。",
    causes=[
        cause("sky/Deployment/stacker", "pending_insufficient_resources", "32 ?Gi"),
        cause("sky/Deployment/dome", "pending_node_selector", "roof"),
    ],
    spare=["sky/Deployment/almanac", "Node/node-1"],
)
def twins_pending(c):
    ns = c.ns("sky")
    c.app(ns, "almanac", REG + "/sky/almanac:1.0.0")
    c.unscheduled(
        ns,
        "stacker",
        [ctr("stacker", REG + "/sky/stacker:1.0.0", req="1/32Gi", lim="2/32Gi")],
        c.unsched([(2, "Insufficient memory")], [(2, "No preemption victims found for incoming pod")]),
        c.ago(h=1),
    )
    c.unscheduled(
        ns,
        "dome",
        [web("dome", REG + "/sky/dome:1.0.0")],
        c.unsched(
            [(2, "node(s) didn't match Pod's node affinity/selector")],
            [(2, "Preemption is not helpful for scheduling")],
        ),
        c.ago(m=33),
        tmpl={"nodeSelector": {"location": "roof"}},
    )


@story(
    "twins-dns-cron",
    "A cron job is suspended, and the API that people call has no running version",
    en="Fresh vaccination numbers are missing: no nightly import for days, and the API fails as well.",
    zh="缺少最新的接种数据：夜间导入好几天没跑，API 也挂了。",
    causes=[
        cause("vaccine/CronJob/import", "cronjob_suspended", "suspend|暂停|挂起"),
        cause("vaccine/Deployment/numbers-api", "crash_missing_env", "REGION_LIST"),
    ],
    spare=["vaccine/StatefulSet/numbers-db"],
)
def twins_dns_cron(c):
    ns = c.ns("vaccine")
    c.database(ns, "numbers-db")
    js = c.job_spec([ctr("import", REG + "/vaccine/import:1.0.0", req="50m/64Mi", lim="200m/128Mi")])
    at = c.ago(d=4)
    c.cronjob(ns, "import", "0 1 * * *", js, last=at, ok=at + sec(60), suspend=True, gen=3, changed=at + sec(4000))
    c.crash(
        ns,
        "numbers-api",
        [web("api", REG + "/vaccine/api:2.0.0", env={"DB_HOST": "numbers-db"})],
        lambda t: [
            pl(t + sec(1), "ERROR", "api", "KeyError: 'REGION_LIST' (set it to a comma separated list)"),
            "KeyError: 'REGION_LIST'",
        ],
        c.ago(m=44),
        svc=80,
        old=[web("api", REG + "/vaccine/api:1.9.0", env={"DB_HOST": "numbers-db", "REGION_LIST": "north,south"})],
    )


@story(
    "twins-ingress",
    "A missing TLS secret and a broken backend of different hosts",
    en="gala.example.com has a certificate warning and gala.example.com/seats is 503.",
    zh="gala.example.com 证书告警，gala.example.com/seats 还返回 503。",
    causes=[
        cause("gala/Ingress/gala", "ingress_tls_missing", "gala-tls"),
        cause("gala/Deployment/seats", "probe_readiness_misconfigured", "/readyness"),
    ],
    spare=["gala/Deployment/gala-web", "gala/Service/seats"],
    ingress=True,
)
def twins_ingress(c):
    ns = c.ns("gala")
    c.app(ns, "gala-web", REG + "/gala/web:1.0.0", lang="nginx")
    c.unready(
        ns,
        "seats",
        [web("seats", REG + "/gala/seats:1.2.0", ready=http("/readyness", "http"))],
        "HTTP probe failed with statuscode: 404",
        c.ago(m=40),
        svc=80,
        lines=lambda p: c.spell(c.ago(m=20), 30, lambda t: jl(t, "info", "request", path="/readyness", status=404)),
    )
    c.ingress(
        ns,
        "gala",
        [("gala.example.com", [("/", "gala-web", 80), ("/seats", "seats", 80)])],
        tls=[(["gala.example.com"], "gala-tls")],
        address=c.lb_ip,
    )
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                c.ago(h=6),
                "W",
                "controller.go:1510",
                'Error getting SSL certificate "gala/gala-tls": local SSL certificate gala/gala-tls was not found. Using default certificate',
                7,
            )
        ],
    )


@story(
    "twins-hpa-limit",
    "A service at its autoscaler's limit, and a paused deployment behind it",
    en="Black-Friday rehearsal: the storefront is slow and the new recommendations do not show.",
    zh="黑五演练：店面很慢，新的推荐也没显示出来。",
    causes=[
        cause("rehearsal/HorizontalPodAutoscaler/storefront", "hpa_at_max", "\\b2\\b"),
        cause("rehearsal/Deployment/recommend", "rollout_paused", "paused|暂停"),
    ],
    spare=["rehearsal/Deployment/storefront"],
    metrics=True,
)
def twins_hpa_limit(c):
    ns = c.ns("rehearsal")
    c.with_usage = True
    c.app(ns, "storefront", REG + "/rehearsal/storefront:1.0.0", n=2, use={"storefront": ("243m", "150Mi")})
    at = c.ago(m=44)
    c.hpa(
        ns,
        "storefront",
        "storefront",
        1,
        2,
        [c.cpu_target(70)],
        2,
        2,
        [c.cpu_now(243, "243m")],
        [
            c.hcond("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size", at),
            c.hcond(
                "ScalingActive",
                "True",
                "ValidMetricFound",
                "the HPA was able to successfully calculate a replica count from cpu resource utilization (percentage of request)",
                at,
            ),
            c.hcond(
                "ScalingLimited",
                "True",
                "TooManyReplicas",
                "the desired replica count is more than the maximum replica count",
                at,
            ),
        ],
    )
    c.deploy(
        ns,
        "recommend",
        [web("recommend", REG + "/rehearsal/recommend:5.1.0")],
        1,
        created=c.ago(d=40),
        no_current=True,
        paused=c.ago(d=1),
        progress="paused",
        revision=3,
        history=[
            {
                "containers": [web("recommend", REG + "/rehearsal/recommend:5.0.0")],
                "created": c.ago(d=10),
                "changed": c.ago(d=10),
                "states": [{"created": c.ago(d=10)}],
                "want": 1,
            }
        ],
    )
    c.svc(ns, "recommend", [("http", 80, "http")])
