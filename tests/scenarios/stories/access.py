"""Who may do what."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, dead, pl, sec, story, zl


@story(
    "lease-rbac",
    "A controller cannot renew its leader lease: the Role lacks update",
    en="cert-rotator does nothing any more since the Helm upgrade. Its pod is Running.",
    zh="Helm 升级之后 cert-rotator 什么都不做了，Pod 是 Running 的。",
    causes=[cause("rotators/Role/cert-rotator", "rbac_denied", "leases", "update")],
    spare=["rotators/Deployment/cert-rotator", "rotators/RoleBinding/cert-rotator"],
    remedy=("patch", "rotators/Role/cert-rotator"),
)
def lease_rbac(c):
    ns = c.ns("rotators")
    c.sa(ns, "cert-rotator")
    c.role(
        ns,
        "cert-rotator",
        [
            {"apiGroups": ["coordination.k8s.io"], "resources": ["leases"], "verbs": ["get", "create"]},
            {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list", "update"]},
        ],
        changed=c.ago(h=3),
    )
    c.bind(ns, "cert-rotator", "cert-rotator", [(ns, "cert-rotator")])
    w = c.deploy(
        ns,
        "cert-rotator",
        [ctr("rotator", REG + "/rotators/rotator:2.0.0", req="20m/32Mi", lim="100m/64Mi")],
        1,
        created=c.ago(h=3),
        tmpl={"sa": "cert-rotator"},
    )
    c.log(
        w.pods[0],
        "rotator",
        c.spell(
            c.ago(m=40),
            15,
            lambda t: c.klog(
                t,
                "E",
                "leaderelection.go:441",
                'Failed to update lock optimistically: leases.coordination.k8s.io "cert-rotator" is forbidden: User "system:serviceaccount:rotators:cert-rotator" cannot update resource "leases" in API group "coordination.k8s.io" in the namespace "rotators"',
            ),
        ),
    )


@story(
    "binding-namespace",
    "A RoleBinding names the account of another namespace",
    en="The tenant operator logs forbidden since it moved to its own namespace.",
    zh="租户 operator 搬到单独的命名空间之后一直报 forbidden。",
    causes=[
        cause("ClusterRoleBinding/tenant-operator", "rbac_denied", "tenant-operator", "namespaces|tenants-old|tenants")
    ],
    spare=["tenants/Deployment/tenant-operator", "ClusterRole/tenant-operator"],
)
def binding_namespace(c):
    ns = c.ns("tenants")
    c.ns("tenants-old")
    c.sa(ns, "tenant-operator")
    c.role(
        None,
        "tenant-operator",
        [{"apiGroups": [""], "resources": ["namespaces", "resourcequotas"], "verbs": ["*"]}],
        cluster=True,
    )
    c.bind(None, "tenant-operator", "tenant-operator", [("tenants-old", "tenant-operator")], cluster=True)
    w = c.deploy(
        ns,
        "tenant-operator",
        [ctr("operator", REG + "/tenants/operator:1.1.0", req="20m/32Mi", lim="100m/64Mi")],
        1,
        created=c.ago(h=5),
        tmpl={"sa": "tenant-operator"},
    )
    c.log(
        w.pods[0],
        "operator",
        c.spell(
            c.ago(m=30),
            20,
            lambda t: zl(
                t,
                "ERROR",
                "controller-runtime.cache",
                "failed to list namespaces",
                error='namespaces is forbidden: User "system:serviceaccount:tenants:tenant-operator" cannot list resource "namespaces" in API group "" at the cluster scope',
            ),
        ),
    )


@story(
    "backup-rbac",
    "A backup job fails because its binding was removed",
    en="Nightly inventory snapshots failed two nights in a row, see snapshot cron.",
    zh="夜间盘点快照连续两晚失败，看一下 snapshot 定时任务。",
    causes=[cause("warehouse/Role/snapshot", "rbac_denied", "pods/exec|exec", "create")],
    spare=["warehouse/CronJob/snapshot", "warehouse/Deployment/stocktake"],
)
def backup_rbac(c):
    ns = c.ns("warehouse")
    c.app(ns, "stocktake", REG + "/warehouse/stocktake:1.0.0")
    c.sa(ns, "snapshot")
    c.role(
        ns, "snapshot", [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}], changed=c.ago(d=2, h=3)
    )
    c.bind(ns, "snapshot", "snapshot", [(ns, "snapshot")])
    at = c.ago(h=7)
    js = c.job_spec(
        [ctr("snapshot", REG + "/warehouse/snapshot:1.4.0", req="20m/32Mi", lim="100m/64Mi")], backoff=1, sa="snapshot"
    )
    cj = c.cronjob(ns, "snapshot", "10 2 * * *", js, last=at, ok=c.ago(d=3))

    run = c.cron_run(
        cj,
        at,
        fail=("BackoffLimitExceeded", "Job has reached the specified backoff limit", at + sec(70)),
        pods=[
            {"created": at + sec(30 * i), "cs": {"snapshot": dead(1, at + sec(2 + 30 * i), at + sec(4 + 30 * i))}}
            for i in range(2)
        ],
    )
    for p in run.pods:
        c.log(
            p,
            "snapshot",
            [
                pl(at + sec(3), "INFO", "snapshot", "dumping stocktake"),
                pl(
                    at + sec(4),
                    "ERROR",
                    "snapshot",
                    'pods "stocktake-0" is forbidden: User "system:serviceaccount:warehouse:snapshot" cannot create resource "pods/exec" in API group "" in the namespace "warehouse"',
                ),
            ],
        )
    c.event(
        run.obj,
        "Warning",
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        at + sec(70),
        component="job-controller",
    )
