"""Memory, init containers and probes."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, crash_runs, ctr, dead, http, jl, pl, sec, sl, story, up, wait, web


@story(
    "atlas-oom",
    "A Java service is killed against a limit that is smaller than its heap",
    en="atlas-search restarts every few minutes since the memory was trimmed. Which value is wrong?",
    zh="内存缩减之后 atlas-search 每隔几分钟就重启一次，哪个值不对？",
    causes=[cause("atlas/Deployment/atlas-search", "oom_killed", "384 ?Mi")],
    spare=["atlas/Deployment/atlas-web"],
    remedy=("set_resources", "atlas/Deployment/atlas-search"),
    metrics=True,
)
def atlas_oom(c):
    ns = c.ns("atlas")
    c.app(ns, "atlas-web", REG + "/atlas/web:1.1.0", lang="node")

    def main(limit):
        return [
            web(
                "search",
                REG + "/atlas/search:3.0.2",
                env={"JAVA_TOOL_OPTIONS": "-Xmx512m"},
                req="200m/256Mi",
                lim=f"1/{limit}",
            )
        ]

    c.with_usage = True
    c.crash(
        ns,
        "atlas-search",
        main("384Mi"),
        lambda t: [
            sl(t + sec(3), "INFO", "search", "main", "c.e.atlas.Application", "Started Application in 2.9 seconds"),
            sl(t + sec(30), "INFO", "search", "warmup-1", "c.e.atlas.Index", "loading index segment 14 of 40"),
        ],
        c.ago(m=55),
        code=137,
        reason="OOMKilled",
        run=70,
        old=main("768Mi"),
        svc=80,
    )
    c.audit(
        c.ago(m=55),
        "pavel@example.com",
        "patch",
        "deployments",
        ns,
        "atlas-search",
        "apps",
        req={
            "spec": {
                "template": {"spec": {"containers": [{"name": "search", "resources": {"limits": {"memory": "384Mi"}}}]}}
            }
        },
    )


@story(
    "census-init",
    "A schema migration in an init container fails",
    en="census-api does not get past Init since the last deployment",
    zh="census-api 上次部署后一直停在 Init 阶段",
    causes=[
        cause(
            "census/Deployment/census-api",
            "init_container_failed",
            "migrate",
            "households_region_key|duplicate|UniqueViolation",
        )
    ],
    spare=["census/StatefulSet/census-pg"],
)
def census_init(c):
    ns = c.ns("census")
    c.database(ns, "census-pg")
    since = c.ago(m=24)
    r, delay = crash_runs(since + sec(4), 3, c.now)
    state = {
        "created": since + sec(1),
        "ics": {"migrate": wait("CrashLoopBackOff", "x", len(r) - 1, dead(1, *r[-1]))},
        "cs": {"api": wait("PodInitializing")},
        "phase": "Pending",
    }
    init = [
        ctr("migrate", REG + "/census/api:4.0.0", cmd=["alembic", "upgrade", "head"], req="20m/64Mi", lim="200m/128Mi")
    ]
    w = c.roll(
        ns,
        "census-api",
        [web("api", REG + "/census/api:4.0.0")],
        [state],
        since,
        old=[web("api", REG + "/census/api:3.9.1")],
        alive=1,
        svc=80,
        tmpl={"init": init},
    )
    p = w.current[0]
    c.crashloop(p, "migrate", delay)
    c.crash_events(p, "migrate", len(r), r[0][0], r[-1][0], init=True)
    t = r[-1][0]
    c.log(
        p,
        "migrate",
        [
            "INFO  [alembic.runtime.migration] Running upgrade 7fa1 -> 8c02, add unique key",
            "Traceback (most recent call last):",
            'sqlalchemy.exc.IntegrityError: (psycopg.errors.UniqueViolation) could not create unique index "households_region_key"',
            f"DETAIL:  Key (region, number)=(17, 4402) is duplicated. [{t:%H:%M:%S}]",
        ],
        both=True,
    )


@story(
    "silo-wait",
    "An init container waits for a Service whose workload is scaled to zero",
    en="grain-price hangs in Init:0/1 since it was restarted an hour ago.",
    zh="grain-price 一小时前重启后一直卡在 Init:0/1。",
    causes=[cause("silo/Deployment/price-cache", "scaled_to_zero", "price-cache")],
    spare=["silo/Deployment/grain-price"],
    remedy=("scale", "silo/Deployment/price-cache"),
)
def silo_wait(c):
    ns = c.ns("silo")
    c.deploy(
        ns, "price-cache", [web("cache", "docker.io/library/memcached:1.6.39", 11211)], 0, created=c.ago(d=60), gen=5
    )
    c.svc(ns, "price-cache", [("mc", 11211, 11211)])
    since = c.ago(h=1, m=3)
    init = [
        ctr(
            "wait-cache",
            "docker.io/library/busybox:1.37.0",
            cmd=["sh", "-c", "until nc -z price-cache 11211; do echo waiting for price-cache:11211; sleep 5; done"],
            req="10m/16Mi",
            lim="50m/32Mi",
        )
    ]
    state = {
        "created": since + sec(1),
        "ics": {"wait-cache": up(since + sec(3), ready=False)},
        "cs": {"grain-price": wait("PodInitializing")},
        "phase": "Pending",
    }
    w = c.roll(
        ns,
        "grain-price",
        [web("grain-price", REG + "/silo/grain-price:2.2.0", env={"CACHE": "price-cache:11211"})],
        [state],
        since,
        created=c.ago(d=50),
        svc=80,
        tmpl={"init": init},
        progress="deadline",
    )
    c.log(w.pods[0], "wait-cache", ["waiting for price-cache:11211"] * 60)


@story(
    "lantern-init",
    "An init container waits for a port that the dependency never serves",
    en="After installing the lantern dashboard it stays in Init. What does it wait for?",
    zh="装好 lantern 看板后一直停在 Init，它在等什么？",
    causes=[cause("lantern/Deployment/lantern-ui", "init_container_stuck", "3307")],
    spare=["lantern/StatefulSet/lantern-db", "lantern/Service/lantern-db"],
)
def lantern_init(c):
    ns = c.ns("lantern")
    c.database(ns, "lantern-db", "docker.io/library/mysql:8.4.6", 3306, path="/var/lib/mysql")
    since = c.ago(m=39)
    init = [
        ctr(
            "wait-for-db",
            "docker.io/library/busybox:1.37.0",
            cmd=["sh", "-c", "until nc -zw2 lantern-db 3307; do echo 'lantern-db:3307 not ready'; sleep 3; done"],
            req="10m/16Mi",
            lim="50m/32Mi",
        )
    ]
    state = {
        "created": since + sec(1),
        "ics": {"wait-for-db": up(since + sec(3), ready=False)},
        "cs": {"ui": wait("PodInitializing")},
        "phase": "Pending",
    }
    w = c.roll(
        ns,
        "lantern-ui",
        [web("ui", REG + "/lantern/ui:0.9.0")],
        [state],
        since,
        created=since,
        svc=80,
        tmpl={"init": init},
        progress="deadline",
    )
    c.log(
        w.pods[0],
        "wait-for-db",
        ["nc: lantern-db (10.244.1.60:3307): Connection refused", "lantern-db:3307 not ready"] * 40,
    )


def _killed(c, ns, name, tpl, text, since, run, n=1, code=137, old=None, lines=None, **kw):
    w = c.crash(ns, name, tpl, lines, since, code=code, run=run, n=n, old=old, **kw)
    for p in w.current:
        cn = tpl[0]["name"]
        c.kubelet(p, "Warning", "Unhealthy", text.format(ip=p["status"]["podIP"]), c.ago(m=1), 30, since + sec(20), cn)
        kind = "startup" if text.startswith("Startup") else "liveness"
        c.kubelet(
            p,
            "Normal",
            "Killing",
            f"Container {cn} failed {kind} probe, will be restarted",
            c.ago(m=1),
            9,
            since + sec(run),
            cn,
        )
    return w


@story(
    "ballot-path",
    "A liveness probe asks for a path that the new version no longer has",
    en="ballot-count restarts in a circle since 2.0 went out although the log looks perfect.",
    zh="2.0 上线后 ballot-count 一直循环重启，但日志看起来完全正常。",
    causes=[cause("election/Deployment/ballot-count", "probe_liveness_misconfigured", "/health/live", "404")],
    spare=["election/Deployment/results-page"],
)
def ballot_path(c):
    ns = c.ns("election")
    c.app(ns, "results-page", REG + "/election/results:1.0.0", lang="nginx")
    live = http("/health/live", "http", delay=10)
    _killed(
        c,
        ns,
        "ballot-count",
        [web("ballot-count", REG + "/election/ballot-count:2.0.0", live=live)],
        "Liveness probe failed: HTTP probe failed with statuscode: 404",
        c.ago(m=40),
        41,
        code=143,
        old=[web("ballot-count", REG + "/election/ballot-count:1.8.0", live=live)],
        svc=80,
        lines=lambda t: (
            [jl(t + sec(1), "info", "listening", port=8080)]
            + [
                jl(
                    t + sec(8 + 9 * k),
                    "warn" if k % 2 else "info",
                    "request",
                    path="/health/live" if k % 2 else "/count",
                    status=404 if k % 2 else 200,
                )
                for k in range(4)
            ]
            + [jl(t + sec(41), "info", "SIGTERM received, bye")]
        ),
    )


@story(
    "scheme-probe",
    "A startup probe speaks plain HTTP to a TLS port",
    en="The consent service never becomes available after switching it to TLS.",
    zh="consent 服务切到 TLS 之后一直不可用。",
    causes=[cause("privacy/Deployment/consent", "probe_liveness_misconfigured", "HTTPS?|8443|scheme|TLS|tls")],
    spare=["privacy/Service/consent"],
)
def scheme_probe(c):
    ns = c.ns("privacy")
    c.app(ns, "cookie-banner", REG + "/privacy/cookie-banner:1.3.0", lang="node")
    tpl = [
        ctr(
            "consent",
            REG + "/privacy/consent:2.1.0",
            ports=[("https", 8443)],
            req="50m/64Mi",
            lim="200m/128Mi",
            startup=http("/healthz", 8443, period=5, fail=6),
        )
    ]
    w = _killed(
        c,
        ns,
        "consent",
        tpl,
        "Startup probe failed: HTTP probe failed with statuscode: 400",
        c.ago(m=35),
        31,
        code=2,
        created=c.ago(m=35),
        lines=lambda t: (
            [jl(t + sec(1), "info", "serving TLS", addr=":8443")]
            + [
                f"{(t + sec(5 + 5 * k)):%Y/%m/%d %H:%M:%S} http: TLS handshake error from 10.0.1.11:5{k}122: client sent an HTTP request to an HTTPS server"
                for k in range(5)
            ]
        ),
    )
    c.svc(ns, "consent", [("https", 443, "https")])
    return w


@story(
    "slow-start",
    "A liveness probe starts before a slow application is up",
    en="tax-engine is killed again and again while starting, on the new, slower nodes. What should we change?",
    zh="tax-engine 在新的慢节点上启动时一再被杀掉，应该改什么？",
    causes=[
        cause(
            "tax/Deployment/tax-engine",
            "probe_liveness_too_aggressive",
            "initialDelaySeconds|failureThreshold|startup|启动",
        )
    ],
    spare=["tax/Deployment/tax-forms"],
)
def slow_start(c):
    ns = c.ns("tax")
    c.app(ns, "tax-forms", REG + "/tax/forms:8.0.1", lang="python")
    tpl = [
        web(
            "engine",
            REG + "/tax/engine:12.0.0",
            req="300m/512Mi",
            lim="1/1Gi",
            live=http("/healthz", "http", delay=5, period=5, fail=2),
            ready=http("/healthz", "http", delay=5),
        )
    ]
    _killed(
        c,
        ns,
        "tax-engine",
        tpl,
        'Liveness probe failed: Get "http://{ip}:8080/healthz": dial tcp {ip}:8080: connect: connection refused',
        c.ago(m=48),
        16,
        born=c.ago(d=12),
        code=143,
        svc=80,
        lines=lambda t: [
            sl(t + sec(2), "INFO", "engine", "main", "c.e.tax.Application", "Starting Application using Java 21.0.8"),
            sl(t + sec(9), "INFO", "engine", "main", "c.e.tax.Rules", "compiled 210 of 960 rules"),
            sl(t + sec(15), "INFO", "engine", "main", "c.e.tax.Rules", "compiled 430 of 960 rules"),
        ],
    )


@story(
    "timeout-tight",
    "A liveness probe gives a busy but healthy process one second, once",
    en="During office hours route-planner pods are killed every few minutes. They answer, only slowly.",
    zh="上班时间 route-planner 的 Pod 每几分钟就被杀一次，其实能响应，只是慢。",
    causes=[cause("fleet/Deployment/route-planner", "probe_liveness_too_aggressive", "timeout|timeoutSeconds|超时")],
    spare=["fleet/Deployment/fleet-map"],
)
def timeout_tight(c):
    ns = c.ns("fleet")
    c.app(ns, "fleet-map", REG + "/fleet/map:3.1.0", lang="node")
    live = http("/healthz", "http", delay=20, period=5, timeout=1, fail=1)
    kill = [c.ago(m=3, s=20), c.ago(m=6)]
    states = [
        {"created": c.ago(d=4) + sec(i), "cs": {"planner": up(k + sec(2), 31 + i, dead(143, k - sec(400), k))}}
        for i, k in enumerate(kill)
    ]
    w = c.roll(
        ns,
        "route-planner",
        [web("planner", REG + "/fleet/route-planner:6.6.1", live=live)],
        states,
        c.ago(d=4),
        created=c.ago(d=4),
        svc=80,
    )
    for p, k in zip(w.pods, kill, strict=True):
        c.kubelet(
            p,
            "Warning",
            "Unhealthy",
            f'Liveness probe failed: Get "http://{p["status"]["podIP"]}:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            k,
            31,
            c.ago(h=5),
            "planner",
        )
        c.kubelet(
            p,
            "Normal",
            "Killing",
            "Container planner failed liveness probe, will be restarted",
            k,
            31,
            c.ago(h=5),
            "planner",
        )
        c.log(
            p,
            "planner",
            c.spell(
                k,
                11,
                lambda t: jl(
                    t,
                    "info",
                    "request",
                    path="/healthz" if c.rng.random() < 0.5 else "/v2/routes",
                    status=200,
                    duration_ms=c.rng.randint(700, 1600),
                ),
            ),
        )


@story(
    "gallery-ready",
    "A readiness probe asks the wrong port; the application is fine",
    en="gallery shows 0/1 ready for forty minutes, yet curl on the pod's port works.",
    zh="gallery 四十分钟来一直 0/1 就绪，但直接 curl Pod 端口是通的。",
    causes=[cause("museum/Deployment/gallery", "probe_readiness_misconfigured", "8081")],
    spare=["museum/Service/gallery"],
    remedy=("patch", "museum/Deployment/gallery"),
)
def gallery_ready(c):
    ns = c.ns("museum")
    c.app(ns, "audio-guide", REG + "/museum/audio-guide:1.0.2")
    tpl = [
        ctr(
            "gallery",
            REG + "/museum/gallery:5.1.0",
            ports=[("http", 8080)],
            req="50m/64Mi",
            lim="200m/128Mi",
            ready=http("/ready", 8081),
        )
    ]
    c.unready(
        ns,
        "gallery",
        tpl,
        'Get "http://{ip}:8081/ready": dial tcp {ip}:8081: connect: connection refused',
        c.ago(m=41),
        svc=80,
        n=2,
        lines=lambda p: [
            jl(c.ago(m=41), "info", "gallery 5.1.0 listening", addr=":8080"),
            *c.spell(
                c.ago(m=10), 60, lambda t: jl(t, "info", "thumbnail cache refreshed", items=c.rng.randint(10, 90))
            ),
        ],
    )


@story(
    "choir-ready",
    "The application really is not ready: its license server says no",
    en="choir-planner is up but gets no traffic since 20 minutes.",
    zh="choir-planner 在运行，但二十分钟来没有任何流量进来。",
    causes=[cause("choir/Deployment/choir-planner", "readiness_failing", "503|license|许可")],
    spare=["choir/Service/choir-planner"],
)
def choir_ready(c):
    ns = c.ns("choir")
    c.unready(
        ns,
        "choir-planner",
        [web("planner", REG + "/choir/planner:2.2.0", ready=http("/ready", "http"))],
        "HTTP probe failed with statuscode: 503",
        c.ago(m=21),
        born=c.ago(d=8),
        svc=80,
        lines=lambda p: c.spell(
            c.ago(m=21),
            30,
            lambda t: pl(
                t, "ERROR", "planner.ready", "not ready: license for 40 seats expired, renew at vendor portal"
            ),
        ),
    )
    c.app(ns, "sheet-music", REG + "/choir/sheet-music:1.7.0", lang="python")
