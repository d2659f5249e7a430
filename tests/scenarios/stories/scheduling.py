"""Pods that find no node."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, sec, story, ts, web

NO_HELP = "Preemption is not helpful for scheduling"
NO_VICTIM = "No preemption victims found for incoming pod"


@story(
    "tensor-gpu",
    "A training pod asks for more GPUs than any machine has",
    en="Our speech training has been waiting for an hour although gpu-1 is idle. Why is it not placed?",
    zh="语音训练任务等了一个小时，gpu-1 明明空闲，为什么不调度？",
    causes=[cause("speech/Deployment/trainer", "pending_insufficient_resources", "nvidia\\.com/gpu|GPU", "\\b4\\b")],
    spare=["Node/gpu-1", "speech/Deployment/transcribe-ui"],
    remedy=("set_resources", "speech/Deployment/trainer"),
)
def tensor_gpu(c):
    c.node("gpu-1", 16, 64, gpu=2, itype="g2")
    ns = c.ns("speech")
    c.app(ns, "transcribe-ui", REG + "/speech/ui:1.3.0", lang="node")
    msg = c.unsched([(3, "Insufficient nvidia.com/gpu")], [(3, NO_VICTIM)])
    c.unscheduled(
        ns,
        "trainer",
        [ctr("trainer", REG + "/speech/trainer:0.4.0", req="2/8Gi/nvidia.com|gpu=4", lim="4/16Gi/nvidia.com|gpu=4")],
        msg,
        c.ago(h=1),
    )


@story(
    "vineyard-cpu",
    "One more replica than the machines have CPU for",
    en="Only 2 of 3 replicas of vineyard-sim run since yesterday's scaling.",
    zh="昨天扩容后 vineyard-sim 只有 3 个里的 2 个在跑。",
    causes=[cause("vineyard/Deployment/vineyard-sim", "pending_insufficient_resources", "cpu|CPU", "2500m|2\\.5")],
    spare=["Node/node-1", "Node/node-2"],
)
def vineyard_cpu(c):
    ns = c.ns("vineyard")
    tpl = [ctr("sim", REG + "/vineyard/sim:1.1.0", req="2500m/1Gi", lim="3/2Gi")]
    msg = c.unsched([(2, "Insufficient cpu")], [(2, NO_VICTIM)])
    at = c.ago(h=20)
    w = c.deploy(
        ns,
        "vineyard-sim",
        tpl,
        3,
        created=c.ago(d=20),
        states=[{"node": "node-1"}, {"node": "node-2"}, {"created": at, "pending": msg}],
    )
    c.sched_event(w.pods[2], "FailedScheduling", msg, at, last=c.ago(m=4), count=236)
    c.scaled(w, f"Scaled up replica set {w.sets[0]['metadata']['name']} from 2 to 3", at)


@story(
    "zone-selector",
    "A node selector with a label value that no node carries",
    en="cold-store can't be scheduled. The cluster is half empty!",
    zh="cold-store 无法调度，可集群明明一半是空的！",
    causes=[cause("archive/Deployment/cold-store", "pending_node_selector", "disktype", "nvme2|nvme")],
    spare=["archive/Deployment/search"],
)
def zone_selector(c):
    ns = c.ns("archive")
    c.nodes["node-1"]["obj"]["metadata"]["labels"]["disktype"] = "nvme"
    c.app(ns, "search", REG + "/archive/search:1.0.0")
    msg = c.unsched([(2, "node(s) didn't match Pod's node affinity/selector")], [(2, NO_HELP)])
    c.unscheduled(
        ns,
        "cold-store",
        [web("cold-store", REG + "/archive/cold-store:3.0.0")],
        msg,
        c.ago(m=50),
        tmpl={"nodeSelector": {"disktype": "nvme2"}},
        svc=80,
    )


@story(
    "bench-taint",
    "A pool was tainted for a team whose workload was not told",
    en="Since the platform team reorganised the nodes, sensor-ingest has no pods running. They say it is our problem.",
    zh="平台团队调整节点之后 sensor-ingest 就没有 Pod 在跑了，他们说是我们的问题。",
    causes=[cause("iot/Deployment/sensor-ingest", "pending_taint", "team", "iot")],
    spare=["Node/iot-1", "iot/Deployment/device-twin"],
    remedy=("patch", "iot/Deployment/sensor-ingest"),
)
def bench_taint(c):
    taint = [{"effect": "NoSchedule", "key": "team", "value": "iot"}]
    c.node("iot-1", 8, 32, labels={"pool": "iot"}, taints=taint)
    ns = c.ns("iot")
    tol = [{"effect": "NoSchedule", "key": "team", "operator": "Equal", "value": "iot"}]
    c.app(ns, "device-twin", REG + "/iot/device-twin:2.2.0", tmpl={"nodeSelector": {"pool": "iot"}, "tolerations": tol})
    msg = c.unsched(
        [(1, "node(s) had untolerated taint {team: iot}"), (2, "node(s) didn't match Pod's node affinity/selector")],
        [(3, NO_HELP)],
    )
    c.unscheduled(
        ns,
        "sensor-ingest",
        [web("ingest", REG + "/iot/ingest:5.0.0")],
        msg,
        c.ago(h=3),
        n=2,
        tmpl={"nodeSelector": {"pool": "iot"}},
        svc=80,
    )


@story(
    "leftover-taint",
    "A maintenance taint was left on the only machine of a pool",
    en="All batch-score pods are pending since the disk replacement on stor-1 last night. The machine is back and Ready.",
    zh="昨晚 stor-1 换盘之后 batch-score 的 Pod 全部 Pending，机器已经恢复且 Ready。",
    causes=[cause("Node/stor-1", "pending_taint", "maintenance")],
    spare=["score/Deployment/batch-score", "score/Deployment/rank-cache"],
    remedy=("patch", "Node/stor-1"),
)
def leftover_taint(c):
    c.node(
        "stor-1",
        8,
        32,
        labels={"pool": "storage"},
        taints=[{"effect": "NoSchedule", "key": "maintenance", "value": "disk-swap", "timeAdded": ts(c.ago(h=11))}],
    )
    ns = c.ns("score")
    c.app(ns, "rank-cache", REG + "/score/rank-cache:1.0.0")
    msg = c.unsched(
        [
            (1, "node(s) had untolerated taint {maintenance: disk-swap}"),
            (2, "node(s) didn't match Pod's node affinity/selector"),
        ],
        [(3, NO_HELP)],
    )
    since = c.ago(h=10, m=50)
    w = c.roll(
        ns,
        "batch-score",
        [web("score", REG + "/score/batch:4.4.0")],
        [{"created": since + sec(i), "pending": msg} for i in range(2)],
        since,
        created=c.ago(d=70),
        tmpl={"nodeSelector": {"pool": "storage"}},
        svc=80,
    )
    for p in w.pods:
        c.sched_event(p, "FailedScheduling", msg, since, last=c.ago(m=2), count=131)
    c.audit(
        c.ago(h=11),
        "ops-nora@example.com",
        "patch",
        "nodes",
        None,
        "stor-1",
        req={"spec": {"taints": [{"effect": "NoSchedule", "key": "maintenance", "value": "disk-swap"}]}},
    )


@story(
    "quorum-affinity",
    "Three replicas must be on different machines, and there are two",
    en="The third etcd-like config store member never starts: pending all day.",
    zh="配置存储的第三个成员一整天都是 Pending，起不来。",
    causes=[cause("conf/StatefulSet/confstore", "pending_pod_affinity", "[Aa]nti-?[Aa]ffinity|反亲和")],
    spare=["Node/node-1", "Node/node-2", "conf/Service/confstore"],
)
def quorum_affinity(c):
    ns = c.ns("conf")
    aff = {
        "podAntiAffinity": {
            "requiredDuringSchedulingIgnoredDuringExecution": [
                {"labelSelector": {"matchLabels": {"app": "confstore"}}, "topologyKey": "kubernetes.io/hostname"}
            ]
        }
    }
    msg = c.unsched([(2, "node(s) didn't match pod anti-affinity rules")], [(2, NO_VICTIM)])
    at = c.ago(h=9)
    w = c.sts(
        ns,
        "confstore",
        [web("store", REG + "/conf/store:1.6.0")],
        3,
        created=at,
        tmpl={"affinity": aff},
        states=[{"node": "node-1"}, {"node": "node-2"}, {"pending": msg}],
    )
    c.svc(ns, "confstore", [("http", 80, "http")], headless=True)
    c.sched_event(w.pods[2], "FailedScheduling", msg, at + sec(42), last=c.ago(m=3), count=108)


@story(
    "spread-zones",
    "A topology spread constraint cannot hold with one zone full",
    en="matchmaker has a pod that is pending since we added the spread rule, 25 minutes.",
    zh="加上 spread 规则之后 matchmaker 有一个 Pod 一直 Pending，二十五分钟了。",
    causes=[cause("arcade/Deployment/matchmaker", "pending_pod_affinity", "topology spread|topologySpread|拓扑")],
    spare=["arcade/Deployment/leaderboard"],
    zones=True,
)
def spread_zones(c):
    c.nodes["node-2"]["obj"]["metadata"]["labels"].pop("topology.kubernetes.io/zone")
    ns = c.ns("arcade")
    c.app(ns, "leaderboard", REG + "/arcade/leaderboard:2.0.0")
    msg = c.unsched(
        [
            (1, "node(s) didn't match pod topology spread constraints"),
            (1, "node(s) didn't match pod topology spread constraints (missing required label)"),
        ],
        [(1, NO_VICTIM), (1, NO_HELP)],
    )
    rule = [
        {
            "labelSelector": {"matchLabels": {"app": "matchmaker"}},
            "maxSkew": 1,
            "minDomains": 2,
            "topologyKey": "topology.kubernetes.io/zone",
            "whenUnsatisfiable": "DoNotSchedule",
        }
    ]
    since = c.ago(m=25)
    states = [{"created": since, "node": "node-1"}, {"created": since + sec(1), "pending": msg}]
    w = c.roll(
        ns,
        "matchmaker",
        [web("matchmaker", REG + "/arcade/matchmaker:3.0.0")],
        states,
        since,
        created=since,
        tmpl={"topologySpreadConstraints": rule},
        svc=80,
        progress="deadline",
    )
    c.sched_event(w.pods[1], "FailedScheduling", msg, since + sec(2), last=c.ago(m=1), count=6)


@story(
    "scanner-hostport",
    "Two workloads want the same host port",
    en="After adding badge-scanner its pods stay pending on every machine. We have plenty of CPU.",
    zh="新增 badge-scanner 后它的 Pod 一直 Pending，CPU 明明很充足。",
    causes=[cause("doors/Deployment/badge-scanner", "pending_host_port", "9977|free ports|端口")],
    spare=["doors/DaemonSet/door-agent"],
)
def scanner_hostport(c):
    ns = c.ns("doors")
    c.ds(
        ns,
        "door-agent",
        [ctr("agent", REG + "/doors/agent:1.8.0", ports=[("udp", 9977, "UDP", 9977)], req="20m/32Mi", lim="100m/64Mi")],
        created=c.ago(d=100),
    )
    msg = c.unsched([(2, "node(s) didn't have free ports for the requested pod ports")], [(2, NO_VICTIM)])
    c.unscheduled(
        ns,
        "badge-scanner",
        [
            ctr(
                "scanner",
                REG + "/doors/scanner:0.2.0",
                ports=[("udp", 9977, "UDP", 9977)],
                req="50m/64Mi",
                lim="100m/128Mi",
            )
        ],
        msg,
        c.ago(h=2),
    )


@story(
    "cordon-forgotten",
    "A node was cordoned for an upgrade and never released",
    en="Two video-encode pods do not get a place since last night; capacity planning says there is room.",
    zh="昨晚起有两个 video-encode Pod 找不到节点，但容量规划说有空间。",
    causes=[cause("Node/big-1", "pending_cordoned", "cordon|unschedulable|SchedulingDisabled|不可调度|封锁")],
    spare=["studio/Deployment/video-encode"],
    remedy=("uncordon", "Node/big-1"),
)
def cordon_forgotten(c):
    at = c.ago(h=12)
    c.node("big-1", 16, 64, unschedulable=at)
    ns = c.ns("studio")
    msg = c.unsched([(1, "node(s) were unschedulable"), (2, "Insufficient cpu")], [(1, NO_HELP), (2, NO_VICTIM)])
    c.app(ns, "cut-list", REG + "/studio/cut-list:1.0.0")
    c.unscheduled(
        ns,
        "video-encode",
        [ctr("encode", REG + "/studio/encode:7.0.0", req="6/8Gi", lim="8/12Gi")],
        msg,
        c.ago(h=11),
        n=2,
        created=c.ago(d=30),
    )
    c.event(
        c.nodes["big-1"]["obj"],
        "Normal",
        "NodeNotSchedulable",
        "Node big-1 status is now: NodeNotSchedulable",
        at,
        component="kubelet",
        host="big-1",
    )
    c.audit(at, "upgrade-bot", "patch", "nodes", None, "big-1", req={"spec": {"unschedulable": True}})


@story(
    "gate-quota",
    "A scheduling gate that nobody removes",
    en="The genome alignment pod stays in a status I have never seen, SchedulingGated, for an hour.",
    zh="基因比对的 Pod 一个小时都停在从没见过的 SchedulingGated 状态。",
    causes=[cause("genome/Deployment/aligner", "pending_scheduling_gated", "quota\\.example\\.com/admission")],
    spare=["Node/node-1"],
)
def gate_quota(c):
    ns = c.ns("genome")
    since = c.ago(h=1, m=2)
    c.roll(
        ns,
        "aligner",
        [ctr("aligner", REG + "/genome/aligner:2.1.0", req="1/2Gi", lim="2/4Gi")],
        [{"created": since, "gated": True}],
        since,
        created=since,
        progress="deadline",
        tmpl={"schedulingGates": [{"name": "quota.example.com/admission"}]},
    )
    c.app(ns, "browser", REG + "/genome/browser:1.0.0", lang="node")


@story(
    "preempted-night",
    "A batch workload with a very high priority pushes the web pods out",
    en="shop-front pods vanish and are pending, half an hour now. They were not changed for weeks.",
    zh="shop-front 的 Pod 消失后变成 Pending 半小时了，几周没动过它。",
    causes=[cause("mart/Deployment/price-crunch", "priority_preempted", "[Pp]reempt|抢占", "urgent-batch")],
    spare=["mart/Deployment/shop-front", "Node/node-1"],
    workers=1,
)
def preempted_night(c):
    ns = c.ns("mart")
    since = c.ago(m=31)
    c.make(
        "scheduling.k8s.io/v1",
        "PriorityClass",
        "urgent-batch",
        None,
        c.ago(d=2),
        {"value": 900000, "preemptionPolicy": "PreemptLowerPriority", "description": "batch of the quarter"},
    )
    crunch = c.deploy(
        ns,
        "price-crunch",
        [ctr("crunch", REG + "/mart/crunch:1.0.0", req="2800m/6Gi", lim="4/8Gi")],
        1,
        created=since - sec(3),
        states=[{"created": since - sec(3), "sched_at": since + sec(31), "priority": 900000}],
        tmpl={"priorityClassName": "urgent-batch"},
    )
    msg = c.unsched([(1, "Insufficient cpu")], [(1, NO_VICTIM)])
    w = c.roll(
        ns,
        "shop-front",
        [web("front", REG + "/mart/front:11.2.0", req="1/512Mi", lim="2/1Gi")],
        [{"created": since + sec(1 + i), "pending": msg} for i in range(2)],
        since,
        created=c.ago(d=44),
        svc=80,
    )
    winner = crunch.pods[0]["metadata"]
    for _i, p in enumerate(w.pods):
        c.sched_event(p, "FailedScheduling", msg, since + sec(2), last=c.ago(m=1), count=7)
        gone = {
            "apiVersion": "v1",
            "kind": "Pod",
            "namespace": ns,
            "name": f"{w.sets[0]['metadata']['name']}-{c.rand(5)}",
            "uid": c.uid(),
            "resourceVersion": "1",
        }
        c.event(
            p,
            "Normal",
            "Preempted",
            f"Preempted by pod {winner['uid']} on node node-1",
            since,
            component="default-scheduler",
            ref=gone,
        )
    c.sched_event(
        crunch.pods[0],
        "FailedScheduling",
        c.unsched([(1, "Insufficient cpu")], [(1, "Insufficient cpu")]),
        since - sec(3),
    )
