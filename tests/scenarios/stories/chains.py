"""One cause and a chain of victims; the question is about the end of the chain."""
# ruff: noqa: E501

from tests.scenarios.builder import (
    REG,
    al,
    cause,
    ctr,
    dead,
    http,
    jl,
    pl,
    sec,
    sl,
    story,
    tcp,
    ts,
    up,
    v_secret,
    wait,
    web,
    zl,
)
from tests.scenarios.builder.certificates import pem
from tests.scenarios.stories.admission import webhook

NO_HELP = "Preemption is not helpful for scheduling"


@story(
    "chain-disk",
    "A full Postgres volume makes an API answer 500 and a shop front show errors",
    en="The plant shop front shows 'something went wrong' for 25 minutes. shop-front was deployed yesterday.",
    zh="植物商店首页二十五分钟来一直显示「出错了」，shop-front 昨天刚发过版。",
    causes=[
        cause(
            "plants/PersistentVolumeClaim/data-plants-pg-0",
            "volume_full",
            "[Nn]o space left|\\bfull\\b|满|空间不足|耗尽",
        )
    ],
    spare=["plants/Deployment/plants-api", "plants/Deployment/shop-front", "plants/StatefulSet/plants-pg"],
)
def chain_disk(c):
    ns = c.ns("plants")
    at = c.ago(m=26)
    db = c.database(ns, "plants-pg", size="3Gi")
    c.log(
        db.pods[0],
        "pg",
        c.spell(
            at,
            12,
            lambda t: [
                f'{t:%Y-%m-%d %H:%M:%S}.871 UTC [{c.rng.randint(90, 400)}] ERROR:  could not extend file "base/16384/{c.rng.randint(20000, 29999)}": No space left on device',
                f"{t:%Y-%m-%d %H:%M:%S}.871 UTC [77] HINT:  Check free disk space.",
            ],
        ),
    )
    api = c.app(
        ns,
        "plants-api",
        REG + "/plants/api:4.0.0",
        env={"DATABASE_URL": "postgres://plants-pg:5432/plants"},
        lang="python",
    )
    c.complains(
        api,
        at,
        12,
        lambda t: [
            pl(t, "ERROR", "api", "POST /orders 500"),
            "psycopg.errors.DiskFull: could not extend file: No space left on device",
        ],
    )
    web_ = c.app(
        ns,
        "shop-front",
        REG + "/plants/front:9.0.0",
        lang="node",
        env={"API_URL": "http://plants-api"},
        created=c.ago(d=40),
        rolled=c.ago(d=1),
    )
    c.complains(web_, at, 15, lambda t: jl(t, "error", "api call failed", url="http://plants-api/orders", status=500))


@story(
    "chain-quota",
    "Ingress 503, a Service without endpoints, a ReplicaSet without pods: a quota",
    en="yoga.example.com is 503. I restarted the deployment to fix something else and now it is gone.",
    zh="yoga.example.com 返回 503。我为了修别的问题重启了 deployment，现在它没了。",
    causes=[cause("yoga/ResourceQuota/studio", "quota_exceeded", "limits\\.cpu")],
    spare=["yoga/Deployment/yoga-web", "yoga/Service/yoga-web", "yoga/Ingress/yoga"],
    ingress=True,
)
def chain_quota(c):
    ns = c.ns("yoga")
    since = c.ago(m=19)
    hard = {"limits.cpu": "1"}
    c.app(ns, "video", REG + "/yoga/video:1.0.0", lim="800m/256Mi")
    c.make(
        "v1",
        "ResourceQuota",
        "studio",
        ns,
        c.ago(h=1),
        {"spec": {"hard": hard}, "status": {"hard": hard, "used": {"limits.cpu": "800m"}}},
    )
    main = [web("web", REG + "/yoga/web:2.0.0")]
    c.refused(
        ns,
        "yoga-web",
        main,
        "exceeded quota: studio, requested: limits.cpu=500m, used: limits.cpu=800m, limited: limits.cpu=1",
        since,
        created=c.ago(d=60),
        rolled=since,
        strategy={"type": "Recreate"},
        progress="deadline",
        tannot={"kubectl.kubernetes.io/restartedAt": ts(since)},
        history=[{"containers": main, "created": c.ago(d=30), "changed": since, "tannot": {}}],
    )
    c.svc(ns, "yoga-web", [("http", 80, "http")])
    c.ingress(ns, "yoga", [("yoga.example.com", [("/", "yoga-web", 80)])], address=c.lb_ip)
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(since, "W", "controller.go:1216", 'Service "yoga/yoga-web" does not have any active Endpoint.', 7),
            *c.spell(
                c.ago(m=5),
                20,
                lambda t: al(t, "198.51.100.44", "GET / HTTP/2.0", 503, 190, 0.0, "[yoga-yoga-web-80] -"),
            ),
        ],
    )


@story(
    "chain-redis",
    "A cache is OOM-killed; the API behind the ingress is not ready because of it",
    en="Quiz evenings are cancelled: quiz-api is 0/2 ready and the site 503. quiz-api's readiness is obviously misconfigured.",
    zh="竞猜活动停了：quiz-api 0/2 就绪，网站 503，明显是 quiz-api 的就绪探针配错了。",
    causes=[cause("quiz/StatefulSet/quiz-redis", "oom_killed", "64 ?Mi")],
    spare=["quiz/Deployment/quiz-api", "quiz/Service/quiz-api", "quiz/Service/quiz-redis"],
    remedy=("set_resources", "quiz/StatefulSet/quiz-redis"),
)
def chain_redis(c):
    ns = c.ns("quiz")
    since = c.ago(m=29)
    main = ctr(
        "redis",
        "docker.io/library/redis:7.4.5",
        ports=[("redis", 6379)],
        req="50m/64Mi",
        lim="-/64Mi",
        ready=tcp("redis"),
    )
    c.crash(
        ns,
        "quiz-redis",
        [main],
        lambda t: [
            f"1:C {t:%d %b %Y %H:%M:%S}.020 * oO0OoO0OoO0Oo Redis is starting oO0OoO0OoO0Oo",
            f"1:M {t:%d %b %Y %H:%M:%S}.031 * Loading RDB produced by version 7.4.5",
            f"1:M {t:%d %b %Y %H:%M:%S}.031 * RDB memory usage when created 96.11 Mb",
        ],
        since,
        code=137,
        reason="OOMKilled",
        run=2,
        kind="sts",
        born=c.ago(d=20),
    )
    c.svc(ns, "quiz-redis", [("redis", 6379, "redis")])
    vip = c.get("Service", "quiz-redis", ns)["spec"]["clusterIP"]
    c.unready(
        ns,
        "quiz-api",
        [
            web(
                "api",
                REG + "/quiz/api:1.0.0",
                env={"REDIS_URL": "redis://quiz-redis:6379"},
                ready=http("/ready", "http"),
            )
        ],
        "HTTP probe failed with statuscode: 503",
        since + sec(20),
        born=c.ago(d=3),
        n=2,
        svc=80,
        lines=lambda p: c.spell(
            since + sec(8),
            12,
            lambda t: jl(
                t, "warn", "not ready", dependency="redis", error=f"dial tcp {vip}:6379: connect: connection refused"
            ),
        ),
    )


@story(
    "chain-migration",
    "A failed migration job keeps the new version of an application in its init container",
    en="choirbook 3.0 hangs in Init since the deployment at noon.",
    zh="choirbook 3.0 中午部署后一直卡在 Init。",
    causes=[cause("hymns/Job/choirbook-migrate-30", "job_failed", "BackoffLimitExceeded|lock timeout|backoff")],
    spare=["hymns/Deployment/choirbook", "hymns/StatefulSet/hymns-pg"],
)
def chain_migration(c):
    ns = c.ns("hymns")
    at = c.ago(m=48)
    c.database(ns, "hymns-pg")
    js = c.job_spec(
        [ctr("migrate", REG + "/hymns/choirbook:3.0.0", args=["migrate"], req="20m/64Mi", lim="100m/128Mi")], backoff=1
    )
    j = c.job(
        ns,
        "choirbook-migrate-30",
        js,
        at,
        failed=("BackoffLimitExceeded", "Job has reached the specified backoff limit", at + sec(140)),
        pods=[
            {"created": at + sec(70 * i), "cs": {"migrate": dead(1, at + sec(2 + 70 * i), at + sec(62 + 70 * i))}}
            for i in range(2)
        ],
    )
    for p in j.pods:
        c.log(
            p,
            "migrate",
            ["applying 0041_split_voices", "psycopg.errors.LockNotAvailable: canceling statement due to lock timeout"],
        )
    c.event(
        j.obj,
        "Warning",
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        at + sec(140),
        component="job-controller",
    )
    init = [
        ctr(
            "wait-migration",
            "docker.io/bitnami/kubectl:1.33",
            cmd=["kubectl", "wait", "--for=condition=complete", "job/choirbook-migrate-30", "--timeout=-1s"],
            req="10m/16Mi",
            lim="50m/64Mi",
        )
    ]
    state = {
        "created": at + sec(5),
        "ics": {"wait-migration": up(at + sec(8), ready=False)},
        "cs": {"choirbook": wait("PodInitializing")},
        "phase": "Pending",
    }
    c.roll(
        ns,
        "choirbook",
        [web("choirbook", REG + "/hymns/choirbook:3.0.0")],
        [state],
        at + sec(5),
        old=[web("choirbook", REG + "/hymns/choirbook:2.9.0")],
        alive=1,
        svc=80,
        tmpl={"init": init},
    )


@story(
    "chain-rbac-secret",
    "An operator lost a right at cluster scope, so a Secret is never made and pods cannot start",
    en="dance-api: CreateContainerConfigError, secret dance-db-auth not found. Who deleted it?",
    zh="dance-api 报 CreateContainerConfigError，找不到 secret dance-db-auth，谁删的？",
    causes=[cause("ClusterRole/secret-weaver", "rbac_denied", "secrets", "create")],
    spare=["dance/Deployment/dance-api", "weaver/Deployment/secret-weaver", "ClusterRoleBinding/secret-weaver"],
    remedy=("patch", "ClusterRole/secret-weaver"),
)
def chain_rbac_secret(c):
    c.ns("weaver")
    c.sa("weaver", "secret-weaver")
    c.crd("wovensecrets", "weaver.example.com", "WovenSecret")
    c.role(
        None,
        "secret-weaver",
        [
            {"apiGroups": ["weaver.example.com"], "resources": ["wovensecrets"], "verbs": ["*"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "watch", "update"]},
        ],
        cluster=True,
        changed=c.ago(h=2),
    )
    c.bind(None, "secret-weaver", "secret-weaver", [("weaver", "secret-weaver")], cluster=True)
    op = c.deploy(
        "weaver",
        "secret-weaver",
        [ctr("weaver", REG + "/weaver/weaver:1.0.0", req="20m/32Mi", lim="100m/64Mi")],
        1,
        tmpl={"sa": "secret-weaver"},
    )
    err = 'secrets is forbidden: User "system:serviceaccount:weaver:secret-weaver" cannot create resource "secrets" in API group "" in the namespace "dance"'
    c.log(
        op.pods[0],
        "weaver",
        c.spell(
            c.ago(m=40),
            45,
            lambda t: zl(
                t, "ERROR", "wovensecret", "Reconciler error", name="dance-db-auth", namespace="dance", error=err
            ),
        ),
    )
    ns = c.ns("dance")
    cr = c.make(
        "weaver.example.com/v1",
        "WovenSecret",
        "dance-db-auth",
        ns,
        c.ago(m=41),
        {
            "spec": {"path": "kv/dance/db"},
            "status": {
                "conditions": [
                    {
                        "lastTransitionTime": ts(c.ago(m=41)),
                        "message": err,
                        "reason": "CreateFailed",
                        "status": "False",
                        "type": "Ready",
                    }
                ]
            },
        },
        gen=1,
    )
    c.event(cr, "Warning", "CreateFailed", err, c.ago(m=1), 52, c.ago(m=41), "secret-weaver")
    c.no_config(
        ns,
        "dance-api",
        [web("api", REG + "/dance/api:1.0.0", env={"DB_PASSWORD": ("secret", "dance-db-auth", "password")})],
        'secret "dance-db-auth" not found',
        c.ago(m=40),
        svc=80,
    )


@story(
    "chain-certificate",
    "A certificate is not issued because of its DNS challenge; the ingress serves the fake one",
    en="Customers see a fake certificate on bistro.example.com; the ingress must be wrong.",
    zh="客户在 bistro.example.com 看到假证书，肯定是 ingress 配错了。",
    causes=[cause("bistro/Certificate/bistro-tls", "custom_resource_rejected", "bistro\\.exmaple\\.com|exmaple")],
    spare=["bistro/Ingress/bistro", "bistro/Deployment/bistro", "ingress-nginx/Deployment/ingress-nginx-controller"],
    ingress=True,
)
def chain_certificate(c):
    c.crd("certificates", "cert-manager.io", "Certificate")
    c.ns("cert-manager")
    c.app("cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.18.2", svc=None, quiet=True)
    ns = c.ns("bistro")
    at = c.ago(h=4)
    c.app(ns, "bistro", REG + "/bistro/web:1.0.0", lang="nginx")
    msg = 'The certificate request has failed to complete and will be retried: Failed to wait for order resource "bistro-tls-1-218" to become ready: order is in "invalid" state: acme: authorization error for bistro.exmaple.com: 400 urn:ietf:params:acme:error:dns: DNS problem: NXDOMAIN looking up A for bistro.exmaple.com'
    cr = c.make(
        "cert-manager.io/v1",
        "Certificate",
        "bistro-tls",
        ns,
        at,
        {
            "spec": {
                "dnsNames": ["bistro.example.com", "bistro.exmaple.com"],
                "issuerRef": {"kind": "Issuer", "name": "acme"},
                "secretName": "bistro-tls",
            },
            "status": {
                "failedIssuanceAttempts": 3,
                "conditions": [
                    {
                        "lastTransitionTime": ts(at),
                        "message": "Issuing certificate as Secret does not exist",
                        "reason": "DoesNotExist",
                        "status": "False",
                        "type": "Ready",
                    },
                    {
                        "lastTransitionTime": ts(c.ago(h=1)),
                        "message": msg,
                        "reason": "Failed",
                        "status": "False",
                        "type": "Issuing",
                    },
                ],
            },
        },
        gen=1,
    )
    c.event(cr, "Warning", "Failed", msg, c.ago(h=1), 3, at, "cert-manager-certificates-issuing")
    c.ingress(
        ns,
        "bistro",
        [("bistro.example.com", [("/", "bistro", 80)])],
        tls=[(["bistro.example.com"], "bistro-tls")],
        address=c.lb_ip,
        created=at,
    )
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        [
            c.klog(
                at,
                "W",
                "controller.go:1510",
                'Error getting SSL certificate "bistro/bistro-tls": local SSL certificate bistro/bistro-tls was not found. Using default certificate',
                7,
            )
        ],
    )


@story(
    "chain-external-secret",
    "An external secret cannot be fetched: its key does not exist in the vault",
    en="puzzle-mail won't start, secret missing. The platform team says their operator is fine.",
    zh="puzzle-mail 启动不了，secret 不存在；平台组说他们的 operator 没问题。",
    causes=[cause("riddles/ExternalSecret/smtp-login", "custom_resource_rejected", "kv/riddles/smpt|smpt")],
    spare=["riddles/Deployment/puzzle-mail", "secrets-operator/Deployment/secrets-operator"],
)
def chain_external_secret(c):
    c.crd("externalsecrets", "external-secrets.io", "ExternalSecret")
    c.ns("secrets-operator")
    c.app(
        "secrets-operator",
        "secrets-operator",
        "ghcr.io/external-secrets/external-secrets:v0.19.2",
        svc=None,
        quiet=True,
    )
    ns = c.ns("riddles")
    at = c.ago(m=50)
    msg = "error retrieving secret at .data[0], key: kv/riddles/smpt, err: Secret does not exist"
    cr = c.make(
        "external-secrets.io/v1",
        "ExternalSecret",
        "smtp-login",
        ns,
        at,
        {
            "spec": {
                "data": [{"remoteRef": {"key": "kv/riddles/smpt", "property": "password"}, "secretKey": "password"}],
                "refreshInterval": "1h",
                "secretStoreRef": {"kind": "ClusterSecretStore", "name": "vault"},
                "target": {"name": "smtp-login"},
            },
            "status": {
                "conditions": [
                    {
                        "lastTransitionTime": ts(at),
                        "message": "could not get secret data from provider",
                        "reason": "SecretSyncedError",
                        "status": "False",
                        "type": "Ready",
                    }
                ]
            },
        },
        gen=1,
    )
    c.event(cr, "Warning", "UpdateFailed", msg, c.ago(m=2), 14, at, "external-secrets")
    c.no_config(
        ns,
        "puzzle-mail",
        [web("mail", REG + "/riddles/mail:1.0.0", env={"SMTP_PASSWORD": ("secret", "smtp-login", "password")})],
        'secret "smtp-login" not found',
        at,
        svc=80,
    )


@story(
    "chain-throttle",
    "A starved sign-in service makes the gateway time out and be restarted by its probe",
    en="gateway restarts every few minutes, people are logged out. Please fix the gateway.",
    zh="gateway 每几分钟重启一次，用户被登出，请修复 gateway。",
    causes=[cause("club/Deployment/sign-in", "cpu_throttled", "100m", "cpu|CPU")],
    spare=["club/Deployment/gateway"],
    metrics=True,
    remedy=("set_resources", "club/Deployment/sign-in"),
)
def chain_throttle(c):
    ns = c.ns("club")
    c.with_usage = True
    at = c.ago(h=2)
    w = c.deploy(
        ns,
        "sign-in",
        [web("sign-in", REG + "/club/sign-in:3.0.0", lim="100m/256Mi")],
        1,
        created=c.ago(d=30),
        rolled=at,
        use={"sign-in": ("100m", "120Mi")},
        history=[
            {
                "containers": [web("sign-in", REG + "/club/sign-in:3.0.0", lim="1/256Mi")],
                "created": c.ago(d=9),
                "changed": at,
            }
        ],
    )
    c.svc(ns, "sign-in", [("http", 80, "http")])
    p = w.pods[0]
    c.log(
        p,
        "sign-in",
        c.spell(
            c.ago(m=15),
            9,
            lambda t: jl(
                t, "warn", "slow request", path="/token", duration_ms=c.rng.randint(5200, 14000), hash="bcrypt"
            ),
        ),
    )
    lab = {"namespace": ns, "pod": p["metadata"]["name"], "container": "sign-in", "job": "kubelet"}
    grid = [c.ago(m=60) + sec(60 * i) for i in range(61)]
    c.sample(
        "container_cpu_cfs_periods",
        "counter",
        "Number of elapsed enforcement period intervals",
        lab,
        [(t, 600 * i) for i, t in enumerate(grid)],
        "_total",
    )
    c.sample(
        "container_cpu_cfs_throttled_periods",
        "counter",
        "Number of throttled period intervals",
        lab,
        [(t, 588 * i) for i, t in enumerate(grid)],
        "_total",
    )
    g = c.crash(
        ns,
        "gateway",
        [
            web(
                "gateway",
                REG + "/club/gateway:8.0.0",
                env={"SIGNIN_URL": "http://sign-in"},
                live=http("/healthz", "http", delay=10, period=5, timeout=3, fail=3),
            )
        ],
        lambda t: (
            [jl(t + sec(1), "info", "listening")]
            + [
                jl(
                    t + sec(5 * k),
                    "error",
                    "token check failed",
                    error='Post "http://sign-in/token": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
                )
                for k in range(1, 9)
            ]
        ),
        at + sec(90),
        code=137,
        run=44,
        born=c.ago(d=9),
        svc=80,
    )
    c.kubelet(
        g.pods[0],
        "Warning",
        "Unhealthy",
        "Liveness probe failed: HTTP probe failed with statuscode: 503",
        c.ago(m=2),
        60,
        at,
        "gateway",
    )
    c.kubelet(
        g.pods[0],
        "Normal",
        "Killing",
        "Container gateway failed liveness probe, will be restarted",
        c.ago(m=2),
        20,
        at,
        "gateway",
    )


@story(
    "chain-node-local",
    "A dead node takes a database with a local disk with it; its client crashes",
    en="bakery-orders has been crashing since ten past. The db pod is Pending, storage broken?",
    zh="bakery-orders 一直崩溃，数据库 Pod 是 Pending，是存储坏了吗？",
    causes=[cause("Node/node-4", "node_not_ready", "node-4")],
    spare=[
        "crumbs/Deployment/bakery-orders",
        "crumbs/StatefulSet/crumbs-db",
        "crumbs/Service/crumbs-db",
        "crumbs/PersistentVolumeClaim/data-crumbs-db-0",
    ],
)
def chain_node_local(c):
    at = c.ago(m=33)
    c.node_lost("node-4", at)
    ns = c.ns("crumbs")
    c.storage_class("local-path", "rancher.io/local-path")
    msg = c.unsched(
        [
            (1, "node(s) had untolerated taint {node.kubernetes.io/unreachable: }"),
            (
                2,
                "node(s) didn't match PersistentVolume's node affinity"
                if c.minor >= 34
                else "node(s) had volume node affinity conflict",
            ),
        ],
        [(3, NO_HELP)],
    )
    c.unscheduled(
        ns,
        "crumbs-db",
        [
            ctr(
                "pg",
                "docker.io/library/postgres:17.6",
                ports=[("pg", 5432)],
                req="100m/128Mi",
                lim="-/256Mi",
                ready=tcp("pg"),
                mounts=[("data", "/var/lib/postgresql/data")],
            )
        ],
        msg,
        at + sec(340),
        kind="sts",
        vct="data",
        vol_class="local-path",
        pvc_states={0: {"local": "node-4"}},
    )
    c.svc(ns, "crumbs-db", [("pg", 5432, "pg")])
    vip = c.get("Service", "crumbs-db", ns)["spec"]["clusterIP"]
    c.crash(
        ns,
        "bakery-orders",
        [web("orders", REG + "/crumbs/orders:1.0.0", env={"DB": "crumbs-db:5432"})],
        lambda t: [jl(t + sec(2), "fatal", "no database", error=f"dial tcp {vip}:5432: connect: no route to host")],
        at + sec(60),
        born=c.ago(d=8),
        node="node-1",
        svc=80,
    )


@story(
    "chain-webhook-cert",
    "The certificate of an admission webhook's own pod expired, so nothing can be created",
    en="No pod can be created in the whole cluster: failed calling webhook. API server trouble?",
    zh="整个集群都创建不了 Pod：failed calling webhook，是 API server 的问题吗？",
    causes=[cause("guard/Secret/guard-serving", "crash_cert_expired", "expired|过期|notAfter|NotAfter")],
    spare=["guard/Deployment/guard", "mailroom/Deployment/parcels"],
)
def chain_webhook_cert(c):
    c.ns("guard")
    end = c.ago(h=2)
    crt, key = pem("guard.guard.svc", end.replace(year=end.year - 1), end, c.name)
    c.secret("guard", "guard-serving", {"tls.crt": crt, "tls.key": key}, typ="kubernetes.io/tls", created=c.ago(d=100))
    c.crash(
        "guard",
        "guard",
        [
            ctr(
                "guard",
                REG + "/guard/guard:2.0.0",
                ports=[("https", 8443)],
                req="20m/32Mi",
                lim="100m/64Mi",
                mounts=[("tls", "/tls", "ro")],
            )
        ],
        lambda t: [jl(t + sec(1), "fatal", "serving certificate /tls/tls.crt has expired", not_after=ts(end))],
        c.ago(h=1, m=55),
        run=1,
        born=c.ago(d=30),
        tmpl={"volumes": [v_secret("tls", "guard-serving")]},
    )
    c.svc("guard", "guard", [("https", 443, "https")])
    webhook(
        c,
        "ValidatingWebhookConfiguration",
        "guard",
        ("guard", "guard", "/v"),
        selector={
            "matchExpressions": [
                {"key": "kubernetes.io/metadata.name", "operator": "NotIn", "values": ["kube-system", "guard"]}
            ]
        },
    )
    ns = c.ns("mailroom")
    c.refused(
        ns,
        "parcels",
        [web("parcels", REG + "/mailroom/parcels:1.0.0")],
        'Internal error occurred: failed calling webhook "guard.example.com": failed to call webhook: Post "https://guard.guard.svc:443/v?timeout=10s": dial tcp 10.96.31.7:443: connect: connection refused',
        c.ago(m=50),
        n=1,
        have=1,
    )


@story(
    "chain-metrics",
    "metrics-server was scaled to zero: the metrics API is down and autoscalers are blind",
    en="All HPAs show <unknown>, and kubectl top is broken.",
    zh="所有 HPA 都显示 <unknown>，kubectl top 也不能用了。",
    causes=[cause("kube-system/Deployment/metrics-server", "scaled_to_zero", "\\b0\\b|zero|零")],
    spare=["APIService/v1beta1.metrics.k8s.io", "opal/HorizontalPodAutoscaler/opal", "opal/Deployment/opal"],
    remedy=("scale", "kube-system/Deployment/metrics-server"),
)
def chain_metrics(c):
    ks, since = "kube-system", c.ago(m=50)
    c.sa(ks, "metrics-server")
    w = c.deploy(
        ks,
        "metrics-server",
        [
            ctr(
                "metrics-server",
                "registry.k8s.io/metrics-server/metrics-server:v0.8.0",
                ports=[("https", 10250)],
                req="100m/200Mi",
            )
        ],
        0,
        sel={"k8s-app": "metrics-server"},
        tmpl={"sa": "metrics-server"},
        gen=5,
    )
    c.scaled(w, f"Scaled down replica set {w.sets[0]['metadata']['name']} from 1 to 0", since)
    c.svc(ks, "metrics-server", [("https", 443, "https")], sel={"k8s-app": "metrics-server"})
    c.apiservice(
        "v1beta1.metrics.k8s.io",
        "metrics.k8s.io",
        "v1beta1",
        (ks, "metrics-server"),
        ok=False,
        reason="MissingEndpoints",
        message='endpoints for service/metrics-server in "kube-system" have no addresses with port name "https"',
        at=since,
    )
    ns = c.ns("opal")
    c.app(ns, "opal", REG + "/opal/opal:1.0.0")
    msg = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server is currently unable to handle the request (get pods.metrics.k8s.io)"
    h = c.hpa(
        ns,
        "opal",
        "opal",
        1,
        6,
        [c.cpu_target(60)],
        1,
        1,
        None,
        [
            c.hcond(
                "AbleToScale",
                "True",
                "SucceededGetScale",
                "the HPA controller was able to get the target's current scale",
                since,
            ),
            c.hcond(
                "ScalingActive",
                "False",
                "FailedGetResourceMetric",
                "the HPA was unable to compute the replica count: " + msg,
                since,
            ),
        ],
    )
    h["status"].pop("currentMetrics")
    c.event(h, "Warning", "FailedGetResourceMetric", msg, c.ago(s=9), 190, since, "horizontal-pod-autoscaler")


@story(
    "chain-provisioner",
    "A volume provisioner was denied a right; claims and pods wait",
    en="New notebooks in the datalab stay Pending, PVC too. Disk quota?",
    zh="datalab 新建的 notebook 一直 Pending，PVC 也是，是磁盘配额的问题吗？",
    causes=[cause("ClusterRole/disk-provisioner", "rbac_denied", "persistentvolumes", "create")],
    spare=[
        "datalab/StatefulSet/notebook-ana",
        "datalab/PersistentVolumeClaim/home-notebook-ana-0",
        "disks/Deployment/disk-provisioner",
    ],
)
def chain_provisioner(c):
    c.ns("disks")
    c.sa("disks", "disk-provisioner")
    c.role(
        None,
        "disk-provisioner",
        [
            {"apiGroups": [""], "resources": ["persistentvolumes"], "verbs": ["get", "list", "watch", "delete"]},
            {"apiGroups": [""], "resources": ["persistentvolumeclaims"], "verbs": ["get", "list", "watch", "update"]},
        ],
        cluster=True,
        changed=c.ago(h=5),
    )
    c.bind(None, "disk-provisioner", "disk-provisioner", [("disks", "disk-provisioner")], cluster=True)
    op = c.deploy(
        "disks",
        "disk-provisioner",
        [ctr("provisioner", REG + "/disks/provisioner:1.0.0", req="20m/32Mi", lim="100m/64Mi")],
        1,
        tmpl={"sa": "disk-provisioner"},
    )
    ns = c.ns("datalab")
    since = c.ago(m=44)
    msg = f"0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 {NO_HELP}."
    c.unscheduled(
        ns,
        "notebook-ana",
        [ctr("notebook", REG + "/datalab/notebook:1.0.0", req="200m/512Mi", lim="1/1Gi", mounts=[("home", "/home")])],
        msg,
        since,
        kind="sts",
        vct="home",
        pvc_states={0: {"bound": False}},
    )
    err = 'persistentvolumes is forbidden: User "system:serviceaccount:disks:disk-provisioner" cannot create resource "persistentvolumes" in API group "" at the cluster scope'
    pvc = c.get("PersistentVolumeClaim", "home-notebook-ana-0", ns)
    c.event(
        pvc,
        "Normal",
        "ExternalProvisioning",
        "Waiting for a volume to be created either by the external provisioner 'disk.csi.example.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
        c.ago(s=5),
        170,
        since,
        "persistentvolume-controller",
    )
    c.event(
        pvc,
        "Warning",
        "ProvisioningFailed",
        f"Error creating provisioned PV object for claim datalab/home-notebook-ana-0: {err}. Deleting the volume.",
        c.ago(m=1),
        15,
        since,
        "disk.csi.example.com_provisioner",
    )
    c.log(
        op.pods[0],
        "provisioner",
        c.spell(since, 60, lambda t: c.klog(t, "E", "controller.go:974", f'"Error syncing claim" err="{err}"')),
    )


@story(
    "chain-other-namespace",
    "A shared service in another namespace lost its endpoints by a renamed port",
    en="Logins to the tournament app fail. Tournament pods are all right, aren't they?",
    zh="锦标赛应用登录失败，但 tournament 的 Pod 不是都好好的吗？",
    causes=[cause("shared-auth/Service/token", "service_port_mismatch", "web-http|http")],
    spare=["tournament/Deployment/bracket", "shared-auth/Deployment/token"],
)
def chain_other_namespace(c):
    c.ns("shared-auth")
    c.app("shared-auth", "token", REG + "/auth/token:5.0.0", svc=None)
    c.svc("shared-auth", "token", [("http", 80, "web-http")])
    vip = c.get("Service", "token", "shared-auth")["spec"]["clusterIP"]
    ns = c.ns("tournament")
    w = c.app(
        ns,
        "bracket",
        REG + "/tournament/bracket:1.0.0",
        env={"TOKEN_URL": "http://token.shared-auth.svc.cluster.local"},
    )
    c.complains(
        w,
        c.ago(m=30),
        15,
        lambda t: jl(
            t,
            "error",
            "login failed",
            error=f'Post "http://token.shared-auth.svc.cluster.local/oauth": dial tcp {vip}:80: connect: connection refused',
        ),
    )


@story(
    "chain-external-dependency",
    "The database behind a selector-less Service refuses connections; it is outside the cluster",
    en="insurance-claims keeps crashing since 04:00. Roll back?",
    zh="insurance-claims 从凌晨四点起一直崩溃，要回滚吗？",
    causes=[cause("insurance/Service/claims-oracle", "crash_dependency", "10\\.0\\.60\\.12", "1521")],
    spare=["insurance/Deployment/insurance-claims"],
)
def chain_external_dependency(c):
    ns = c.ns("insurance")
    c.svc(ns, "claims-oracle", [("tns", 1521, 1521)], manual=[("10.0.60.12", 1521)])
    vip = c.get("Service", "claims-oracle", ns)["spec"]["clusterIP"]
    c.crash(
        ns,
        "insurance-claims",
        [web("claims", REG + "/insurance/claims:6.0.0", env={"DB_HOST": "claims-oracle"}, lim="1/512Mi")],
        lambda t: [
            sl(t + sec(2), "INFO", "claims", "main", "c.e.claims.Application", "Starting Application v6.0.0"),
            sl(
                t + sec(5),
                "ERROR",
                "claims",
                "main",
                "com.zaxxer.hikari.pool.HikariPool",
                "HikariPool-1 - Exception during pool initialization.",
            ),
            f"java.sql.SQLRecoverableException: IO Error: The Network Adapter could not establish the connection (claims-oracle/{vip}:1521 -> 10.0.60.12:1521: Connection refused)",
            sl(t + sec(6), "ERROR", "claims", "main", "o.s.boot.SpringApplication", "Application run failed"),
        ],
        c.ago(h=3),
        run=6,
        born=c.ago(d=25),
        svc=80,
    )


@story(
    "chain-evicted-db",
    "A node under memory pressure evicts the queue; publishers fail",
    en="print jobs are lost: spooler cannot reach the queue from time to time.",
    zh="打印任务丢失：spooler 时不时连不上队列。",
    causes=[cause("Node/node-6", "node_pressure", "MemoryPressure|memory|内存", "node-6")],
    spare=["printing/Deployment/spooler", "printing/StatefulSet/jobqueue"],
)
def chain_evicted_db(c):
    at = c.ago(m=15)
    c.node(
        "node-6",
        4,
        4,
        labels={"pool": "print"},
        conditions={
            "MemoryPressure": ("True", "KubeletHasInsufficientMemory", "kubelet has insufficient memory available", at)
        },
        taints=[{"effect": "NoSchedule", "key": "node.kubernetes.io/memory-pressure", "timeAdded": ts(at)}],
    )
    ns = c.ns("printing")
    msg = "The node was low on resource: memory. Threshold quantity: 100Mi, available: 78432Ki. Container jobqueue was using 402Mi, request is 64Mi, has larger consumption of memory. "
    pend = c.unsched(
        [
            (1, "node(s) had untolerated taint {node.kubernetes.io/memory-pressure: }"),
            (2, "node(s) didn't match Pod's node affinity/selector"),
        ],
        [(3, NO_HELP)],
    )
    sel = {"nodeSelector": {"pool": "print"}}
    main = ctr(
        "jobqueue", "docker.io/library/rabbitmq:4.1.4", ports=[("amqp", 5672)], req="50m/64Mi", ready=tcp("amqp")
    )
    w = c.unscheduled(ns, "jobqueue", [main], pend, at + sec(50), kind="sts", tmpl=sel)
    gone = {
        "apiVersion": "v1",
        "kind": "Pod",
        "namespace": ns,
        "name": "jobqueue-0",
        "uid": c.uid(),
        "resourceVersion": "9",
    }
    c.event(w.pods[0], "Warning", "Evicted", msg, at + sec(20), component="kubelet", host="node-6", ref=gone)
    c.event(
        c.nodes["node-6"]["obj"],
        "Warning",
        "EvictionThresholdMet",
        "Attempting to reclaim memory",
        c.ago(s=40),
        33,
        at,
        "kubelet",
        "node-6",
    )
    c.svc(ns, "jobqueue", [("amqp", 5672, "amqp")])
    vip = c.get("Service", "jobqueue", ns)["spec"]["clusterIP"]
    s = c.app(ns, "spooler", REG + "/printing/spooler:2.0.0", env={"AMQP_HOST": "jobqueue"})
    c.complains(
        s,
        at + sec(20),
        12,
        lambda t: jl(t, "error", "publish failed", error=f"dial tcp {vip}:5672: connect: connection refused"),
    )
