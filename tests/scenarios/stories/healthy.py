"""Nothing is wrong: noise of many kinds, and a nervous question."""
# ruff: noqa: E501

import datetime as dt

from tests.scenarios.builder import REG, ctr, dead, jl, pl, sec, sl, story, ts, up, v_cm, web


@story(
    "calm-jobs",
    "A CronJob failed twice last night and succeeded since; the failed Job is still listed",
    en="There is a failed job 'ledger-close' in bookkeeping with two red pods. What's broken?",
    zh="bookkeeping 里有个失败的 Job ledger-close，两个红色 Pod，哪里坏了？",
    spare=["books/CronJob/ledger-close"],
)
def calm_jobs(c):
    ns = c.ns("books")
    c.app(ns, "books-ui", REG + "/books/ui:1.0.0")
    js = c.job_spec([ctr("close", REG + "/books/close:2.0.0", req="50m/64Mi", lim="200m/128Mi")], backoff=1)
    last = c.ago(m=50)
    bad = last - dt.timedelta(hours=12)
    cj = c.cronjob(ns, "ledger-close", "0 */6 * * *", js, last=last, ok=last + sec(60))
    run = c.cron_run(
        cj,
        bad,
        fail=("BackoffLimitExceeded", "Job has reached the specified backoff limit", bad + sec(90)),
        pods=[
            {"created": bad + sec(40 * i), "cs": {"close": dead(1, bad + sec(2 + 40 * i), bad + sec(9 + 40 * i))}}
            for i in range(2)
        ],
    )
    for p in run.pods:
        c.log(p, "close", [pl(bad + sec(8), "ERROR", "close", "could not reach rates provider: HTTP 503, giving up")])
    for hours in (6, 0):
        c.cron_run(cj, last - dt.timedelta(hours=hours), took=50)


@story(
    "calm-oom",
    "A container was OOM-killed nine days ago; the limit was raised and it has run since",
    en="rowing-stats shows OOMKilled in its last state! Do we lose data?",
    zh="rowing-stats 的 last state 是 OOMKilled！会丢数据吗？",
    spare=["rowing/Deployment/rowing-stats"],
    metrics=True,
)
def calm_oom(c):
    ns = c.ns("rowing")
    c.with_usage = True
    kill = c.ago(d=9)
    c.app(
        ns,
        "rowing-stats",
        REG + "/rowing/stats:1.4.0",
        req="100m/512Mi",
        lim="500m/1Gi",
        created=c.ago(d=40),
        states=[
            {
                "created": c.ago(d=30),
                "cs": {"rowing-stats": up(kill + sec(2), 1, dead(137, c.ago(d=30), kill, "OOMKilled"))},
            }
        ],
        use={"rowing-stats": ("40m", "391Mi")},
    )


@story(
    "calm-rollout",
    "A rollout finished half an hour ago; old ReplicaSets are empty",
    en="I see three replicasets of kayak-api, two with zero pods. Did the release this afternoon fail?",
    zh="kayak-api 有三个 ReplicaSet，其中两个是 0 个 Pod，下午的发布失败了吗？",
    spare=["kayak/Deployment/kayak-api"],
)
def calm_rollout(c):
    ns = c.ns("kayak")
    at = c.ago(m=31)
    old = lambda v: [web("api", f"{REG}/kayak/api:{v}")]  # noqa: E731
    w = c.deploy(
        ns,
        "kayak-api",
        old("3.2.0"),
        2,
        created=c.ago(d=90),
        rolled=at,
        history=[
            {"containers": old("3.0.0"), "created": c.ago(d=50), "changed": c.ago(d=12)},
            {"containers": old("3.1.0"), "created": c.ago(d=12), "changed": at + sec(40)},
        ],
    )
    c.svc(ns, "kayak-api", [("http", 80, "http")])
    for p in w.pods:
        c.started(p, pulled="pull")
        c.kubelet(
            p,
            "Warning",
            "Unhealthy",
            f'Readiness probe failed: Get "http://{p["status"]["podIP"]}:8080/healthz": dial tcp {p["status"]["podIP"]}:8080: connect: connection refused',
            at + sec(7),
            2,
            container="api",
        )
        c.chatter(p, "api")
    c.scaled(w, f"Scaled down replica set {w.sets[1]['metadata']['name']} from 1 to 0", at + sec(38))


@story(
    "calm-hpa",
    "An autoscaler is at its maximum, and exactly on target",
    en="Our HPA for surf-cam is at max replicas. Is it overloaded?",
    zh="surf-cam 的 HPA 已经到最大副本数了，是过载了吗？",
    spare=["surf/HorizontalPodAutoscaler/surf-cam", "surf/Deployment/surf-cam"],
    metrics=True,
)
def calm_hpa(c):
    ns = c.ns("surf")
    c.with_usage = True
    c.app(ns, "surf-cam", REG + "/surf/cam:1.0.0", n=3, use={"surf-cam": ("61m", "100Mi")})
    c.hpa_ok(ns, "surf-cam", 1, 3, 3, 65, 61, "61m", last=c.ago(h=2))


@story(
    "calm-cordon",
    "A node is cordoned for announced maintenance; nothing waits for it",
    en="node-2 says SchedulingDisabled. Do we have an outage?",
    zh="node-2 显示 SchedulingDisabled，是出故障了吗？",
    spare=["Node/node-2", "sail/Deployment/sail-school"],
)
def calm_cordon(c):
    ns = c.ns("sail")
    c.app(ns, "sail-school", REG + "/sail/school:1.0.0", n=2, states=[{"node": "node-1"}, {"node": "node-2"}])
    n = c.nodes["node-2"]["obj"]
    n["spec"] |= {
        "unschedulable": True,
        "taints": [{"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "timeAdded": ts(c.ago(m=20))}],
    }
    n["metadata"]["annotations"]["maintenance.example.com/ticket"] = "CHG-5512 firmware, today, Rosa"


@story(
    "calm-evicted",
    "Pods that were evicted last week are still in the list",
    en="kubectl get pods in the mill namespace shows five Evicted pods. What is the problem with the nodes?",
    zh="mill 命名空间里有五个 Evicted 的 Pod，节点有什么问题？",
    spare=["mill/Deployment/grind", "Node/node-1"],
)
def calm_evicted(c):
    ns = c.ns("mill")
    gone = {
        "node": "node-1",
        "phase": "Failed",
        "reason": "Evicted",
        "message": "The node was low on resource: ephemeral-storage. Threshold quantity: 4294967296, available: 3908112Ki. ",
        "ip": False,
    }
    old = [
        {
            "created": c.ago(d=8) + sec(60 * i),
            "cs": {"grind": dead(137, c.ago(d=8) + sec(60 * i), c.ago(d=7) + sec(60 * i))},
            **gone,
        }
        for i in range(5)
    ]
    w = c.deploy(
        ns,
        "grind",
        [web("grind", REG + "/mill/grind:1.0.0")],
        2,
        created=c.ago(d=20),
        states=[*old, {"created": c.ago(d=7)}, {"created": c.ago(d=7) + sec(20)}],
    )
    c.svc(ns, "grind", [("http", 80, "http")])
    for p in w.pods[5:]:
        c.chatter(p, "grind")


@story(
    "calm-errors",
    "A log full of handled errors, retries and stack traces of user mistakes",
    en="The log of the tandem gateway is full of ERROR and timeouts. Please find the root cause.",
    zh="tandem 网关日志里全是 ERROR 和超时，请找出根因。",
    spare=["tandem/Deployment/gateway", "tandem/Deployment/riders"],
)
def calm_errors(c):
    ns = c.ns("tandem")
    c.app(ns, "riders", REG + "/tandem/riders:1.0.0")
    w = c.app(ns, "gateway", REG + "/tandem/gateway:2.0.0", lang="java")
    c.complains(
        w,
        c.ago(m=20),
        15,
        lambda t: c.rng.choice(
            [
                [
                    sl(
                        t,
                        "ERROR",
                        "gateway",
                        "nio-8080-exec-4",
                        "c.e.gw.Validation",
                        "rejecting request of client 9911: field 'date' is not a date",
                    ),
                    "com.example.gw.BadRequest: date",
                    "\tat com.example.gw.Validation.check(Validation.java:52)",
                ],
                [
                    sl(
                        t,
                        "WARN",
                        "gateway",
                        "nio-8080-exec-1",
                        "c.e.gw.Retry",
                        "riders answered after 2100 ms, attempt 1 timed out, attempt 2 succeeded",
                    )
                ],
                [sl(t, "INFO", "gateway", "nio-8080-exec-2", "c.e.gw.Access", "GET /riders 200 12ms")],
            ]
        ),
    )


@story(
    "calm-flaps",
    "Readiness flapped for two minutes an hour ago and recovered",
    en="Alert history: 'gondola not ready'. Is it still a problem?",
    zh="告警历史里有 gondola not ready，现在还有问题吗？",
    spare=["lift/Deployment/gondola"],
)
def calm_flaps(c):
    ns = c.ns("lift")
    w = c.app(ns, "gondola", REG + "/lift/gondola:1.0.0", n=2, created=c.ago(d=12))
    for p in w.pods:
        at = c.ago(m=58)
        c.kubelet(
            p,
            "Warning",
            "Unhealthy",
            f'Readiness probe failed: Get "http://{p["status"]["podIP"]}:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
            at,
            12,
            at - sec(115),
            "gondola",
        )
        for cond in p["status"]["conditions"]:
            if cond["type"] in ("Ready", "ContainersReady"):
                cond["lastTransitionTime"] = ts(at + sec(6))


@story(
    "calm-optional",
    "An optional ConfigMap and an optional Secret are not there; the pods run",
    en="dinghy-rental references a configmap and a secret that don't exist. That must be the reason for slow answers, right?",
    zh="dinghy-rental 引用了不存在的 configmap 和 secret，这肯定就是响应慢的原因吧？",
    spare=["dinghy/Deployment/dinghy-rental"],
)
def calm_optional(c):
    ns = c.ns("dinghy")
    main = web("rental", REG + "/dinghy/rental:1.0.0", mounts=[("extra", "/etc/extra", "ro")])
    main["envFrom"] = [{"secretRef": {"name": "dinghy-overrides", "optional": True}}]
    vol = v_cm("extra", "dinghy-banner")
    vol["configMap"]["optional"] = True
    w = c.deploy(ns, "dinghy-rental", [main], 1, tmpl={"volumes": [vol]})
    c.svc(ns, "dinghy-rental", [("http", 80, "http")])
    c.chatter(w.pods[0], "rental")


@story(
    "calm-pdb",
    "A budget allows no disruption, and nobody wants one",
    en="PDB of regatta-db shows ALLOWED DISRUPTIONS 0. What has to be repaired?",
    zh="regatta-db 的 PDB 显示 ALLOWED DISRUPTIONS 0，需要修什么？",
    spare=["regatta/PodDisruptionBudget/regatta-db", "regatta/StatefulSet/regatta-db"],
)
def calm_pdb(c):
    ns = c.ns("regatta")
    c.database(ns, "regatta-db")
    c.pdb(ns, "regatta-db", {"app": "regatta-db"}, 0, 1, 1, 1, min_av=1)


@story(
    "calm-pending",
    "A pod of a fresh rollout has been pending for five seconds",
    en="Pending pod in canoe! Did we run out of capacity?",
    zh="canoe 里有 Pending 的 Pod！是容量不够了吗？",
    spare=["canoe/Deployment/canoe-web"],
)
def calm_pending(c):
    ns = c.ns("canoe")
    at = c.ago(s=6)
    w = c.deploy(
        ns,
        "canoe-web",
        [web("web", REG + "/canoe/web:1.1.0")],
        2,
        created=c.ago(d=30),
        rolled=at,
        progress="updating",
        states=[{"created": at, "sandbox": False}],
        history=[
            {
                "containers": [web("web", REG + "/canoe/web:1.0.0")],
                "created": c.ago(d=9),
                "changed": at,
                "states": [{"created": c.ago(d=9)}, {"created": c.ago(d=9) + sec(5)}],
                "want": 2,
            }
        ],
    )
    c.svc(ns, "canoe-web", [("http", 80, "http")])
    c.scaled(w, f"Scaled up replica set {w.sets[-1]['metadata']['name']} from 0 to 1", at)


@story(
    "calm-pullback",
    "An image could not be pulled for a minute while the registry restarted; all pods run now",
    en="Events in yacht show ErrImagePull and ImagePullBackOff. Which image is missing?",
    zh="yacht 的事件里有 ErrImagePull 和 ImagePullBackOff，缺哪个镜像？",
    spare=["yacht/Deployment/yacht-plan"],
)
def calm_pullback(c):
    ns = c.ns("yacht")
    at = c.ago(m=26)
    img = REG + "/yacht/plan:4.0.0"
    w = c.deploy(
        ns, "yacht-plan", [web("plan", img)], 1, created=at, states=[{"created": at, "cs": {"plan": up(at + sec(96))}}]
    )
    c.svc(ns, "yacht-plan", [("http", 80, "http")], created=at)
    p = w.pods[0]
    c.kubelet(
        p,
        "Warning",
        "Failed",
        f'Failed to pull image "{img}": failed to pull and unpack image "{img}": failed to resolve reference "{img}": unexpected status from HEAD request to https://registry.example.com/v2/yacht/plan/manifests/4.0.0: 502 Bad Gateway',
        at + sec(40),
        3,
        at + sec(2),
        "plan",
    )
    c.kubelet(p, "Warning", "Failed", "Error: ImagePullBackOff", at + sec(60), 4, at + sec(5), "plan")
    c.kubelet(
        p,
        "Normal",
        "Pulled",
        f'Successfully pulled image "{img}" in 2.1s (2.1s including waiting). Image size: 61440213 bytes.',
        at + sec(94),
        container="plan",
    )
    c.kubelet(p, "Normal", "Started", "Started container plan", at + sec(96), container="plan")
    c.chatter(p, "plan")


@story(
    "calm-manual",
    "A Service without selector has its endpoints by hand; another is an external name; a third is headless",
    en="The service mainframe in canal has no selector and therefore no pods. Is that why the barge app shows warnings?",
    zh="canal 里的 mainframe 服务没有 selector 也就没有 Pod，barge 应用有告警是因为这个吗？",
    spare=["canal/Service/mainframe", "canal/Service/weather", "canal/Deployment/barge"],
)
def calm_manual(c):
    ns = c.ns("canal")
    c.svc(ns, "mainframe", [("tn", 2323, 2323)], manual=[("10.0.50.11", 2323)])
    at = c.ago(d=70)
    c.make(
        "v1",
        "Service",
        "weather",
        ns,
        at,
        {
            "spec": {"externalName": "api.weather.example.org", "sessionAffinity": "None", "type": "ExternalName"},
            "status": {"loadBalancer": {}},
        },
    )
    c.sts(ns, "lockgate", [web("gate", REG + "/canal/gate:1.0.0")], 1)
    c.svc(ns, "lockgate", [("http", 80, "http")], headless=True)
    w = c.app(
        ns, "barge", REG + "/canal/barge:2.0.0", env={"MAINFRAME": "mainframe:2323", "WEATHER_URL": "https://weather"}
    )
    c.complains(
        w,
        c.ago(m=15),
        60,
        lambda t: jl(t, "warn" if c.rng.random() < 0.2 else "info", "position stored", lag_ms=c.rng.randint(20, 900)),
    )


@story(
    "calm-zero",
    "A preview environment is scaled to zero by KEDA, as intended",
    en="raft-preview has zero replicas. Somebody scaled it down by mistake?",
    zh="raft-preview 是零副本，是有人误缩容了吗？",
    spare=["raft/Deployment/raft-preview"],
)
def calm_zero(c):
    ns = c.ns("raft")
    c.crd("scaledobjects", "keda.sh", "ScaledObject", version="v1alpha1")
    at = c.ago(h=20)
    conds = [
        {
            "message": "ScaledObject is defined correctly and is ready for scaling",
            "reason": "ScaledObjectReady",
            "status": "True",
            "type": "Ready",
        },
        {
            "message": "Scaling is not performed because triggers are not active",
            "reason": "ScalerNotActive",
            "status": "False",
            "type": "Active",
        },
    ]
    c.make(
        "keda.sh/v1alpha1",
        "ScaledObject",
        "raft-preview",
        ns,
        c.ago(d=20),
        {
            "spec": {
                "maxReplicaCount": 3,
                "minReplicaCount": 0,
                "scaleTargetRef": {"name": "raft-preview"},
                "triggers": [{"type": "rabbitmq", "metadata": {"queueName": "previews"}}],
            },
            "status": {"conditions": conds, "scaleTargetKind": "apps/v1.Deployment", "originalReplicaCount": 1},
        },
    )
    w = c.deploy(
        ns,
        "raft-preview",
        [ctr("preview", REG + "/raft/preview:1.0.0", req="50m/64Mi", lim="200m/128Mi")],
        0,
        created=c.ago(d=20),
        obj_labels={"app": "raft-preview", "scaledobject.keda.sh/name": "raft-preview"},
    )
    c.event(
        w.obj,
        "Normal",
        "ScalingReplicaSet",
        f"Scaled down replica set {w.sets[0]['metadata']['name']} from 1 to 0",
        at,
        component="deployment-controller",
    )
    c.app(ns, "raft", REG + "/raft/raft:1.0.0")


@story(
    "calm-suspended",
    "A CronJob is suspended until next season, as its annotation says",
    en="The ski-report cron job has not run since spring. Is the scheduler broken?",
    zh="ski-report 定时任务从春天起就没跑过，是调度器坏了吗？",
    spare=["resort/CronJob/ski-report"],
)
def calm_suspended(c):
    ns = c.ns("resort")
    c.app(ns, "resort-web", REG + "/resort/web:1.0.0")
    js = c.job_spec([ctr("report", REG + "/resort/report:1.0.0", req="50m/64Mi", lim="200m/128Mi")])
    at = c.ago(d=120)
    c.cronjob(
        ns,
        "ski-report",
        "0 5 * * *",
        js,
        last=at,
        ok=at + sec(30),
        suspend=True,
        gen=2,
        changed=at + sec(900),
        annotations={
            "example.com/suspended-reason": "summer season, suspended on purpose until 2026-12-01 (team resort)"
        },
    )


@story(
    "calm-reboot",
    "A node rebooted three hours ago, everything came back",
    en="All pods on node-2 have one restart with exit code 255. Is something crashing?",
    zh="node-2 上所有 Pod 都有一次退出码 255 的重启，是有什么在崩溃吗？",
    spare=["Node/node-2", "pier/Deployment/pier-web", "pier/StatefulSet/pier-db"],
)
def calm_reboot(c):
    c.reboots["node-2"] = c.ago(h=3)
    ns = c.ns("pier")
    c.app(
        ns,
        "pier-web",
        REG + "/pier/web:1.0.0",
        n=2,
        created=c.ago(d=20),
        states=[{"node": "node-1"}, {"node": "node-2"}],
    )
    c.sts(
        ns,
        "pier-db",
        [ctr("db", "docker.io/library/postgres:17.6", ports=[("pg", 5432)], req="100m/128Mi", lim="-/256Mi")],
        1,
        created=c.ago(d=20),
        states=[{"node": "node-2"}],
    )
    c.event(
        c.nodes["node-2"]["obj"],
        "Warning",
        "Rebooted",
        "Node node-2 has been rebooted, boot id: 1f2e",
        c.ago(h=3),
        component="kubelet",
        host="node-2",
    )


@story(
    "calm-init",
    "An init container waited four minutes for a database and then went on",
    en="ferryman logs 'connection refused' dozens of times in its init container. Database down?",
    zh="ferryman 的 init 容器里几十条 connection refused，数据库挂了吗？",
    spare=["ferryman/Deployment/ferryman", "ferryman/StatefulSet/ferry-db"],
)
def calm_init(c):
    ns = c.ns("ferryman")
    at = c.ago(h=4)
    c.database(ns, "ferry-db", created=at)
    init = [
        ctr(
            "wait-db",
            "docker.io/library/busybox:1.37.0",
            cmd=["sh", "-c", "until nc -z ferry-db 5432; do echo refused; sleep 5; done"],
        )
    ]
    w = c.deploy(
        ns,
        "ferryman",
        [web("ferryman", REG + "/ferryman/app:1.0.0")],
        1,
        created=at,
        tmpl={"init": init},
        states=[{"created": at, "ics": {"wait-db": dead(0, at + sec(3), at + sec(244))}}],
    )
    c.svc(ns, "ferryman", [("http", 80, "http")])
    c.log(w.pods[0], "wait-db", ["nc: ferry-db: Connection refused", "refused"] * 48)
    c.chatter(w.pods[0], "ferryman")


@story(
    "calm-class",
    "A claim waits for its first consumer, as its class says",
    en="PVC scratch-pad in darkroom is Pending since yesterday.",
    zh="darkroom 里的 PVC scratch-pad 从昨天起就是 Pending。",
    spare=["darkroom/PersistentVolumeClaim/scratch-pad", "darkroom/Deployment/enlarger"],
)
def calm_class(c):
    ns = c.ns("darkroom")
    c.app(ns, "enlarger", REG + "/darkroom/enlarger:1.0.0")
    at = c.ago(h=23)
    pvc = c.pvc(ns, "scratch-pad", "5Gi", "standard", created=at, bound=False)
    c.event(
        pvc,
        "Normal",
        "WaitForFirstConsumer",
        "waiting for first consumer to be created before binding",
        c.ago(s=11),
        5500,
        at,
        "persistentvolume-controller",
    )


@story(
    "calm-default-backend",
    "An Ingress has only a default backend and no host; its address is there",
    en="The catch-all ingress has no rules at all, is it broken? We saw some 404s.",
    zh="catch-all 这个 Ingress 一条规则都没有，是坏了吗？我们看到一些 404。",
    spare=[
        "front/Ingress/catch-all",
        "front/Deployment/sorry-page",
        "ingress-nginx/Deployment/ingress-nginx-controller",
    ],
    ingress=True,
)
def calm_default_backend(c):
    ns = c.ns("front")
    c.app(ns, "sorry-page", REG + "/front/sorry:1.0.0", lang="nginx")
    i = c.ingress(ns, "catch-all", [], address=c.lb_ip)
    i["spec"] = {
        "ingressClassName": "nginx",
        "defaultBackend": {"service": {"name": "sorry-page", "port": {"number": 80}}},
    }


@story(
    "calm-netpol",
    "A strict policy that allows exactly what is needed",
    en="A NetworkPolicy with deny all appeared in the notary namespace. Did it break anything?",
    zh="notary 命名空间出现了一个 deny all 的 NetworkPolicy，它弄坏什么了吗？",
    spare=["notary/NetworkPolicy/deny-all", "notary/NetworkPolicy/allow-needed", "notary/Deployment/seal"],
)
def calm_netpol(c):
    ns = c.ns("notary")
    c.netpol(ns, "deny-all", {}, ["Ingress", "Egress"], created=c.ago(h=7))
    dns = {"ports": [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]}
    c.netpol(
        ns,
        "allow-needed",
        {},
        ["Ingress", "Egress"],
        ingress=[{"from": [{"podSelector": {}}]}],
        egress=[dns, {"to": [{"podSelector": {}}]}],
        created=c.ago(h=7),
    )
    c.database(ns, "seal-db")
    c.app(ns, "seal", REG + "/notary/seal:1.0.0", env={"DB_HOST": "seal-db"})
