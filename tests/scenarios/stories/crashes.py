"""Containers that end by themselves: application errors, commands, environment, configuration, certificates, rights."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, jl, pl, sec, sl, story, ts, v_cm, v_secret, web
from tests.scenarios.builder.certificates import pem


@story(
    "tariff-panic",
    "A Go service panics on a nil pointer in its new version",
    en="Fare quotes are dead since the tariff release. What is going on?",
    zh="tariff 发版之后报价服务就挂了，怎么回事？",
    causes=[cause("transit/Deployment/tariff", "crash_app_error", "nil pointer|zones\\.go")],
    spare=["transit/Deployment/stops"],
    remedy=("rollout_undo", "transit/Deployment/tariff"),
)
def tariff_panic(c):
    ns = c.ns("transit")
    c.app(ns, "stops", REG + "/transit/stops:3.3.0")
    c.crash(
        ns,
        "tariff",
        [web("tariff", REG + "/transit/tariff:9.2.0")],
        lambda t: [
            jl(t + sec(1), "info", "tariff 9.2.0 starting"),
            jl(t + sec(1), "info", "loaded 412 zones"),
            "panic: runtime error: invalid memory address or nil pointer dereference",
            "[signal SIGSEGV: segmentation violation code=0x1 addr=0x18 pc=0x8a3f1c]",
            "",
            "goroutine 1 [running]:",
            "example.com/transit/tariff/zones.(*Table).Compile(0x0)",
            "\t/src/zones/zones.go:88 +0x1c",
            "main.main()",
            "\t/src/main.go:41 +0x2f4",
        ],
        c.ago(m=26),
        code=2,
        old=[web("tariff", REG + "/transit/tariff:9.1.7")],
        svc=80,
    )


@story(
    "migration-node",
    "A Node application exits because a module is missing from the image",
    en="seat-map pods come up and die at once, since the last deploy. No idea why.",
    zh="上次部署之后 seat-map 的 Pod 一启动就死，不知道为什么。",
    causes=[cause("arena/Deployment/seat-map", "crash_app_error", "Cannot find module|ioredis-lock")],
    spare=["arena/StatefulSet/session-redis"],
)
def migration_node(c):
    ns = c.ns("arena")
    c.database(ns, "session-redis", "docker.io/library/redis:7.4.5", 6379, path="/data")
    c.crash(
        ns,
        "seat-map",
        [web("seat-map", REG + "/arena/seat-map:2.7.0", env={"REDIS_HOST": "session-redis"})],
        lambda t: [
            "node:internal/modules/cjs/loader:1404",
            "  throw err;",
            "  ^",
            "",
            "Error: Cannot find module 'ioredis-lock'",
            "Require stack:",
            "- /srv/app/lib/reserve.js",
            "- /srv/app/server.js",
            "    at Function._resolveFilename (node:internal/modules/cjs/loader:1401:15)",
            "  code: 'MODULE_NOT_FOUND',",
            "}",
            "",
            "Node.js v22.20.0",
        ],
        c.ago(m=44),
        n=2,
        old=[web("seat-map", REG + "/arena/seat-map:2.6.9")],
        svc=80,
    )


@story(
    "cargo-argument",
    "An entry point script that is not executable",
    en="customs-batch shows RunContainerError / CrashLoopBackOff. Yesterday it was fine.",
    zh="customs-batch 显示 RunContainerError / CrashLoopBackOff，昨天还是好的。",
    causes=[
        cause(
            "customs/Deployment/customs-batch", "crash_bad_command", "/opt/run-batch\\.sh", "permission denied|权限|126"
        )
    ],
    spare=["customs/Deployment/customs-ui"],
)
def cargo_argument(c):
    ns = c.ns("customs")
    c.app(ns, "customs-ui", REG + "/customs/ui:1.12.0", lang="nginx")
    msg = 'failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: unable to start container process: error during container init: exec: "/opt/run-batch.sh": permission denied: unknown'
    main = ctr("batch", REG + "/customs/batch:4.1.0", cmd=["/opt/run-batch.sh"], req="50m/64Mi", lim="200m/128Mi")
    w = c.crash(
        ns,
        "customs-batch",
        [main],
        None,
        c.ago(m=21),
        code=126,
        run=0.3,
        reason="StartError",
        message=msg,
        old=[ctr("batch", REG + "/customs/batch:4.0.8", req="50m/64Mi", lim="200m/128Mi")],
    )
    c.kubelet(w.pods[-1], "Warning", "Failed", "Error: " + msg, c.ago(m=2), 9, c.ago(m=21), "batch")


@story(
    "flag-typo",
    "An unknown flag ends the process with its usage text",
    en="The rate limiter in the edge namespace keeps restarting since we turned on the new option.",
    zh="打开新选项后 edge 命名空间的限流服务一直重启。",
    causes=[cause("edge/Deployment/limiter", "crash_bad_command", "--burst-windw")],
    spare=["edge/Deployment/geo-router"],
)
def flag_typo(c):
    ns = c.ns("edge")
    c.app(ns, "geo-router", REG + "/edge/geo-router:2.0.0")
    c.crash(
        ns,
        "limiter",
        [web("limiter", REG + "/edge/limiter:1.3.1", args=["--listen=:8080", "--burst-windw=30s"])],
        lambda t: [
            "flag provided but not defined: -burst-windw",
            "Usage of /limiter:",
            "  -burst-window duration",
            "    \tlength of the window (default 10s)",
            "  -listen string",
            '    \taddress (default ":8080")',
        ],
        c.ago(m=18),
        code=2,
        run=0.5,
        old=[web("limiter", REG + "/edge/limiter:1.3.1", args=["--listen=:8080"])],
        svc=80,
    )


@story(
    "vault-address",
    "An environment variable has an impossible value",
    en="Gift card redemption is failing for twenty minutes. Please check giftcards.",
    zh="礼品卡兑换已经失败二十分钟了，请检查 giftcards。",
    causes=[cause("promo/Deployment/giftcards", "crash_missing_env", "MAX_REDEMPTIONS")],
    spare=["promo/Deployment/coupons"],
    remedy=("set_env", "promo/Deployment/giftcards"),
)
def vault_address(c):
    ns = c.ns("promo")
    c.app(ns, "coupons", REG + "/promo/coupons:5.5.1", lang="java")
    img = REG + "/promo/giftcards:3.2.0"
    c.crash(
        ns,
        "giftcards",
        [web("giftcards", img, env={"MAX_REDEMPTIONS": "ten", "CURRENCY": "CHF"})],
        lambda t: [
            sl(
                t + sec(2),
                "INFO",
                "giftcards",
                "main",
                "c.e.gift.Application",
                "Starting Application v3.2.0 using Java 21.0.8",
            ),
            sl(t + sec(4), "ERROR", "giftcards", "main", "o.s.boot.SpringApplication", "Application run failed"),
            "java.lang.IllegalStateException: environment variable MAX_REDEMPTIONS must be a number, got 'ten'",
            "\tat com.example.gift.Limits.fromEnv(Limits.java:29)",
            'Caused by: java.lang.NumberFormatException: For input string: "ten"',
            "\tat java.base/java.lang.Integer.parseInt(Integer.java:668)",
        ],
        c.ago(m=23),
        run=5,
        old=[web("giftcards", img, env={"MAX_REDEMPTIONS": "10", "CURRENCY": "CHF"})],
        svc=80,
    )


@story(
    "harvest-env",
    "A required variable was never set in this environment",
    en="We set up harvest-sync in staging half an hour ago; it does not stay up.",
    zh="半小时前在 staging 部署 harvest-sync，一直起不来。",
    causes=[cause("staging/Deployment/harvest-sync", "crash_missing_env", "FARM_API_TOKEN")],
    spare=["staging/Secret/farm-api"],
    remedy=("set_env", "staging/Deployment/harvest-sync"),
)
def harvest_env(c):
    ns = c.ns("staging")
    c.secret(ns, "farm-api", {"token": "abc-not-real"})
    c.crash(
        ns,
        "harvest-sync",
        [
            ctr(
                "sync",
                REG + "/farm/harvest-sync:0.6.2",
                env={"FARM_API_URL": "https://farm.example.net"},
                req="20m/64Mi",
                lim="100m/128Mi",
            )
        ],
        lambda t: [
            pl(t + sec(1), "INFO", "harvest", "harvest-sync 0.6.2"),
            pl(
                t + sec(1),
                "CRITICAL",
                "harvest.config",
                "required environment variable FARM_API_TOKEN is not set, exiting",
            ),
        ],
        c.ago(m=29),
    )


@story(
    "turnstile-nginx",
    "An nginx ConfigMap was edited with a missing semicolon and the pods restarted with the node",
    en="The turnstile gateway is in CrashLoopBackOff since the node was rebooted for patches. A kernel problem?",
    zh="节点打补丁重启后 turnstile 网关一直 CrashLoopBackOff，是内核问题吗？",
    causes=[
        cause(
            "gates/ConfigMap/turnstile-nginx",
            "crash_bad_config",
            "default\\.conf|server_name|line 4|:4|unexpected|directive",
        )
    ],
    spare=["gates/Deployment/turnstile", "Node/node-1", "Node/node-2"],
)
def turnstile_nginx(c):
    ns = c.ns("gates")
    c.cm(
        ns,
        "turnstile-nginx",
        {
            "default.conf": "server {\n  listen 8080;\n  server_name turnstile.example.com\n  location / { proxy_pass http://controller:9000; }\n}\n"
        },
        changed=c.ago(h=20),
    )
    main = ctr(
        "nginx",
        "docker.io/library/nginx:1.29.1",
        ports=[("http", 8080)],
        req="50m/32Mi",
        lim="200m/64Mi",
        mounts=[("conf", "/etc/nginx/conf.d", "ro")],
    )
    c.crash(
        ns,
        "turnstile",
        [main],
        lambda t: [
            "/docker-entrypoint.sh: Configuration complete; ready for start up",
            f'{t.strftime("%Y/%m/%d %H:%M:%S")} [emerg] 1#1: directive "server_name" is not terminated by ";" in /etc/nginx/conf.d/default.conf:4',
            'nginx: [emerg] directive "server_name" is not terminated by ";" in /etc/nginx/conf.d/default.conf:4',
        ],
        c.ago(m=36),
        run=0.6,
        n=2,
        born=c.ago(d=14),
        svc=80,
        tmpl={"volumes": [v_cm("conf", "turnstile-nginx")]},
    )
    c.app(ns, "controller", REG + "/gates/controller:2.0.3", 9000)


@story(
    "ledger-secret",
    "A rotated password in a Secret no longer fits the database",
    en="Billing exports crash after the password rotation tonight, is Postgres down?",
    zh="今晚轮换密码之后账单导出一直崩溃，是 Postgres 挂了吗？",
    causes=[cause("billing/Secret/export-db", "crash_bad_config", "export-db|password|密码|认证")],
    spare=["billing/StatefulSet/billing-pg", "billing/Deployment/billing-export"],
)
def ledger_secret(c):
    ns = c.ns("billing")
    since = c.ago(m=47)
    c.secret(
        ns, "export-db", {"DB_USER": "exporter", "DB_PASSWORD": "summer-2026"}, created=c.ago(d=120), changed=since
    )
    db = c.database(ns, "billing-pg")
    line = 'FATAL:  password authentication failed for user "exporter"'
    c.log(
        db.pods[0],
        "pg",
        c.spell(since, 130, lambda t: f"{t.strftime('%Y-%m-%d %H:%M:%S.412 UTC')} [{c.rng.randint(200, 9000)}] {line}"),
    )
    main = web(
        "export", REG + "/billing/export:7.7.0", env={"DB_HOST": "billing-pg"}, env_from=[("secret", "export-db")]
    )
    w = c.crash(
        ns,
        "billing-export",
        [main],
        lambda t: [
            pl(t + sec(1), "INFO", "export", "connecting to billing-pg:5432 as exporter"),
            "Traceback (most recent call last):",
            '  File "/app/export/db.py", line 33, in connect',
            "    return psycopg.connect(dsn)",
            'psycopg.OperationalError: connection failed: connection to server at "10.244.1.31", port 5432 failed: FATAL:  password authentication failed for user "exporter"',
        ],
        since + sec(40),
        old=[main],
        tannot={"kubectl.kubernetes.io/restartedAt": ts(since + sec(35))},
    )
    c.audit(since, "system:serviceaccount:security:secret-rotator", "patch", "secrets", ns, "export-db")
    c.scaled(w, f"Scaled up replica set {w.sets[-1]['metadata']['name']} from 0 to 1", since + sec(36))


@story(
    "mtls-expired",
    "A client certificate in a Secret ran out this morning",
    en="The clinic gateway refuses to start since about an hour, nobody deployed anything.",
    zh="诊所网关一小时前开始起不来，没人发过版。",
    causes=[cause("clinic/Secret/gateway-tls", "crash_cert_expired", "expired|过期|NotAfter|notAfter")],
    spare=["clinic/Deployment/clinic-gateway"],
)
def mtls_expired(c):
    ns = c.ns("clinic")
    end = c.ago(h=1, m=10)
    crt, key = pem("gateway.clinic.example.com", end.replace(year=end.year - 1), end, c.name)
    c.secret(ns, "gateway-tls", {"tls.crt": crt, "tls.key": key}, typ="kubernetes.io/tls", created=c.ago(d=200))
    main = web("gateway", REG + "/clinic/gateway:4.4.2", mounts=[("tls", "/etc/tls", "ro")])
    c.crash(
        ns,
        "clinic-gateway",
        [main],
        lambda t: [
            jl(t + sec(1), "info", "clinic gateway 4.4.2"),
            jl(
                t + sec(1),
                "fatal",
                "tls: refusing to serve",
                error=f"x509: certificate has expired or is not yet valid: current time {ts(t)} is after {ts(end)}",
                file="/etc/tls/tls.crt",
            ),
        ],
        c.ago(m=58),
        run=1,
        born=c.ago(d=30),
        svc=443,
        tmpl={"volumes": [v_secret("tls", "gateway-tls")]},
    )


@story(
    "readonly-root",
    "A read-only root filesystem without a writable temporary folder",
    en="Security hardened the report renderer yesterday night, since then it crash loops.",
    zh="昨晚安全团队加固了报表渲染服务，之后就一直崩溃重启。",
    causes=[
        cause("reports/Deployment/renderer", "crash_permission", "[Rr]ead-only|readOnlyRootFilesystem|只读", "/tmp")
    ],
    spare=["reports/Deployment/report-index"],
)
def readonly_root(c):
    ns = c.ns("reports")
    c.app(ns, "report-index", REG + "/reports/index:1.0.0")
    old = web("renderer", REG + "/reports/renderer:2.5.0")
    c.crash(
        ns,
        "renderer",
        [
            dict(
                old,
                securityContext={
                    "allowPrivilegeEscalation": False,
                    "readOnlyRootFilesystem": True,
                    "runAsNonRoot": True,
                    "runAsUser": 1000,
                },
            )
        ],
        lambda t: [
            pl(t + sec(1), "INFO", "renderer", "preparing font cache"),
            "Traceback (most recent call last):",
            '  File "/app/renderer/fonts.py", line 19, in prepare',
            "    os.makedirs('/tmp/fontcache')",
            "OSError: [Errno 30] Read-only file system: '/tmp/fontcache'",
        ],
        c.ago(h=9),
        old=[old],
        svc=80,
    )


@story(
    "volume-owner",
    "A data folder belongs to another user than the one the container runs as",
    en="The audit trail writer cannot come up after the image was changed to run as non-root.",
    zh="镜像改成非 root 运行之后，审计写入服务起不来了。",
    causes=[
        cause("trail/StatefulSet/trail-writer", "crash_permission", "[Pp]ermission denied|fsGroup|权限", "/var/trail")
    ],
    spare=["trail/PersistentVolumeClaim/data-trail-writer-0"],
)
def volume_owner(c):
    ns = c.ns("trail")
    main = ctr(
        "writer",
        REG + "/trail/writer:5.0.0",
        req="50m/64Mi",
        lim="200m/128Mi",
        mounts=[("data", "/var/trail")],
        sc={"runAsUser": 10001, "runAsNonRoot": True},
    )
    c.crash(
        ns,
        "trail-writer",
        [main],
        lambda t: [
            jl(t + sec(1), "info", "writer 5.0.0", uid=10001),
            jl(
                t + sec(1),
                "fatal",
                "cannot open segment",
                error="open /var/trail/segment-000217.log: permission denied",
            ),
        ],
        c.ago(h=1, m=2),
        kind="sts",
        vct="data",
        run=1,
    )
    c.app(ns, "trail-viewer", REG + "/trail/viewer:1.1.1", lang="node")


@story(
    "dependency-rabbit",
    "Workers crash because the message broker has no running pod: it was scaled to zero",
    en="All notification workers are crash looping for half an hour. Roll back notification-worker?",
    zh="notification-worker 半小时来一直崩溃重启，要不要回滚它？",
    causes=[cause("notify/StatefulSet/rabbit", "scaled_to_zero", "rabbit", "\\b0\\b|zero|零")],
    spare=["notify/Deployment/notification-worker", "notify/Service/rabbit"],
    remedy=("scale", "notify/StatefulSet/rabbit"),
)
def dependency_rabbit(c):
    ns = c.ns("notify")
    since = c.ago(m=34)
    c.sts(
        ns,
        "rabbit",
        [
            ctr(
                "rabbitmq",
                "docker.io/library/rabbitmq:4.1.4",
                ports=[("amqp", 5672)],
                req="100m/256Mi",
                lim="-/512Mi",
                ready={
                    "tcpSocket": {"port": "amqp"},
                    "periodSeconds": 10,
                    "timeoutSeconds": 1,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                },
            )
        ],
        0,
        created=c.ago(d=100),
        gen=4,
        rolled=since,
    )
    c.svc(ns, "rabbit", [("amqp", 5672, "amqp")])
    vip = c.get("Service", "rabbit", ns)["spec"]["clusterIP"]
    c.event(
        c.get("StatefulSet", "rabbit", ns),
        "Normal",
        "SuccessfulDelete",
        "delete Pod rabbit-0 in StatefulSet rabbit successful",
        since,
        component="statefulset-controller",
    )
    c.crash(
        ns,
        "notification-worker",
        [
            ctr(
                "worker",
                REG + "/notify/worker:3.8.1",
                env={"AMQP_URL": "amqp://rabbit:5672"},
                req="50m/96Mi",
                lim="200m/192Mi",
            )
        ],
        lambda t: [
            jl(t + sec(1), "info", "connecting", url="amqp://rabbit:5672"),
            jl(t + sec(4), "fatal", "broker unreachable", error=f"dial tcp {vip}:5672: connect: connection refused"),
        ],
        since + sec(20),
        n=2,
        run=4,
        born=c.ago(d=6),
    )
    c.audit(
        since,
        "lena@example.com",
        "patch",
        "statefulsets",
        ns,
        "rabbit",
        "apps",
        sub="scale",
        req={"spec": {"replicas": 0}},
    )


@story(
    "dependency-outside",
    "A worker exits because an external host that it needs does not exist in DNS any more",
    en="currency-import dies every couple of minutes. Our DNS seems to have problems?",
    zh="currency-import 每几分钟就挂一次，是不是集群 DNS 有问题？",
    causes=[cause("fx/Deployment/currency-import", "dns_name_unresolvable", "rates-v1\\.example\\.org")],
    spare=["kube-system/Deployment/coredns", "kube-system/ConfigMap/coredns"],
)
def dependency_outside(c):
    ns = c.ns("fx")
    c.app(ns, "fx-board", REG + "/fx/board:1.4.0", lang="python")
    c.crash(
        ns,
        "currency-import",
        [
            ctr(
                "import",
                REG + "/fx/import:2.2.2",
                env={"RATES_HOST": "rates-v1.example.org"},
                req="20m/64Mi",
                lim="100m/128Mi",
            )
        ],
        lambda t: [
            pl(t + sec(1), "INFO", "import", "fetching https://rates-v1.example.org/daily.json"),
            "urllib3.exceptions.NameResolutionError: <urllib3.connection.HTTPSConnection object at 0x7f2c>: Failed to resolve 'rates-v1.example.org' ([Errno -2] Name or service not known)",
        ],
        c.ago(h=2),
        run=3,
        born=c.ago(d=40),
    )


@story(
    "queue-dependency",
    "A service exits because the database it needs crashes on a broken setting of its own",
    en="visitor-log is crash looping in front-desk. Its developers swear that nothing changed.",
    zh="front-desk 里的 visitor-log 一直崩溃重启，开发发誓什么都没改。",
    causes=[cause("front-desk/ConfigMap/desk-pg-conf", "crash_bad_config", "shared_bufers|postgresql\\.conf")],
    spare=["front-desk/Deployment/visitor-log", "front-desk/StatefulSet/desk-pg", "front-desk/Service/desk-pg"],
)
def queue_dependency(c):
    ns = c.ns("front-desk")
    since = c.ago(m=41)
    c.cm(
        ns,
        "desk-pg-conf",
        {"postgresql.conf": "listen_addresses = '*'\nmax_connections = 80\nshared_bufers = 128MB\n"},
        changed=since - sec(90),
    )
    main = ctr(
        "postgres",
        "docker.io/library/postgres:17.6",
        ports=[("pg", 5432)],
        args=["-c", "config_file=/etc/pg/postgresql.conf"],
        req="100m/256Mi",
        lim="-/512Mi",
        mounts=[("conf", "/etc/pg", "ro"), ("data", "/var/lib/postgresql/data")],
    )
    c.crash(
        ns,
        "desk-pg",
        [main],
        lambda t: [
            f'{t.strftime("%Y-%m-%d %H:%M:%S.102 UTC")} [1] LOG:  unrecognized configuration parameter "shared_bufers" in file "/etc/pg/postgresql.conf" line 3',
            f'{t.strftime("%Y-%m-%d %H:%M:%S.103 UTC")} [1] FATAL:  configuration file "/etc/pg/postgresql.conf" contains errors',
        ],
        since,
        kind="sts",
        born=c.ago(d=30),
        vct="data",
        run=0.6,
        tmpl={"volumes": [v_cm("conf", "desk-pg-conf")]},
    )
    c.svc(ns, "desk-pg", [("pg", 5432, "pg")])
    vip = c.get("Service", "desk-pg", ns)["spec"]["clusterIP"]
    c.crash(
        ns,
        "visitor-log",
        [web("visitor-log", REG + "/desk/visitor-log:1.9.4", env={"DATABASE_HOST": "desk-pg"})],
        lambda t: [
            jl(t + sec(1), "info", "visitor-log starting"),
            jl(t + sec(3), "error", "startup failed", err=f"connect ECONNREFUSED {vip}:5432"),
        ],
        since + sec(25),
        born=c.ago(d=30),
        svc=80,
    )
