"""One cause, well hidden: loud neighbours, innocent deployments, old restarts, the wrong party blamed."""
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
    ts,
    up,
    v_cm,
    v_secret,
    web,
    zl,
)
from tests.scenarios.builder.certificates import pem
from tests.scenarios.stories.admission import webhook
from tests.scenarios.stories.images import NOT_FOUND

NO_HELP = "Preemption is not helpful for scheduling"


@story(
    "decoy-release",
    "The web tier was released ten minutes ago, but the API lost its selector forty minutes ago",
    en="The release of aquarium-web ten minutes ago broke the visitor counter. Please roll it back.",
    zh="十分钟前 aquarium-web 的发版弄坏了访客计数，请回滚。",
    causes=[cause("aquarium/Service/counter", "service_selector_mismatch", "component")],
    spare=["aquarium/Deployment/aquarium-web", "aquarium/Deployment/counter"],
)
def decoy_release(c):
    ns = c.ns("aquarium")
    at, rel = c.ago(m=41), c.ago(m=10)
    c.app(ns, "counter", REG + "/aquarium/counter:2.0.0", svc=None, created=c.ago(d=30))
    s = c.svc(ns, "counter", [("http", 80, "http")], sel={"app": "counter", "component": "api"}, created=c.ago(d=100))
    s["metadata"]["managedFields"] = [
        {
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": {"f:spec": {"f:selector": {}}},
            "manager": "kubectl-patch",
            "operation": "Update",
            "time": ts(at),
        }
    ]
    w = c.deploy(
        ns,
        "aquarium-web",
        [web("web", REG + "/aquarium/web:7.1.0", env={"COUNTER_URL": "http://counter"})],
        1,
        created=c.ago(d=90),
        rolled=rel,
        history=[
            {
                "containers": [web("web", REG + "/aquarium/web:7.0.0", env={"COUNTER_URL": "http://counter"})],
                "created": c.ago(d=12),
                "changed": rel,
            }
        ],
    )
    c.svc(ns, "aquarium-web", [("http", 80, "http")])
    vip = s["spec"]["clusterIP"]
    c.complains(w, rel, 12, lambda t: jl(t, "error", "counter unavailable", err=f"connect ECONNREFUSED {vip}:80"))
    c.audit(
        at, "otto@example.com", "patch", "services", ns, "counter", req={"spec": {"selector": {"component": "api"}}}
    )


@story(
    "decoy-137",
    "Exit code 137 without OOM: the liveness probe killed it after the grace period",
    en="batch-pricer dies with exit code 137 every few minutes, so it needs more memory, right?",
    zh="batch-pricer 每几分钟以 137 退出，那就是内存不够对吧？",
    causes=[cause("pricer/Deployment/batch-pricer", "probe_liveness_misconfigured", "/live", "404")],
    spare=["Node/node-1", "pricer/Deployment/pricer-ui"],
    metrics=True,
)
def decoy_137(c):
    ns = c.ns("pricer")
    c.with_usage = True
    c.app(ns, "pricer-ui", REG + "/pricer/ui:1.0.0")
    live = http("/live", "http", delay=20, period=10, fail=3)
    w = c.crash(
        ns,
        "batch-pricer",
        [web("pricer", REG + "/pricer/batch:2.0.0", live=live, lim="1/2Gi", req="200m/512Mi")],
        lambda t: [
            pl(t + sec(1), "INFO", "pricer", "serving on :8080"),
            pl(t + sec(20), "INFO", "access", '"GET /live HTTP/1.1" 404'),
            pl(t + sec(40), "INFO", "pricer", "SIGTERM ignored while pricing book 4 of 9"),
        ],
        c.ago(m=44),
        code=137,
        run=71,
        old=[web("pricer", REG + "/pricer/batch:1.9.0", live=live, lim="1/2Gi", req="200m/512Mi")],
        svc=80,
    )
    p = w.current[0]
    c.kubelet(
        p,
        "Warning",
        "Unhealthy",
        "Liveness probe failed: HTTP probe failed with statuscode: 404",
        c.ago(m=2),
        27,
        c.ago(m=43),
        "pricer",
    )
    c.kubelet(
        p,
        "Normal",
        "Killing",
        "Container pricer failed liveness probe, will be restarted",
        c.ago(m=2),
        9,
        c.ago(m=43),
        "pricer",
    )


@story(
    "decoy-sidecar",
    "Not the application but its proxy sidecar is OOM-killed",
    en="freight-quote restarts all the time; we already doubled the memory of the application container to 2Gi.",
    zh="freight-quote 一直重启，应用容器内存已经翻倍到 2Gi 了。",
    causes=[cause("freight/Deployment/freight-quote", "oom_killed", "\\bmesh-proxy\\b", "48 ?Mi")],
    spare=["freight/Service/freight-quote"],
    remedy=("set_resources", "freight/Deployment/freight-quote"),
)
def decoy_sidecar(c):
    ns = c.ns("freight")
    pods = [
        web("quote", REG + "/freight/quote:4.0.0", lim="1/2Gi"),
        ctr("mesh-proxy", "docker.io/envoyproxy/envoy:v1.35.2", req="20m/48Mi", lim="200m/48Mi"),
    ]
    c.crash(
        ns,
        "freight-quote",
        pods,
        lambda t: [
            f"[{t:%Y-%m-%d %H:%M:%S}.011][1][info][main] starting main dispatch loop",
            f"[{t:%Y-%m-%d %H:%M:%S}.918][1][info][upstream] cds: added/updated 412 cluster(s)",
        ],
        c.ago(m=50),
        code=137,
        reason="OOMKilled",
        run=9,
        which=1,
        svc=80,
        born=c.ago(d=2),
    )


@story(
    "decoy-policy",
    "A policy that looks dangerous is innocent; the Service sends to the wrong port",
    en="Since security added a NetworkPolicy to the flower shop nobody reaches bouquet. Remove the policy?",
    zh="安全团队给花店加了 NetworkPolicy 之后 bouquet 就访问不到了，要删掉策略吗？",
    causes=[cause("flowers/Service/bouquet", "service_port_mismatch", "8888", "8080")],
    spare=["flowers/NetworkPolicy/bouquet-clients", "flowers/Deployment/bouquet"],
)
def decoy_policy(c):
    ns = c.ns("flowers")
    at = c.ago(h=1)
    c.app(ns, "bouquet", REG + "/flowers/bouquet:1.0.0", svc=None)
    c.svc(ns, "bouquet", [("http", 80, 8888)])
    c.netpol(
        ns,
        "bouquet-clients",
        {"matchLabels": {"app": "bouquet"}},
        ["Ingress"],
        ingress=[
            {
                "from": [{"podSelector": {"matchLabels": {"app": "florist"}}}],
                "ports": [{"port": 8080, "protocol": "TCP"}],
            }
        ],
        created=at,
    )
    vip = c.get("Service", "bouquet", ns)["spec"]["clusterIP"]
    w = c.app(ns, "florist", REG + "/flowers/florist:1.0.0", env={"BOUQUET_URL": "http://bouquet"})
    c.complains(
        w,
        at,
        30,
        lambda t: jl(t, "error", "bouquet unreachable", error=f"dial tcp {vip}:80: connect: connection refused"),
    )


@story(
    "decoy-hpa",
    "The autoscaler cannot compute because its pods crash on a missing file in a ConfigMap",
    en="HPA of pianola shows FailedGetResourceMetric. Autoscaling broken?",
    zh="pianola 的 HPA 报 FailedGetResourceMetric，自动扩缩坏了吗？",
    causes=[cause("piano/ConfigMap/pianola-rolls", "crash_bad_config", "tempo")],
    spare=["piano/HorizontalPodAutoscaler/pianola", "APIService/v1beta1.metrics.k8s.io", "piano/Deployment/pianola"],
    metrics=True,
)
def decoy_hpa(c):
    ns = c.ns("piano")
    since = c.ago(m=36)
    c.cm(ns, "pianola-rolls", {"rolls.json": '{"tempo": "fast", "rolls": 12}'}, changed=since - sec(60))
    c.crash(
        ns,
        "pianola",
        [web("pianola", REG + "/piano/pianola:3.0.0", mounts=[("rolls", "/etc/rolls", "ro")])],
        lambda t: [
            jl(
                t + sec(1),
                "fatal",
                "invalid configuration /etc/rolls/rolls.json",
                error='tempo: expected integer, got "fast"',
            )
        ],
        since,
        run=1,
        n=2,
        born=c.ago(d=9),
        svc=80,
        tmpl={"volumes": [v_cm("rolls", "pianola-rolls")]},
    )
    msg = "failed to get cpu utilization: did not receive metrics for targeted pods (pods might be unready)"
    h = c.hpa(
        ns,
        "pianola",
        "pianola",
        2,
        6,
        [c.cpu_target(60)],
        2,
        2,
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
    c.event(h, "Warning", "FailedGetResourceMetric", msg, c.ago(s=4), 140, since, "horizontal-pod-autoscaler")


@story(
    "decoy-loud",
    "A neighbour logs hundreds of handled errors; the quiet service has been paused for days",
    en="Our new discount does not show up in mango-web, and mango-feed logs errors non-stop. It must be the feed.",
    zh="新折扣在 mango-web 里没有显示，mango-feed 又一直打错误日志，肯定是 feed 的问题。",
    causes=[cause("mango/Deployment/mango-web", "rollout_paused", "paused|暂停")],
    spare=["mango/Deployment/mango-feed"],
    remedy=("patch", "mango/Deployment/mango-web"),
)
def decoy_loud(c):
    ns = c.ns("mango")
    f = c.app(ns, "mango-feed", REG + "/mango/feed:1.0.0", lang="python")
    c.complains(
        f,
        c.ago(m=30),
        10,
        lambda t: [
            pl(t, "ERROR", "feed", "partner 17 sent an invalid row, skipped"),
            pl(t, "INFO", "feed", "feed imported, 4120 rows, 1 skipped"),
        ],
    )
    at = c.ago(d=3)
    c.deploy(
        ns,
        "mango-web",
        [web("web", REG + "/mango/web:2.2.0")],
        1,
        created=c.ago(d=60),
        no_current=True,
        paused=at,
        progress="paused",
        revision=6,
        history=[
            {
                "containers": [web("web", REG + "/mango/web:2.1.0")],
                "created": c.ago(d=20),
                "changed": c.ago(d=20),
                "states": [{"created": c.ago(d=20)}],
                "want": 1,
            }
        ],
    )
    c.svc(ns, "mango-web", [("http", 80, "http")])


@story(
    "decoy-old-oom",
    "An old OOM kill in the last state; now the process exits because a variable has a wrong value",
    en="rental-desk is crash looping; describe shows it was OOMKilled before. Raise the limit?",
    zh="rental-desk 崩溃重启，之前还被 OOMKilled 过，要调大内存限制吗？",
    causes=[cause("skiff/Deployment/rental-desk", "crash_missing_env", "LISTEN_PORT")],
    spare=["skiff/StatefulSet/skiff-db"],
    remedy=("set_env", "skiff/Deployment/rental-desk"),
)
def decoy_old_oom(c):
    ns = c.ns("skiff")
    db = c.ago(d=6)
    c.sts(
        ns,
        "skiff-db",
        [ctr("pg", "docker.io/library/postgres:17.6", ports=[("pg", 5432)], req="100m/256Mi", lim="-/512Mi")],
        1,
        created=c.ago(d=40),
        states=[{"created": c.ago(d=40), "cs": {"pg": up(db + sec(3), 2, dead(137, c.ago(d=20), db, "OOMKilled"))}}],
    )
    c.svc(ns, "skiff-db", [("pg", 5432, "pg")], headless=True)
    img = REG + "/skiff/desk:3.1.0"
    c.crash(
        ns,
        "rental-desk",
        [web("desk", img, env={"LISTEN_PORT": "8080/tcp", "DB": "skiff-db"})],
        lambda t: [
            jl(t + sec(1), "fatal", "invalid LISTEN_PORT", error='strconv.Atoi: parsing "8080/tcp": invalid syntax')
        ],
        c.ago(m=20),
        code=1,
        run=0.5,
        svc=80,
        old=[web("desk", img, env={"LISTEN_PORT": "8080", "DB": "skiff-db"})],
    )


@story(
    "decoy-pending-image",
    "Pods were pending for a minute until a node was added; now the sidecar's image is what is missing",
    en="saddle-shop waits for a node. Autoscaler says scale-up was triggered. When will it run?",
    zh="saddle-shop 在等节点，自动扩容说已触发扩容，什么时候能跑起来？",
    causes=[cause("saddle/Deployment/saddle-shop", "image_not_found", "vector-agent:0\\.99")],
    spare=["Node/node-3", "Node/node-1"],
    workers=3,
)
def decoy_pending_image(c):
    ns = c.ns("saddle")
    bad = REG + "/infra/vector-agent:0.99"
    since = c.ago(m=30)
    w = c.no_pull(
        ns,
        "saddle-shop",
        [web("shop", REG + "/saddle/shop:2.0.0"), ctr("vector", bad, req="10m/16Mi", lim="50m/32Mi")],
        NOT_FOUND.format(bad),
        since,
        which=1,
        svc=80,
    )
    p = w.pods[0]
    c.sched_event(
        p,
        "FailedScheduling",
        "0/2 nodes are available: 2 Insufficient cpu. preemption: 0/2 nodes are available: 2 No preemption victims found for incoming pod.",
        since,
        count=2,
        last=since + sec(50),
    )
    c.event(
        p,
        "Normal",
        "TriggeredScaleUp",
        "pod triggered scale-up: [{pool-1 2->3 (max: 6)}]",
        since + sec(8),
        component="cluster-autoscaler",
    )


@story(
    "decoy-endpoint-ready",
    "502 at the ingress: its backend is OOM-killed since its limit was cut",
    en="customers get 502 on the tram shop, is the ingress controller overloaded?",
    zh="有轨电车商店客户收到 502，是 ingress controller 过载了吗？",
    causes=[cause("tramshop/Deployment/basket", "oom_killed", "96 ?Mi")],
    spare=["ingress-nginx/Deployment/ingress-nginx-controller", "tramshop/Ingress/tramshop", "tramshop/Service/basket"],
    ingress=True,
    remedy=("set_resources", "tramshop/Deployment/basket"),
)
def decoy_endpoint_ready(c):
    ns = c.ns("tramshop")
    c.app(ns, "shelves", REG + "/tramshop/shelves:1.0.0")
    c.crash(
        ns,
        "basket",
        [web("basket", REG + "/tramshop/basket:5.0.0", req="100m/96Mi", lim="500m/96Mi")],
        lambda t: [jl(t + sec(1), "info", "basket started"), jl(t + sec(14), "info", "restored 18000 baskets")],
        c.ago(m=37),
        code=137,
        reason="OOMKilled",
        run=18,
        svc=80,
        old=[web("basket", REG + "/tramshop/basket:5.0.0", req="100m/96Mi", lim="500m/384Mi")],
    )
    c.ingress(
        ns, "tramshop", [("tramshop.example.com", [("/", "shelves", 80), ("/basket", "basket", 80)])], address=c.lb_ip
    )
    c.log(
        c.ingress_ctl.pods[0],
        "controller",
        c.spell(
            c.ago(m=9),
            10,
            lambda t: al(
                t, "198.51.100.4", "GET /basket HTTP/2.0", 502, 150, 0.003, "[tramshop-basket-80] 10.244.1.9:8080"
            ),
        ),
    )


@story(
    "decoy-crd-operator",
    "A custom batch run does not start: its operator may not create jobs; the operator pod is green",
    en="My BatchRun 'week-30' sits there for an hour without a pod. Is the cluster full?",
    zh="我的 BatchRun week-30 放了一小时都没有 Pod，是集群满了吗？",
    causes=[cause("ClusterRole/batchrun-operator", "rbac_denied", "jobs", "create")],
    spare=["crunch/BatchRun/week-30", "batchrun-system/Deployment/batchrun-operator", "Node/node-1"],
)
def decoy_crd_operator(c):
    c.crd("batchruns", "crunch.example.com", "BatchRun")
    c.ns("batchrun-system")
    c.sa("batchrun-system", "batchrun-operator")
    c.role(
        None,
        "batchrun-operator",
        [
            {"apiGroups": ["crunch.example.com"], "resources": ["batchruns", "batchruns/status"], "verbs": ["*"]},
            {"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get", "list", "watch"]},
        ],
        cluster=True,
        changed=c.ago(h=9),
    )
    c.bind(None, "batchrun-operator", "batchrun-operator", [("batchrun-system", "batchrun-operator")], cluster=True)
    op = c.deploy(
        "batchrun-system",
        "batchrun-operator",
        [ctr("manager", REG + "/crunch/operator:1.0.0", req="20m/32Mi", lim="100m/64Mi")],
        1,
        tmpl={"sa": "batchrun-operator"},
    )
    ns = c.ns("crunch")
    at = c.ago(h=1)
    c.make(
        "crunch.example.com/v1",
        "BatchRun",
        "week-30",
        ns,
        at,
        {"spec": {"image": REG + "/crunch/run:3.0.0", "parallelism": 4}, "status": {"phase": "Pending"}},
        gen=1,
    )
    c.log(
        op.pods[0],
        "manager",
        c.spell(
            at,
            60,
            lambda t: zl(
                t,
                "ERROR",
                "controller.batchrun",
                "Reconciler error",
                name="week-30",
                namespace="crunch",
                error='jobs.batch is forbidden: User "system:serviceaccount:batchrun-system:batchrun-operator" cannot create resource "jobs" in API group "batch" in the namespace "crunch"',
            ),
        ),
    )


@story(
    "decoy-partition",
    "A StatefulSet update stops at its partition; a node was rebooted at the same time",
    en="Only one of three abacus pods got the new version, since node-1 was rebooted during the update.",
    zh="abacus 三个 Pod 只有一个更新到新版本，更新时 node-1 刚好重启过。",
    causes=[cause("abacus/StatefulSet/abacus", "rollout_stuck", "partition")],
    spare=["Node/node-1"],
)
def decoy_partition(c):
    ns = c.ns("abacus")
    c.reboots["node-1"] = c.ago(h=4)
    at = c.ago(h=5)
    old, new = [web("abacus", REG + "/abacus/abacus:1.0.0")], [web("abacus", REG + "/abacus/abacus:1.1.0")]
    c.sts(
        ns,
        "abacus",
        new,
        3,
        created=c.ago(d=50),
        rolled=at,
        old=old,
        updated=1,
        gen=4,
        update={"rollingUpdate": {"partition": 2}, "type": "RollingUpdate"},
        states=[
            {"created": c.ago(d=20), "node": "node-1"},
            {"created": c.ago(d=20), "node": "node-2"},
            {"created": at, "node": "node-2"},
        ],
    )
    c.svc(ns, "abacus", [("http", 80, "http")], headless=True)


@story(
    "decoy-fixed-quota",
    "The quota was exceeded this morning and raised since; today's failure is a pod security violation",
    en="Events of hermes say exceeded quota, so please raise the quota again; canary has no pods.",
    zh="hermes 的事件提示 exceeded quota，请再调大配额；canary 一个 Pod 都没有。",
    causes=[
        cause("hermes/Deployment/canary", "pod_security_violation", "restricted|runAsNonRoot|allowPrivilegeEscalation")
    ],
    spare=["hermes/ResourceQuota/hermes", "hermes/Deployment/post"],
)
def decoy_fixed_quota(c):
    ns = c.ns("hermes", labels={"pod-security.kubernetes.io/enforce": "restricted"})
    safe = {"securityContext": {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}}
    w = c.deploy(
        ns,
        "post",
        [
            web(
                "post",
                REG + "/hermes/post:1.0.0",
                sc={"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}},
            )
        ],
        2,
        tmpl=safe,
        created=c.ago(m=59),
    )
    rs = w.sets[0]
    c.event(
        rs,
        "Warning",
        "FailedCreate",
        f'Error creating: pods "{rs["metadata"]["name"]}-8x2kq" is forbidden: exceeded quota: hermes, requested: pods=1, used: pods=1, limited: pods=1',
        c.ago(m=48),
        14,
        c.ago(m=58),
        "replicaset-controller",
    )
    hard = {"pods": "10"}
    c.make(
        "v1",
        "ResourceQuota",
        "hermes",
        ns,
        c.ago(d=30),
        {"spec": {"hard": hard}, "status": {"hard": hard, "used": {"pods": "2"}}},
        changed=c.ago(m=47),
    )
    why = 'violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false (container "canary" must set securityContext.allowPrivilegeEscalation=false), unrestricted capabilities (container "canary" must set securityContext.capabilities.drop=["ALL"]), runAsNonRoot != true (pod or container "canary" must set securityContext.runAsNonRoot=true), seccompProfile (pod or container "canary" must set securityContext.seccompProfile.type to "RuntimeDefault" or "Localhost")'
    c.refused(ns, "canary", [web("canary", REG + "/hermes/canary:1.0.0")], why, c.ago(m=21), n=1, progress="deadline")


@story(
    "decoy-coredns-restart",
    "CoreDNS restarted an hour ago and is blamed; the pods may simply not reach it any more",
    en="CoreDNS restarted and since then beehive can't resolve anything. Please restart CoreDNS again.",
    zh="CoreDNS 重启过，之后 beehive 什么都解析不了，请再重启一次 CoreDNS。",
    causes=[cause("beehive/NetworkPolicy/hive-egress", "network_policy_blocks_egress", "DNS|\\b53\\b")],
    spare=["kube-system/Deployment/coredns", "kube-system/ConfigMap/coredns", "beehive/Deployment/beehive"],
)
def decoy_coredns_restart(c):
    ns = c.ns("beehive")
    at = c.ago(m=55)
    boot = c.ago(h=1)
    status = c.coredns.pods[0]["status"]["containerStatuses"][0]
    status["restartCount"] = 1
    status["lastState"] = {
        "terminated": {
            "containerID": status["containerID"],
            "exitCode": 0,
            "reason": "Completed",
            "startedAt": ts(c.ago(d=90)),
            "finishedAt": ts(boot),
        }
    }
    status["state"] = {"running": {"startedAt": ts(boot + sec(1))}}
    c.app(ns, "honey", REG + "/beehive/honey:1.0.0")
    c.netpol(
        ns,
        "hive-egress",
        {"matchLabels": {"app": "beehive"}},
        ["Egress"],
        egress=[
            {"to": [{"podSelector": {"matchLabels": {"app": "honey"}}}], "ports": [{"port": 8080, "protocol": "TCP"}]}
        ],
        created=at,
    )
    w = c.app(ns, "beehive", REG + "/beehive/beehive:1.0.0", env={"HONEY_URL": "http://honey"})
    c.complains(
        w,
        at,
        20,
        lambda t: jl(
            t,
            "error",
            "honey failed",
            error=f"dial tcp: lookup honey on {c.dns_ip}:53: read udp 10.244.1.8:40122->{c.dns_ip}:53: i/o timeout",
        ),
    )


@story(
    "decoy-leftover-webhook",
    "An operator was uninstalled and left its webhook behind; a quota event distracts",
    en="Jobs cannot be created in any namespace since the clean-up on Friday, is the quota too small?",
    zh="周五清理之后所有命名空间都创建不了 Job，是配额太小了吗？",
    causes=[cause("MutatingWebhookConfiguration/job-tagger", "admission_webhook_failing", "job-tagger", "not found")],
    spare=["pulse/CronJob/heartbeat", "pulse/ResourceQuota/pulse"],
    remedy=("delete", "MutatingWebhookConfiguration/job-tagger"),
)
def decoy_leftover_webhook(c):
    ns = c.ns("pulse")
    c.app(ns, "pulse-web", REG + "/pulse/web:1.0.0")
    rules = [
        {"apiGroups": ["batch"], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["jobs"], "scope": "*"}
    ]
    webhook(c, "MutatingWebhookConfiguration", "job-tagger", ("tagging", "job-tagger", "/tag"), rules=rules)
    hard = {"pods": "10"}
    c.make(
        "v1",
        "ResourceQuota",
        "pulse",
        ns,
        c.ago(d=30),
        {"spec": {"hard": hard}, "status": {"hard": hard, "used": {"pods": "9"}}},
    )
    js = c.job_spec([ctr("beat", REG + "/pulse/beat:1.0.0", req="50m/64Mi", lim="200m/128Mi")])
    last = c.ago(d=2)
    cj = c.cronjob(ns, "heartbeat", "*/10 * * * *", js, last=last, ok=last + sec(20))
    c.event(
        cj,
        "Warning",
        "FailedCreate",
        'Error creating job: Internal error occurred: failed calling webhook "job-tagger.example.com": failed to call webhook: Post "https://job-tagger.tagging.svc:443/tag?timeout=10s": service "job-tagger" not found',
        c.ago(m=4),
        290,
        last + sec(600),
        "cronjob-controller",
    )


@story(
    "decoy-subset",
    "One of three replicas has a corrupt cache and is not ready; the network is blamed",
    en="A third of the requests to mosaic-tiles hang. Random network issue?",
    zh="mosaic-tiles 约三分之一请求会卡住，是随机的网络问题吗？",
    causes=[cause("tiles/Deployment/mosaic-tiles", "readiness_failing", "tile cache|segment|corrupt")],
    spare=["Node/node-2", "tiles/Service/mosaic-tiles"],
)
def decoy_subset(c):
    ns = c.ns("tiles")
    since = c.ago(m=34)
    states = [
        {"created": c.ago(d=4), "node": "node-1"},
        {"created": c.ago(d=4) + sec(4), "node": "node-1"},
        {
            "created": c.ago(d=4) + sec(8),
            "node": "node-2",
            "cs": {"tiles": up(c.ago(d=4) + sec(11), ready=False)},
            "ready_at": since,
        },
    ]
    w = c.deploy(
        ns,
        "mosaic-tiles",
        [web("tiles", REG + "/tiles/tiles:1.0.0", ready=http("/ready", "http"))],
        3,
        created=c.ago(d=4),
        states=states,
    )
    c.svc(ns, "mosaic-tiles", [("http", 80, "http")])
    p = w.pods[2]
    c.kubelet(
        p,
        "Warning",
        "Unhealthy",
        "Readiness probe failed: HTTP probe failed with statuscode: 500",
        c.ago(s=5),
        200,
        since,
        "tiles",
    )
    c.log(
        p,
        "tiles",
        c.spell(
            since,
            15,
            lambda t: jl(
                t, "error", "not ready", reason="tile cache segment 12 is corrupt, rebuild needed", path="/cache/seg-12"
            ),
        ),
    )
    for q in w.pods[:2]:
        c.chatter(q, "tiles")


@story(
    "decoy-db-port",
    "The application asks the database on the wrong port since its last release; DBAs are blamed",
    en="The DBAs must have broken something: ferry-stats gets connection refused from Postgres since its release.",
    zh="肯定是 DBA 弄坏了什么：ferry-stats 发版后连 Postgres 一直 connection refused。",
    causes=[cause("isles/Deployment/ferry-stats", "crash_missing_env", "DB_PORT", "5433")],
    spare=["isles/StatefulSet/isles-pg", "isles/Service/isles-pg"],
    remedy=("set_env", "isles/Deployment/ferry-stats"),
)
def decoy_db_port(c):
    ns = c.ns("isles")
    db = c.database(ns, "isles-pg")
    ip = db.pods[0]["status"]["podIP"]
    img = REG + "/isles/stats:2.0.0"
    c.crash(
        ns,
        "ferry-stats",
        [web("stats", img, env={"DB_HOST": "isles-pg", "DB_PORT": "5433"})],
        lambda t: [
            jl(t + sec(1), "info", "connecting", addr="isles-pg:5433"),
            jl(t + sec(2), "fatal", "cannot start", error=f"dial tcp {ip}:5433: connect: connection refused"),
        ],
        c.ago(m=27),
        run=2,
        svc=80,
        old=[web("stats", img, env={"DB_HOST": "isles-pg", "DB_PORT": "5432"})],
    )


@story(
    "decoy-node-fine",
    "All broken pods happen to run on one healthy node: they share an expired certificate",
    en="Everything on node-1 crashes, I already drained it once. Replace node-1?",
    zh="node-1 上的东西都在崩溃，我已经 drain 过一次了，要换掉 node-1 吗？",
    causes=[cause("peaks/Secret/peaks-ca", "crash_cert_expired", "expired|过期|notAfter|NotAfter")],
    spare=["Node/node-1", "peaks/Deployment/cable", "peaks/Deployment/hut"],
)
def decoy_node_fine(c):

    ns = c.ns("peaks")
    end = c.ago(m=52)
    crt, key = pem("peaks.example.com", end.replace(year=end.year - 1), end, c.name)
    c.secret(ns, "peaks-ca", {"tls.crt": crt, "tls.key": key}, typ="kubernetes.io/tls", created=c.ago(d=190))
    for i, name in enumerate(("cable", "hut")):
        c.crash(
            ns,
            name,
            [web(name, f"{REG}/peaks/{name}:1.0.0", mounts=[("tls", "/tls", "ro")])],
            lambda t: [
                sl(t + sec(2), "ERROR", "app", "main", "o.s.boot.SpringApplication", "Application run failed"),
                f"java.security.cert.CertificateExpiredException: NotAfter: {end:%a %b %d %H:%M:%S} UTC {end.year}",
            ],
            c.ago(m=50 - 3 * i),
            run=3,
            born=c.ago(d=15),
            node="node-1",
            svc=443,
            tmpl={"volumes": [v_secret("tls", "peaks-ca")]},
        )
    c.app(ns, "weathercam", REG + "/peaks/weathercam:1.0.0", states=[{"node": "node-2"}])
