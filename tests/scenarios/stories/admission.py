"""Pods that the API server refuses: accounts, quotas, limits, security, webhooks."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, jl, sec, story, web


def webhook(
    c,
    kind,
    name,
    service,
    *,
    policy="Fail",
    timeout=10,
    rules=None,
    selector=None,
    created=None,
    ca="Q0E=",
    changed=None,
    failures=None,
):
    """A Validating- or MutatingWebhookConfiguration with one webhook for pods."""
    hook = {
        "admissionReviewVersions": ["v1"],
        "clientConfig": {
            "caBundle": ca,
            "service": {"name": service[1], "namespace": service[0], "path": service[2], "port": 443},
        },
        "failurePolicy": policy,
        "matchPolicy": "Equivalent",
        "name": failures or f"{name}.example.com",
        "namespaceSelector": selector or {},
        "objectSelector": {},
        "rules": rules
        or [{"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"], "scope": "*"}],
        "sideEffects": "None",
        "timeoutSeconds": timeout,
    }
    if kind == "MutatingWebhookConfiguration":
        hook["reinvocationPolicy"] = "Never"
    return c.make(
        "admissionregistration.k8s.io/v1",
        kind,
        name,
        None,
        created or c.ago(d=90),
        {"webhooks": [hook]},
        gen=2,
        changed=changed,
    )


@story(
    "orchard-sa",
    "Pods name a ServiceAccount that does not exist",
    en="orchard-sync has zero pods after its first deployment. Not even a pending one.",
    zh="orchard-sync 首次部署后一个 Pod 都没有，连 Pending 的都没有。",
    causes=[cause("orchard/Deployment/orchard-sync", "service_account_missing", "orchard-syncer")],
    spare=["orchard/ServiceAccount/orchard-sync"],
)
def orchard_sa(c):
    ns = c.ns("orchard")
    c.sa(ns, "orchard-sync")
    c.refused(
        ns,
        "orchard-sync",
        [web("sync", REG + "/orchard/sync:1.0.0")],
        'error looking up service account orchard/orchard-syncer: serviceaccount "orchard-syncer" not found',
        c.ago(m=17),
        n=2,
        tmpl={"sa": "orchard-syncer"},
        progress="deadline",
    )


@story(
    "stadium-quota",
    "A rolling update stops at the pod quota of the namespace",
    en="The scoreboard update hangs: old pods run, no new ones appear.",
    zh="scoreboard 更新卡住：旧 Pod 在跑，新的一个都不出来。",
    causes=[cause("stadium/ResourceQuota/match-day", "quota_exceeded", "pods", "\\b4\\b")],
    spare=["stadium/Deployment/scoreboard", "stadium/Deployment/ticker"],
)
def stadium_quota(c):
    ns = c.ns("stadium")
    c.app(ns, "ticker", REG + "/stadium/ticker:2.0.0", n=2)
    hard, since = {"pods": "4"}, c.ago(m=27)
    c.make(
        "v1",
        "ResourceQuota",
        "match-day",
        ns,
        c.ago(d=30),
        {"spec": {"hard": hard}, "status": {"hard": hard, "used": {"pods": "4"}}},
    )
    born = c.ago(d=8)
    c.refused(
        ns,
        "scoreboard",
        [web("board", REG + "/stadium/board:3.1.0")],
        "exceeded quota: match-day, requested: pods=1, used: pods=4, limited: pods=4",
        since,
        n=0,
        replicas=2,
        created=c.ago(d=60),
        rolled=since,
        want=1,
        progress="deadline",
        history=[
            {
                "containers": [web("board", REG + "/stadium/board:3.0.0")],
                "created": born,
                "changed": since,
                "states": [{"created": born}, {"created": born + sec(9)}],
                "want": 2,
            }
        ],
    )


@story(
    "canvas-limits",
    "A quota on memory makes requests mandatory; the new workload has none",
    en="Can't get canvas-live to run in team-art, events say something about must specify.",
    zh="canvas-live 在 team-art 里跑不起来，事件里说 must specify 什么的。",
    causes=[
        cause(
            "team-art/Deployment/canvas-live", "quota_requires_limits", "limits\\.memory|requests\\.memory|memory|内存"
        )
    ],
    spare=["team-art/ResourceQuota/art-memory", "team-art/Deployment/canvas-api"],
)
def canvas_limits(c):
    ns = c.ns("team-art")
    c.app(ns, "canvas-api", REG + "/art/canvas-api:1.0.0")
    hard = {"limits.memory": "8Gi", "requests.memory": "4Gi"}
    c.make(
        "v1",
        "ResourceQuota",
        "art-memory",
        ns,
        c.ago(d=60),
        {
            "spec": {"hard": hard},
            "status": {"hard": hard, "used": {"limits.memory": "256Mi", "requests.memory": "128Mi"}},
        },
    )
    c.refused(
        ns,
        "canvas-live",
        [ctr("live", REG + "/art/canvas-live:0.1.0", ports=[("http", 8080)])],
        "failed quota: art-memory: must specify limits.memory for: live; requests.memory for: live",
        c.ago(m=24),
        progress="deadline",
    )


@story(
    "opera-range",
    "A LimitRange allows less memory than the container asks for",
    en="subtitle-engine disappeared after its memory was raised; there are no pods at all.",
    zh="把 subtitle-engine 的内存调大之后它就消失了，一个 Pod 都没有。",
    causes=[cause("opera/Deployment/subtitle-engine", "limit_range_violated", "3 ?Gi", "2 ?Gi")],
    spare=["opera/LimitRange/opera-limits"],
    remedy=("set_resources", "opera/Deployment/subtitle-engine"),
)
def opera_range(c):
    ns = c.ns("opera")
    c.make(
        "v1",
        "LimitRange",
        "opera-limits",
        ns,
        c.ago(d=90),
        {"spec": {"limits": [{"max": {"memory": "2Gi"}, "min": {"memory": "32Mi"}, "type": "Container"}]}},
    )
    since = c.ago(m=38)
    c.refused(
        ns,
        "subtitle-engine",
        [web("engine", REG + "/opera/subtitle:2.4.0", req="100m/1Gi", lim="1/3Gi")],
        "maximum memory usage per Container is 2Gi, but limit is 3Gi",
        since,
        created=c.ago(d=50),
        rolled=since,
        strategy={"type": "Recreate"},
        progress="deadline",
        history=[
            {
                "containers": [web("engine", REG + "/opera/subtitle:2.4.0", req="100m/1Gi", lim="1/2Gi")],
                "created": c.ago(d=20),
                "changed": since,
            }
        ],
    )


@story(
    "tower-psa",
    "A DaemonSet with host access in a namespace that enforces baseline",
    en="antenna-probe should run on every node of the cluster, DESIRED 2 but CURRENT 0.",
    zh="antenna-probe 应该在每个节点上跑，DESIRED 2 但 CURRENT 0。",
    causes=[
        cause(
            "tower/DaemonSet/antenna-probe",
            "pod_security_violation",
            "hostNetwork|privileged|host namespaces|特权",
            "baseline",
        )
    ],
    spare=["tower/Deployment/tower-ui"],
)
def tower_psa(c):
    ns = c.ns("tower", labels={"pod-security.kubernetes.io/enforce": "baseline"})
    c.app(ns, "tower-ui", REG + "/tower/ui:1.0.0", lang="nginx")
    since = c.ago(h=1)
    w = c.ds(
        ns,
        "antenna-probe",
        [ctr("probe", REG + "/tower/probe:1.0.0", sc={"privileged": True})],
        created=since,
        tmpl={"hostNetwork": True},
        states={n: {"none": True} for n in c.nodes},
    )
    why = 'violates PodSecurity "baseline:latest": host namespaces (hostNetwork=true), privileged (container "probe" must not set securityContext.privileged=true)'
    for off in (1, 2, 5, 21, 82):
        c.event(
            w.obj,
            "Warning",
            "FailedCreate",
            f'Error creating: pods "antenna-probe-{c.rand(5)}" is forbidden: {why}',
            since + sec(off),
            component="daemonset-controller",
        )
    c.event(
        w.obj,
        "Warning",
        "FailedCreate",
        f'(combined from similar events): Error creating: pods "antenna-probe-{c.rand(5)}" is forbidden: {why}',
        c.ago(m=4),
        15,
        since + sec(340),
        "daemonset-controller",
    )


@story(
    "policy-down",
    "A policy webhook serves a certificate that its caBundle does not sign, and its failure policy is Fail",
    en="Since noon nothing new can start anywhere: scaling, restarts, jobs, all blocked. API server problem?",
    zh="从中午开始任何新 Pod 都起不来：扩容、重启、Job 全被卡住，是 API server 的问题吗？",
    causes=[
        cause(
            "ValidatingWebhookConfiguration/image-policy",
            "admission_webhook_failing",
            "image-policy",
            "x509|certificate|caBundle|证书",
        )
    ],
    spare=["sales/Deployment/quotes", "policy-system/Service/image-policy", "policy-system/Deployment/image-policy"],
)
def policy_down(c):
    c.ns("policy-system")
    c.app("policy-system", "image-policy", REG + "/policy/image-policy:1.0.0", 8443, svc=443)
    webhook(c, "ValidatingWebhookConfiguration", "image-policy", ("policy-system", "image-policy", "/validate"))
    ns = c.ns("sales")
    err = 'Internal error occurred: failed calling webhook "image-policy.example.com": failed to call webhook: Post "https://image-policy.policy-system.svc:443/validate?timeout=10s": tls: failed to verify certificate: x509: certificate signed by unknown authority (possibly because of "x509: ECDSA verification failure" while trying to verify candidate authority certificate "image-policy-ca")'
    c.refused(ns, "quotes", [web("quotes", REG + "/sales/quotes:2.2.0")], err, c.ago(h=1), n=2, have=1)


@story(
    "injector-timeout",
    "A mutating webhook answers too slowly and blocks every pod of the labelled namespaces",
    en="Deployments in payments-eu do not get pods, in other namespaces everything works.",
    zh="payments-eu 里的 Deployment 生成不了 Pod，其他命名空间都正常。",
    causes=[
        cause(
            "MutatingWebhookConfiguration/trace-injector",
            "admission_webhook_failing",
            "trace-injector",
            "deadline|timeout|超时",
        )
    ],
    spare=["payments-eu/Deployment/settle", "tracing/Deployment/trace-injector"],
)
def injector_timeout(c):
    c.ns("tracing")
    c.app("tracing", "trace-injector", REG + "/tracing/injector:0.9.0", 8443, svc=443)
    webhook(
        c,
        "MutatingWebhookConfiguration",
        "trace-injector",
        ("tracing", "trace-injector", "/inject"),
        timeout=5,
        selector={"matchLabels": {"tracing": "on"}},
    )
    ns = c.ns("payments-eu", labels={"tracing": "on"})
    err = 'Internal error occurred: failed calling webhook "trace-injector.example.com": failed to call webhook: Post "https://trace-injector.tracing.svc:443/inject?timeout=5s": context deadline exceeded'
    c.refused(ns, "settle", [web("settle", REG + "/pay/settle:4.0.0")], err, c.ago(m=35), n=1)


@story(
    "limits-mutator",
    "A mutating webhook shrinks the memory of the pods below what the template says",
    en="ocr-worker is OOMKilled all the time, although its deployment has a limit of 1Gi and it needs 600. How can that be?",
    zh="ocr-worker 一直 OOMKilled，但 Deployment 里限制是 1Gi，实际只要 600Mi，怎么会这样？",
    causes=[cause("MutatingWebhookConfiguration/cost-saver", "admission_mutated_badly", "cost-saver", "256 ?Mi")],
    spare=["ocr/Deployment/ocr-worker"],
)
def limits_mutator(c):
    c.ns("finops")
    c.app("finops", "cost-saver", REG + "/finops/cost-saver:0.3.0", 8443, svc=443)
    webhook(
        c,
        "MutatingWebhookConfiguration",
        "cost-saver",
        ("finops", "cost-saver", "/mutate"),
        policy="Ignore",
        created=c.ago(h=4),
    )
    ns = c.ns("ocr")
    w = c.crash(
        ns,
        "ocr-worker",
        [ctr("worker", REG + "/ocr/worker:5.1.0", req="200m/512Mi", lim="1/1Gi")],
        lambda t: [jl(t + sec(2), "info", "model loaded", mb=212), jl(t + sec(20), "info", "page 3 of 40")],
        c.ago(h=1),
        n=2,
        code=137,
        reason="OOMKilled",
        run=44,
    )
    for p in w.pods:
        p["metadata"].setdefault("annotations", {})["cost-saver.example.com/mutated"] = "limits.memory 1Gi -> 256Mi"
        res = p["spec"]["containers"][0]["resources"]
        res["limits"]["memory"], res["requests"]["memory"] = "256Mi", "256Mi"
