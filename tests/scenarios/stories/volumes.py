"""Claims and volumes."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, jl, sec, story, tcp, v_pvc, web

NO_HELP = "Preemption is not helpful for scheduling"


@story(
    "ledgerbook-claim",
    "A deployment mounts a claim under a name that does not exist",
    en="rental-book does not start after the chart upgrade. The volume still exists!",
    zh="chart 升级之后 rental-book 起不来了，卷明明还在！",
    causes=[cause("rental/Deployment/rental-book", "pvc_missing", "rental-book-data\\b")],
    spare=["rental/PersistentVolumeClaim/rental-data"],
)
def ledgerbook_claim(c):
    ns = c.ns("rental")
    c.pvc(ns, "rental-data", "5Gi", "standard")
    msg = 'persistentvolumeclaim "rental-book-data" not found'
    msg = f"0/2 nodes are available: {msg}. {'no new claims to deallocate, ' if c.minor >= 34 else ''}preemption: 0/2 nodes are available: 2 {NO_HELP}."
    c.unscheduled(
        ns,
        "rental-book",
        [web("book", REG + "/rental/book:4.0.0", mounts=[("data", "/data")])],
        msg,
        c.ago(m=33),
        old=[web("book", REG + "/rental/book:3.9.0")],
        tmpl={"volumes": [v_pvc("data", "rental-book-data")]},
        svc=80,
    )


@story(
    "pigeon-class",
    "A claim without a class in a cluster that has no default class",
    en="The homing-db was installed from its chart and hangs in Pending. Works on our other cluster.",
    zh="homing-db 用 chart 装好后一直 Pending，在另一个集群就没问题。",
    causes=[
        cause(
            "pigeon/PersistentVolumeClaim/data-homing-db-0",
            "pvc_storage_class_missing",
            "default|storageClassName|StorageClass|存储类",
        )
    ],
    spare=["pigeon/StatefulSet/homing-db"],
    storage=None,
)
def pigeon_class(c):
    c.storage_class("archive-hdd", "disk.csi.example.com")
    ns = c.ns("pigeon")
    since = c.ago(m=28)
    msg = "0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. not found"
    w = c.unscheduled(
        ns,
        "homing-db",
        [
            ctr(
                "db",
                "docker.io/library/postgres:17.6",
                ports=[("pg", 5432)],
                req="100m/128Mi",
                lim="-/256Mi",
                ready=tcp("pg"),
                mounts=[("data", "/var/lib/postgresql/data")],
            )
        ],
        msg,
        since,
        kind="sts",
        vct="data",
        vol_class=None,
        pvc_states={0: {"bound": False}},
    )
    c.svc(ns, "homing-db", [("pg", 5432, "pg")])
    del w.obj["spec"]["volumeClaimTemplates"][0]["spec"]["storageClassName"]
    c.event(
        c.get("PersistentVolumeClaim", "data-homing-db-0", ns),
        "Normal",
        "FailedBinding",
        "no persistent volumes available for this claim and no storage class is set",
        c.ago(s=8),
        112,
        since,
        "persistentvolume-controller",
    )


@story(
    "mural-size",
    "A static claim asks for more than the prepared volume has",
    en="mural-archive waits for its disk since an hour; the storage team says they created the volume.",
    zh="mural-archive 等磁盘等了一个小时，存储组说卷已经建好了。",
    causes=[cause("mural/PersistentVolumeClaim/mural-archive", "pvc_unbound", "200Gi")],
    spare=["mural/Deployment/mural-archive"],
)
def mural_size(c):
    ns = c.ns("mural")
    since = c.ago(h=1, m=3)
    c.make(
        "v1",
        "PersistentVolume",
        "nfs-mural-01",
        None,
        c.ago(h=2),
        {
            "spec": {
                "accessModes": ["ReadWriteMany"],
                "capacity": {"storage": "100Gi"},
                "nfs": {"path": "/export/mural", "server": "10.0.9.4"},
                "persistentVolumeReclaimPolicy": "Retain",
                "storageClassName": "manual-nfs",
                "volumeMode": "Filesystem",
            },
            "status": {"phase": "Available"},
        },
        finalizers=["kubernetes.io/pv-protection"],
    )
    c.make(
        "storage.k8s.io/v1",
        "StorageClass",
        "manual-nfs",
        None,
        c.ago(d=80),
        {"provisioner": "kubernetes.io/no-provisioner", "reclaimPolicy": "Retain", "volumeBindingMode": "Immediate"},
    )
    pvc = c.pvc(ns, "mural-archive", "200Gi", "manual-nfs", created=since, mode="ReadWriteMany", bound=False)
    c.event(
        pvc,
        "Warning",
        "ProvisioningFailed",
        "no volume plugin matched name: kubernetes.io/no-provisioner",
        c.ago(s=12),
        250,
        since,
        "persistentvolume-controller",
    )
    msg = f"0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. {'no new claims to deallocate, ' if c.minor >= 34 else ''}preemption: 0/2 nodes are available: 2 {NO_HELP}."
    c.unscheduled(
        ns,
        "mural-archive",
        [web("archive", REG + "/mural/archive:1.0.0", mounts=[("data", "/archive")])],
        msg,
        since,
        tmpl={"volumes": [v_pvc("data", "mural-archive")]},
    )


@story(
    "provision-quota",
    "The provisioner refuses because the disk quota of the project is used up",
    en="New tenants of the wiki farm get no database, old ones are fine. Pending for 40 minutes.",
    zh="wiki 农场的新租户拿不到数据库，老租户正常，Pending 了四十分钟。",
    causes=[cause("wikis/PersistentVolumeClaim/data-wiki-t77-0", "pvc_unbound", "SSD_TOTAL_GB|[Qq]uota|配额")],
    spare=["wikis/StatefulSet/wiki-t12", "wikis/StatefulSet/wiki-t77"],
)
def provision_quota(c):
    ns = c.ns("wikis")
    since = c.ago(m=40)
    tpl = [ctr("wiki", REG + "/wikis/wiki:8.0.0", req="50m/128Mi", lim="200m/256Mi", mounts=[("data", "/var/wiki")])]
    c.sts(ns, "wiki-t12", tpl, 1, vct="data")
    msg = f"0/2 nodes are available: pod has unbound immediate PersistentVolumeClaims. preemption: 0/2 nodes are available: 2 {NO_HELP}."
    c.unscheduled(ns, "wiki-t77", tpl, msg, since, kind="sts", vct="data", pvc_states={0: {"bound": False}})
    pvc = c.get("PersistentVolumeClaim", "data-wiki-t77-0", ns)
    c.event(
        pvc,
        "Normal",
        "ExternalProvisioning",
        "Waiting for a volume to be created either by the external provisioner 'disk.csi.example.com' or manually by the system administrator. If volume creation is delayed, please verify that the provisioner is running and correctly registered.",
        c.ago(s=5),
        160,
        since,
        "persistentvolume-controller",
    )
    c.event(
        pvc,
        "Warning",
        "ProvisioningFailed",
        'failed to provision volume with StorageClass "standard": rpc error: code = ResourceExhausted desc = Quota SSD_TOTAL_GB exceeded. Limit: 500.0 in region region-1.',
        c.ago(m=2),
        14,
        since + sec(4),
        "disk.csi.example.com_disk-csi-controller-0_5f2",
    )


@story(
    "local-volume",
    "A local volume lives on a node that was removed from service",
    en="metrics-keeper is pending after node maintenance, volume node affinity conflict?! It ran for months.",
    zh="节点维护后 metrics-keeper 一直 Pending，提示 volume node affinity conflict，之前跑了几个月都没事。",
    causes=[cause("PersistentVolume/@pv", "pv_node_affinity", "node-9")],
    spare=["keeper/StatefulSet/metrics-keeper"],
)
def local_volume(c):
    ns = c.ns("keeper")
    since = c.ago(m=53)
    msg = c.unsched(
        [
            (
                2,
                "node(s) didn't match PersistentVolume's node affinity"
                if c.minor >= 34
                else "node(s) had volume node affinity conflict",
            )
        ],
        [(2, NO_HELP)],
    )
    c.unscheduled(
        ns,
        "metrics-keeper",
        [ctr("keeper", REG + "/keeper/keeper:1.0.0", req="50m/64Mi", lim="100m/128Mi", mounts=[("data", "/data")])],
        msg,
        since,
        kind="sts",
        vct="data",
        vol_class="local-path",
        pvc_states={0: {"local": "node-9"}},
    )
    c.storage_class("local-path", "rancher.io/local-path")
    c.aliases["PersistentVolume/@pv"] = (
        f"PersistentVolume/{c.get('PersistentVolumeClaim', 'data-metrics-keeper-0', ns)['spec']['volumeName']}"
    )


@story(
    "multi-attach",
    "A rolling update of a workload with a ReadWriteOnce disk",
    en="The photo-index update is stuck with the new pod in ContainerCreating for 20 minutes, is the node bad?",
    zh="photo-index 更新卡住了，新 Pod 在 ContainerCreating 二十分钟，是节点坏了吗？",
    causes=[cause("photos/Deployment/photo-index", "volume_multi_attach", "Multi-Attach|ReadWriteOnce|RWO")],
    spare=["Node/node-1", "Node/node-2"],
)
def multi_attach(c):
    ns = c.ns("photos")
    since = c.ago(m=21)
    pvc = c.pvc(ns, "photo-index", "20Gi", "standard")
    vol = {"volumes": [v_pvc("data", "photo-index")]}
    tpl = lambda v: [web("index", f"{REG}/photos/index:{v}", mounts=[("data", "/index")])]  # noqa: E731
    w = c.deploy(
        ns,
        "photo-index",
        tpl("2.1.0"),
        1,
        created=c.ago(d=60),
        rolled=since,
        progress="deadline",
        tmpl=vol,
        states=[{"created": since, "node": "node-2", "sandbox": False}],
        history=[
            {
                "containers": tpl("2.0.4"),
                "created": c.ago(d=30),
                "changed": since,
                "states": [{"created": c.ago(d=30), "node": "node-1"}],
                "want": 1,
            }
        ],
    )
    old, new = w.pods
    c.event(
        new,
        "Warning",
        "FailedAttachVolume",
        f'Multi-Attach error for volume "{pvc["spec"]["volumeName"]}" Volume is already used by pod(s) {old["metadata"]["name"]}',
        since + sec(2),
        component="attachdetach-controller",
    )
    c.svc(ns, "photo-index", [("http", 80, "http")])


@story(
    "nfs-mount",
    "An NFS export refuses the mount",
    en="scan-viewer pods hang in ContainerCreating, 35 minutes already.",
    zh="scan-viewer 的 Pod 卡在 ContainerCreating，已经三十五分钟。",
    causes=[cause("scans/Deployment/scan-viewer", "volume_mount_failed", "nfs-old|access denied|拒绝")],
    spare=["scans/Deployment/scan-list"],
)
def nfs_mount(c):
    ns = c.ns("scans")
    c.app(ns, "scan-list", REG + "/scans/list:1.0.0")
    err = 'MountVolume.SetUp failed for volume "scans" : mount failed: exit status 32\nMounting command: mount\nMounting arguments: -t nfs nfs-old.example.internal:/scans /var/lib/kubelet/pods/6f1/volumes/kubernetes.io~nfs/scans\nOutput: mount.nfs: access denied by server while mounting nfs-old.example.internal:/scans'
    c.no_mount(
        ns,
        "scan-viewer",
        [web("viewer", REG + "/scans/viewer:2.0.0", mounts=[("scans", "/scans", "ro")])],
        err,
        c.ago(m=35),
        n=2,
        svc=80,
        tmpl={"volumes": [{"name": "scans", "nfs": {"path": "/scans", "server": "nfs-old.example.internal"}}]},
    )


@story(
    "queue-disk",
    "A broker's disk is full, writes are refused",
    en="Publishing orders to the queue fails with an error since ten past, consumers still read. Do we need more brokers?",
    zh="从十分钟前起向队列发布订单就报错，消费还正常，需要加 broker 吗？",
    causes=[
        cause(
            "queue/PersistentVolumeClaim/data-courier-mq-0",
            "volume_full",
            "[Nn]o space left|\\bfull\\b|满|空间不足|耗尽",
        )
    ],
    spare=["queue/Deployment/order-publisher", "queue/StatefulSet/courier-mq"],
)
def queue_disk(c):
    ns = c.ns("queue")
    since = c.ago(m=33)
    mq = c.sts(
        ns,
        "courier-mq",
        [
            ctr(
                "mq",
                REG + "/queue/courier-mq:2.9.0",
                ports=[("mq", 4222)],
                req="100m/128Mi",
                lim="-/256Mi",
                ready=tcp("mq"),
                mounts=[("data", "/data")],
            )
        ],
        1,
        vct="data",
        vol_size="2Gi",
    )
    c.svc(ns, "courier-mq", [("mq", 4222, "mq")], headless=True)
    c.log(
        mq.pods[0],
        "mq",
        c.spell(
            since,
            25,
            lambda t: (
                f"[1] {t:%Y/%m/%d %H:%M:%S}.214 [ERR] JetStream failed to store a msg on stream 'ORDERS': write /data/jetstream/ORDERS/msgs/{c.rng.randint(100, 999)}.blk: no space left on device"
            ),
        ),
    )
    pub = c.app(ns, "order-publisher", REG + "/queue/order-publisher:1.2.0")
    c.complains(
        pub,
        since,
        30,
        lambda t: jl(
            t,
            "error",
            "publish failed",
            stream="ORDERS",
            error="nats: insufficient storage resources available (err_code=10047)",
        ),
    )
    lab = {
        "namespace": ns,
        "persistentvolumeclaim": "data-courier-mq-0",
        "job": "kubelet",
        "node": mq.pods[0]["spec"]["nodeName"],
    }
    grid = [c.ago(m=120) + sec(300 * i) for i in range(25)]
    c.sample(
        "kubelet_volume_stats_capacity_bytes",
        "gauge",
        "Capacity in bytes of the volume",
        lab,
        [(t, 2097152000) for t in grid],
    )
    c.sample(
        "kubelet_volume_stats_available_bytes",
        "gauge",
        "Number of available bytes in the volume",
        lab,
        [(t, max(0, int((since - t).total_seconds() * 90000))) for t in grid],
    )
