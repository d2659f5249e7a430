"""Replicas: zero, autoscalers, disruption budgets."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, story, ts, web

ABLE = ("AbleToScale", "True", "SucceededGetScale", "the HPA controller was able to get the target's current scale")


@story(
    "puppet-zero",
    "Somebody scaled the deployment to zero",
    en="puppet-stage has no pods at all, the page says 503 since lunch.",
    zh="puppet-stage 一个 Pod 都没有，午饭后页面一直 503。",
    causes=[cause("puppets/Deployment/puppet-stage", "scaled_to_zero", "\\b0\\b|zero|零")],
    spare=["puppets/Service/puppet-stage", "puppets/Deployment/tickets-desk"],
    remedy=("scale", "puppets/Deployment/puppet-stage"),
)
def puppet_zero(c):
    ns = c.ns("puppets")
    at = c.ago(h=2)
    c.app(ns, "tickets-desk", REG + "/puppets/desk:1.0.0")
    w = c.deploy(ns, "puppet-stage", [web("stage", REG + "/puppets/stage:3.0.0")], 0, created=c.ago(d=60), gen=4)
    c.svc(ns, "puppet-stage", [("http", 80, "http")])
    c.scaled(w, f"Scaled down replica set {w.sets[0]['metadata']['name']} from 3 to 0", at)
    c.audit(
        at,
        "tom@example.com",
        "patch",
        "deployments",
        ns,
        "puppet-stage",
        "apps",
        sub="scale",
        req={"spec": {"replicas": 0}},
    )


@story(
    "orbit-requests",
    "An HPA on CPU utilisation, and a sidecar without requests",
    en="orbit-api does not scale although it is hot. The HPA shows <unknown>.",
    zh="orbit-api 负载很高但不扩容，HPA 显示 <unknown>。",
    causes=[cause("orbit/Deployment/orbit-api", "hpa_no_requests", "cpu|CPU", "log-shipper")],
    spare=["orbit/HorizontalPodAutoscaler/orbit-api", "APIService/v1beta1.metrics.k8s.io"],
    metrics=True,
    remedy=("set_resources", "orbit/Deployment/orbit-api"),
)
def orbit_requests(c):
    ns = c.ns("orbit")
    c.with_usage = True
    w = c.deploy(
        ns,
        "orbit-api",
        [web("api", REG + "/orbit/api:1.0.0"), ctr("log-shipper", REG + "/orbit/shipper:1.0.0")],
        2,
        created=c.ago(d=10),
        use={"api": ("470m", "160Mi")},
    )
    c.svc(ns, "orbit-api", [("http", 80, "http")])
    pod = w.pods[0]["metadata"]["name"]
    msg = f"the HPA was unable to compute the replica count: failed to get cpu utilization: missing request for cpu in container log-shipper of Pod {pod}"
    at = c.ago(d=9)
    h = c.hpa(
        ns,
        "orbit-api",
        "orbit-api",
        2,
        8,
        [c.cpu_target(70)],
        2,
        0,
        None,
        [c.hcond(*ABLE, at), c.hcond("ScalingActive", "False", "FailedGetResourceMetric", msg, at)],
    )
    h["status"].pop("currentMetrics")
    c.event(
        h,
        "Warning",
        "FailedGetResourceMetric",
        msg.replace("the HPA was unable to compute the replica count: ", ""),
        c.ago(s=12),
        3100,
        c.ago(h=13),
        "horizontal-pod-autoscaler",
    )
    c.event(
        h,
        "Warning",
        "FailedComputeMetricsReplicas",
        "invalid metrics (1 invalid out of 1), first error is: failed to get cpu resource metric value: "
        + msg.split(": ", 1)[1],
        c.ago(s=12),
        3100,
        c.ago(h=13),
        "horizontal-pod-autoscaler",
    )


@story(
    "metrics-gone",
    "There is no resource metrics API in this cluster at all",
    en="The autoscaler of the job listings never does anything in the new cluster, TARGETS says <unknown>/60%.",
    zh="新集群里职位列表的自动扩缩从不动作，TARGETS 显示 <unknown>/60%。",
    causes=[
        cause(
            "jobs-board/HorizontalPodAutoscaler/listing",
            "hpa_metrics_unavailable",
            "metrics\\.k8s\\.io|metrics API|metrics-server|指标",
        )
    ],
    spare=["jobs-board/Deployment/listing"],
)
def metrics_gone(c):
    since = c.ago(d=3)
    ns = c.ns("jobs-board")
    c.app(ns, "listing", REG + "/jobs/listing:1.0.0")
    msg = "failed to get cpu utilization: unable to get metrics for resource cpu: unable to fetch metrics from resource metrics API: the server could not find the requested resource (get pods.metrics.k8s.io)"
    h = c.hpa(
        ns,
        "listing",
        "listing",
        1,
        6,
        [c.cpu_target(60)],
        1,
        1,
        None,
        [
            c.hcond(*ABLE, since),
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
    c.event(h, "Warning", "FailedGetResourceMetric", msg, c.ago(s=9), 3300, since, "horizontal-pod-autoscaler")


@story(
    "external-metric",
    "An HPA asks for a custom metric that nobody serves",
    en="parcel-sorter stays at one replica however long the queue is.",
    zh="不管队列多长，parcel-sorter 始终只有一个副本。",
    causes=[cause("sorting/HorizontalPodAutoscaler/parcel-sorter", "hpa_metrics_unavailable", "queue_depth")],
    spare=["sorting/Deployment/parcel-sorter"],
    metrics=True,
)
def external_metric(c):
    ns = c.ns("sorting")
    c.app(ns, "parcel-sorter", REG + "/sorting/sorter:1.0.0")
    at = c.ago(h=8)
    metric = {
        "external": {"metric": {"name": "queue_depth"}, "target": {"type": "AverageValue", "averageValue": "20"}},
        "type": "External",
    }
    msg = "unable to get external metric sorting/queue_depth/nil: unable to fetch metrics from external metrics API: no matches for external.metrics.k8s.io/v1beta1, Resource=queue_depth"
    h = c.hpa(
        ns,
        "parcel-sorter",
        "parcel-sorter",
        1,
        9,
        [metric],
        1,
        1,
        None,
        [
            c.hcond(*ABLE, at),
            c.hcond(
                "ScalingActive",
                "False",
                "FailedGetExternalMetric",
                "the HPA was unable to compute the replica count: " + msg,
                at,
            ),
        ],
    )
    h["status"].pop("currentMetrics")
    c.event(h, "Warning", "FailedGetExternalMetric", msg, c.ago(s=5), 1900, at, "horizontal-pod-autoscaler")


@story(
    "harbor-max",
    "An autoscaler is at its maximum and far over target",
    en="Checkout in the fish market is slow in the morning rush, the cluster has room. Why no more pods?",
    zh="早高峰鱼市下单很慢，集群还有余量，为什么不再加 Pod？",
    causes=[cause("fishmarket/HorizontalPodAutoscaler/auction", "hpa_at_max", "\\b4\\b", "maxReplicas|max|最大|上限")],
    spare=["fishmarket/Deployment/auction", "Node/node-1"],
    metrics=True,
    remedy=("patch", "fishmarket/HorizontalPodAutoscaler/auction"),
    workers=3,
)
def harbor_max(c):
    ns = c.ns("fishmarket")
    c.with_usage = True
    c.app(ns, "auction", REG + "/fish/auction:2.0.0", n=4, use={"auction": ("186m", "150Mi")})
    at = c.ago(m=70)
    c.hpa(
        ns,
        "auction",
        "auction",
        2,
        4,
        [c.cpu_target(60)],
        4,
        4,
        [c.cpu_now(187, "187m")],
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
        last_scale=at,
    )


@story(
    "falcon-target",
    "An HPA still targets the old name of a deployment",
    en="Autoscaling of falcon-feed does not work since we renamed it.",
    zh="falcon-feed 改名后自动扩缩就不工作了。",
    causes=[cause("falcon/HorizontalPodAutoscaler/falcon", "hpa_target_missing", "falcon-stream")],
    spare=["falcon/Deployment/falcon-feed"],
    metrics=True,
)
def falcon_target(c):
    ns = c.ns("falcon")
    c.app(ns, "falcon-feed", REG + "/falcon/feed:1.0.0")
    at = c.ago(h=6)
    h = c.hpa(
        ns,
        "falcon",
        "falcon-stream",
        1,
        5,
        [c.cpu_target(70)],
        0,
        0,
        None,
        [
            c.hcond(
                "AbleToScale",
                "False",
                "FailedGetScale",
                'the HPA controller was unable to get the target\'s current scale: deployments.apps "falcon-stream" not found',
                at,
            )
        ],
    )
    h["status"].pop("currentMetrics")
    c.event(
        h,
        "Warning",
        "FailedGetScale",
        'deployments.apps "falcon-stream" not found',
        c.ago(s=14),
        1440,
        at,
        "horizontal-pod-autoscaler",
    )


@story(
    "drain-pdb",
    "A drain cannot evict the only replica because its budget allows nothing",
    en="The drain of node-2 for the kernel update hangs for 40 minutes: cannot evict pod.",
    zh="为升级内核 drain node-2，卡了四十分钟：cannot evict pod。",
    causes=[
        cause("vault/PodDisruptionBudget/key-store", "pdb_blocks_eviction", "minAvailable|disruptionsAllowed|\\b0\\b")
    ],
    spare=["Node/node-2", "vault/Deployment/key-store"],
)
def drain_pdb(c):
    ns = c.ns("vault")
    since = c.ago(m=41)
    c.app(ns, "key-store", REG + "/vault/key-store:2.0.0", states=[{"node": "node-2"}])
    c.pdb(ns, "key-store", {"app": "key-store"}, 0, 1, 1, 1, min_av=1)
    node = c.nodes["node-2"]["obj"]
    node["spec"]["unschedulable"] = True
    node["spec"]["taints"] = [
        {"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "timeAdded": ts(since)}
    ]
    c.event(
        node,
        "Normal",
        "NodeNotSchedulable",
        "Node node-2 status is now: NodeNotSchedulable",
        since,
        component="kubelet",
        host="node-2",
    )
    for m in (40, 30, 20, 10, 1):
        c.audit(
            c.ago(m=m),
            "admin@example.com",
            "create",
            "pods",
            ns,
            "key-store-1",
            "",
            "v1",
            sub="eviction",
            code=429,
            status={
                "status": "Failure",
                "reason": "TooManyRequests",
                "message": "Cannot evict pod as it would violate the pod's disruption budget.",
            },
        )


@story(
    "single-max",
    "A budget with maxUnavailable 0 keeps the node upgrade from going on",
    en="The node pool upgrade has been stuck on node-1 all night. Is the node agent broken?",
    zh="节点池升级一整晚都卡在 node-1，是节点 agent 坏了吗？",
    causes=[cause("chat/PodDisruptionBudget/rooms", "pdb_blocks_eviction", "maxUnavailable", "rooms")],
    spare=["Node/node-1", "chat/StatefulSet/rooms"],
)
def single_max(c):
    ns = c.ns("chat")
    since = c.ago(h=8)
    c.sts(ns, "rooms", [web("rooms", REG + "/chat/rooms:4.0.0")], 2, states=[{"node": "node-1"}, {"node": "node-2"}])
    c.svc(ns, "rooms", [("http", 80, "http")], headless=True)
    c.pdb(ns, "rooms", {"app": "rooms"}, 0, 2, 2, 2, max_un=0)
    node = c.nodes["node-1"]["obj"]
    node["spec"]["unschedulable"] = True
    node["spec"]["taints"] = [
        {"effect": "NoSchedule", "key": "node.kubernetes.io/unschedulable", "timeAdded": ts(since)}
    ]
    c.event(
        node,
        "Warning",
        "FailedDraining",
        "failed to evict pod chat/rooms-0: Cannot evict pod as it would violate the pod's disruption budget. The disruption budget rooms needs 2 healthy pods and has 2 currently",
        c.ago(m=2),
        480,
        since,
        "node-upgrader",
    )
