"""Nodes, and CPU that is not given."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, Cluster, cause, dead, sec, sl, story, ts, web


def _broken_runtime(name, now, version="v1.34.1", cni="calico"):
    c = Cluster(name, now, version, "managed", cni)
    c.node("node-1", 4, 16)
    at = c.ago(m=6)
    text = "[container runtime is down, PLEG is not healthy: pleg was last seen active 5m42s ago; threshold is 3m0s]"
    taints = [{"effect": "NoSchedule", "key": "node.kubernetes.io/not-ready", "timeAdded": ts(at)}]
    c.node("node-2", 4, 16, conditions={"Ready": ("False", "KubeletNotReady", text, at)}, taints=taints)
    c.base()
    return c


def _few_pods(name, now, version="v1.34.1", cni="calico"):
    c = Cluster(name, now, version, "managed", cni)
    c.node("node-1", 8, 32, pods=4)
    c.base()
    return c


@story(
    "node-silent",
    "A kubelet went silent; its pods are being replaced elsewhere",
    en="Since 20 minutes several services of the campus are flaky, some pods say Terminating for ages.",
    zh="二十分钟来校园的几个服务不稳定，有些 Pod 一直 Terminating。",
    causes=[cause("Node/node-9", "node_not_ready", "node-9", "Kubelet stopped posting|NodeStatusUnknown|kubelet")],
    spare=["campus/Deployment/timetable", "campus/Deployment/grades"],
)
def node_silent(c):
    at = c.ago(m=21)
    c.node_lost("node-9", at, cpu=4, mem=16)
    ns = c.ns("campus")
    for name in ("timetable", "grades"):
        c.app(
            ns,
            name,
            f"{REG}/campus/{name}:1.0.0",
            n=1,
            quiet=True,
            states=[{"created": c.ago(d=9), "node": "node-9"}, {"created": at + sec(306), "node": "node-1"}],
            created=c.ago(d=9),
        )
    c.event(
        c.nodes["node-9"]["obj"],
        "Normal",
        "NodeNotReady",
        "Node node-9 status is now: NodeNotReady",
        at,
        component="node-controller",
    )


@story(
    "runtime-down",
    "The container runtime of a node is down: kubelet says NotReady itself",
    en="node-2 is NotReady. What is wrong with it?",
    zh="node-2 NotReady 了，它怎么了？",
    causes=[cause("Node/node-2", "node_not_ready", "container runtime is down|PLEG|runtime")],
    spare=["ferry/Deployment/piers"],
    make=_broken_runtime,
)
def runtime_down(c):
    ns = c.ns("ferry")
    c.app(ns, "piers", REG + "/ferry/piers:1.0.0", n=2, states=[{"node": "node-1"}, {"node": "node-2"}], quiet=True)
    c.event(
        c.nodes["node-2"]["obj"],
        "Normal",
        "NodeNotReady",
        "Node node-2 status is now: NodeNotReady",
        c.ago(m=6),
        component="kubelet",
        host="node-2",
    )


@story(
    "disk-pressure",
    "Image layers fill a node's disk; pods are evicted",
    en="Pods of the lab get evicted again and again on one node.",
    zh="实验室的 Pod 在某个节点上一再被驱逐。",
    causes=[cause("Node/node-7", "node_pressure", "DiskPressure|ephemeral-storage|磁盘", "node-7")],
    spare=["lab/Deployment/analyser"],
)
def disk_pressure(c):
    at = c.ago(m=24)
    c.node(
        "node-7",
        4,
        16,
        disk=40,
        conditions={"DiskPressure": ("True", "KubeletHasDiskPressure", "kubelet has disk pressure", at)},
        taints=[{"effect": "NoSchedule", "key": "node.kubernetes.io/disk-pressure", "timeAdded": ts(at)}],
    )
    ns = c.ns("lab")
    msg = "The node was low on resource: ephemeral-storage. Threshold quantity: 4294967296, available: 3518Mi. Container analyser was using 412Ki, request is 0, has larger consumption of ephemeral-storage. "
    gone = {"node": "node-7", "phase": "Failed", "reason": "Evicted", "message": msg, "ip": False}

    states = [
        {"created": c.ago(d=2), "cs": {"analyser": dead(137, c.ago(d=2), at + sec(30))}, **gone},
        {"created": at + sec(33), "node": "node-1"},
    ]
    w = c.deploy(ns, "analyser", [web("analyser", REG + "/lab/analyser:1.0.0")], 1, created=c.ago(d=20), states=states)
    c.kubelet(w.pods[0], "Warning", "Evicted", msg, at + sec(30))
    n = c.nodes["node-7"]["obj"]
    c.event(
        n,
        "Warning",
        "EvictionThresholdMet",
        "Attempting to reclaim ephemeral-storage",
        c.ago(s=20),
        140,
        at,
        "kubelet",
        "node-7",
    )
    c.event(
        n,
        "Normal",
        "NodeHasDiskPressure",
        "Node node-7 status is now: NodeHasDiskPressure",
        at,
        component="kubelet",
        host="node-7",
    )
    c.event(
        n,
        "Warning",
        "FreeDiskSpaceFailed",
        "Failed to garbage collect required amount of images. Attempted to free 6012954214 bytes, but only found 0 bytes eligible to free.",
        c.ago(m=4),
        5,
        at,
        "kubelet",
        "node-7",
    )


@story(
    "pod-limit",
    "The only fitting node already runs as many pods as it may",
    en="mirror-site pods are pending, though cpu and memory of the machine are nearly idle.",
    zh="mirror-site 的 Pod 一直 Pending，但机器的 CPU 和内存几乎空闲。",
    causes=[cause("Node/node-1", "node_pod_limit", "[Tt]oo many pods|max-?[Pp]ods|\\b4\\b")],
    spare=["mirror/Deployment/mirror-site"],
    make=_few_pods,
)
def pod_limit(c):
    ns = c.ns("mirror")
    c.app(ns, "index", REG + "/mirror/index:1.0.0", n=3, quiet=True)
    msg = c.unsched([(1, "Too many pods")], [(1, "No preemption victims found for incoming pod")])
    c.unscheduled(ns, "mirror-site", [web("site", REG + "/mirror/site:2.0.0")], msg, c.ago(m=37), svc=80)


@story(
    "cidr-exhausted",
    "The pod network of a node has no address left",
    en="New pods on node-5 stay in ContainerCreating for half an hour with sandbox errors.",
    zh="node-5 上的新 Pod 半小时一直 ContainerCreating，报 sandbox 错误。",
    causes=[cause("Node/node-5", "node_pod_limit", "no IP addresses available|CIDR|10\\.244\\.90\\.0/29|地址")],
    spare=["atelier/Deployment/easel"],
)
def cidr_exhausted(c):
    c.node("node-5", 4, 16, pod_cidr="10.244.90.0/29", labels={"pool": "edge"})
    ns = c.ns("atelier")
    sel = {"nodeSelector": {"pool": "edge"}}
    c.app(ns, "brush", REG + "/atelier/brush:1.0.0", n=5, tmpl=sel, quiet=True)
    err = 'Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox "5e1d": plugin type="host-local" failed (add): failed to allocate for range 0: no IP addresses available in range set: 10.244.90.1-10.244.90.6'
    c.no_mount(
        ns,
        "easel",
        [web("easel", REG + "/atelier/easel:1.0.0")],
        err,
        c.ago(m=31),
        reason="FailedCreatePodSandBox",
        tmpl=sel,
    )


@story(
    "throttle-java",
    "A CPU limit that starves a Java service; latency and probe timeouts follow",
    en="ranking got ten times slower this week, no errors, only latency. The database perhaps?",
    zh="这周 ranking 慢了十倍，没有报错，只是延迟高，是数据库的原因吗？",
    causes=[cause("rank/Deployment/ranking", "cpu_throttled", "250m", "cpu|CPU")],
    spare=["rank/StatefulSet/rank-pg", "rank/Deployment/rank-web"],
    metrics=True,
    remedy=("set_resources", "rank/Deployment/ranking"),
)
def throttle_java(c):
    ns = c.ns("rank")
    c.with_usage = True
    at = c.ago(d=4)
    old = [web("ranking", REG + "/rank/ranking:8.0.0", req="250m/512Mi", lim="2/1Gi")]
    w = c.deploy(
        ns,
        "ranking",
        [web("ranking", REG + "/rank/ranking:8.0.0", req="250m/512Mi", lim="250m/1Gi")],
        1,
        created=c.ago(d=60),
        rolled=at,
        use={"ranking": ("250m", "610Mi")},
        history=[{"containers": old, "created": c.ago(d=20), "changed": at}],
    )
    c.svc(ns, "ranking", [("http", 80, "http")])
    c.database(ns, "rank-pg")
    c.app(ns, "rank-web", REG + "/rank/web:1.0.0")
    p = w.pods[0]
    c.log(
        p,
        "ranking",
        c.spell(
            c.ago(m=12),
            20,
            lambda t: sl(
                t,
                "WARN",
                "ranking",
                "nio-8080-exec-7",
                "c.e.rank.Slow",
                f"request took {c.rng.randint(3900, 9800)} ms (cpu wait)",
            ),
        ),
    )
    c.kubelet(
        p,
        "Warning",
        "Unhealthy",
        f'Readiness probe failed: Get "http://{p["status"]["podIP"]}:8080/healthz": context deadline exceeded (Client.Timeout exceeded while awaiting headers)',
        c.ago(m=3),
        61,
        at,
        "ranking",
    )
    lab = {"namespace": ns, "pod": p["metadata"]["name"], "container": "ranking", "job": "kubelet"}
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
        [(t, 552 * i) for i, t in enumerate(grid)],
        "_total",
    )
    c.sample(
        "container_cpu_usage_seconds",
        "counter",
        "Cumulative cpu time consumed in seconds",
        lab,
        [(t, 15 * i) for i, t in enumerate(grid)],
        "_total",
    )
