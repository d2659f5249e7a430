"""Finalizers, custom resources and aggregated APIs."""
# ruff: noqa: E501

from tests.scenarios.builder import REG, cause, ctr, sec, story, ts, zl


@story(
    "rollup-ns",
    "A namespace hangs in Terminating because a custom resource keeps its finalizer",
    en="Deleting the namespace sandbox-7 hangs since yesterday.",
    zh="从昨天开始删除命名空间 sandbox-7 就一直卡着。",
    causes=[cause("sandbox-7/Bucket/uploads", "finalizer_stuck", "objectstore\\.example\\.com/cleanup")],
    spare=["Namespace/sandbox-7"],
    remedy=("patch", "sandbox-7/Bucket/uploads"),
)
def rollup_ns(c):
    at = c.ago(h=18)
    c.crd("buckets", "objectstore.example.com", "Bucket")
    conds = [
        {"lastTransitionTime": ts(at + sec(8)), "message": m, "reason": r, "status": "True", "type": t}
        for t, r, m in (
            (
                "NamespaceContentRemaining",
                "SomeResourcesRemain",
                "Some resources are remaining: buckets.objectstore.example.com has 1 resource instances",
            ),
            (
                "NamespaceFinalizersRemaining",
                "SomeFinalizersRemain",
                "Some content in the namespace has finalizers remaining: objectstore.example.com/cleanup in 1 resource instances",
            ),
        )
    ]
    c.ns("sandbox-7", bare=True, status={"phase": "Terminating", "conditions": conds}, deleting=at, grace=False)
    c.make(
        "objectstore.example.com/v1",
        "Bucket",
        "uploads",
        "sandbox-7",
        c.ago(d=50),
        {"spec": {"size": "20Gi"}, "status": {"phase": "Deleting"}},
        deleting=at + sec(5),
        finalizers=["objectstore.example.com/cleanup"],
        grace=0,
        gen=2,
    )
    c.ns("live")
    c.app("live", "portal", REG + "/live/portal:1.0.0")


@story(
    "pvc-finalizer",
    "A database object waits for an operator that is not installed any more",
    en="I deleted our old reporting database on Monday, it is still in the list with a deletion timestamp.",
    zh="周一删掉的旧报表库还在列表里，带着 deletionTimestamp。",
    causes=[cause("reporting/PgCluster/legacy", "finalizer_stuck", "pg\\.example\\.io/backup-first")],
    spare=["reporting/Deployment/report-ui"],
)
def pvc_finalizer(c):
    ns = c.ns("reporting")
    c.app(ns, "report-ui", REG + "/reporting/ui:1.0.0")
    c.crd("pgclusters", "pg.example.io", "PgCluster")
    c.make(
        "pg.example.io/v1",
        "PgCluster",
        "legacy",
        ns,
        c.ago(d=120),
        {"spec": {"instances": 1, "version": 13}, "status": {"phase": "healthy"}},
        deleting=c.ago(d=3),
        finalizers=["pg.example.io/backup-first"],
        grace=0,
        gen=7,
    )


@story(
    "broker-cr",
    "An operator rejects a custom resource with an unsupported version",
    en="The new kafka topic cluster is not created, the operator is running fine.",
    zh="新的 kafka 集群没有创建出来，operator 运行正常。",
    causes=[
        cause("streams/MessageBroker/events", "custom_resource_rejected", "5\\.1", "[Uu]nsupported|supported|支持")
    ],
    spare=["broker-operator/Deployment/broker-operator"],
)
def broker_cr(c):
    c.crd("messagebrokers", "brokers.example.com", "MessageBroker")
    c.ns("broker-operator")
    op = c.deploy(
        "broker-operator",
        "broker-operator",
        [ctr("operator", REG + "/brokers/operator:0.48.0", req="50m/64Mi", lim="200m/128Mi")],
        1,
        created=c.ago(d=40),
    )
    ns = c.ns("streams")
    at = c.ago(m=52)
    msg = "Unsupported broker version 5.1. Supported versions are: [3.9.0, 4.0.0, 4.1.0]"
    cr = c.make(
        "brokers.example.com/v1",
        "MessageBroker",
        "events",
        ns,
        at,
        {
            "spec": {"replicas": 3, "version": "5.1"},
            "status": {
                "conditions": [
                    {
                        "lastTransitionTime": ts(at + sec(2)),
                        "message": msg,
                        "reason": "InvalidResourceException",
                        "status": "True",
                        "type": "NotReady",
                    }
                ],
                "observedGeneration": 1,
            },
        },
        gen=1,
    )
    c.event(cr, "Warning", "InvalidResourceException", msg, c.ago(m=1), 26, at + sec(2), "broker-operator")
    c.log(
        op.pods[0],
        "operator",
        c.spell(
            at,
            120,
            lambda t: zl(
                t,
                "ERROR",
                "AbstractOperator",
                "Reconciliation failed",
                kind="MessageBroker",
                name="events",
                namespace="streams",
                error=msg,
            ),
        ),
    )


@story(
    "cert-cr",
    "A certificate cannot be issued: its issuer does not exist",
    en="The new shop domain has no TLS. The Certificate is not Ready since 3 hours.",
    zh="新的商城域名没有 TLS，Certificate 三小时了还没 Ready。",
    causes=[cause("boutique/Certificate/boutique-tls", "custom_resource_rejected", "letsencrypt-prd")],
    spare=["cert-manager/Deployment/cert-manager", "ClusterIssuer/letsencrypt-prod"],
)
def cert_cr(c):
    for plural, kind, scope in (
        ("certificates", "Certificate", "Namespaced"),
        ("clusterissuers", "ClusterIssuer", "Cluster"),
    ):
        c.crd(plural, "cert-manager.io", kind, scope=scope)
    c.ns("cert-manager")
    c.app("cert-manager", "cert-manager", "quay.io/jetstack/cert-manager-controller:v1.18.2", svc=None, quiet=True)
    at = c.ago(d=60)
    c.make(
        "cert-manager.io/v1",
        "ClusterIssuer",
        "letsencrypt-prod",
        None,
        at,
        {
            "spec": {"acme": {"server": "https://acme-v02.api.letsencrypt.org/directory"}},
            "status": {
                "conditions": [
                    {
                        "lastTransitionTime": ts(at),
                        "message": "The ACME account was registered with the ACME server",
                        "reason": "ACMEAccountRegistered",
                        "status": "True",
                        "type": "Ready",
                    }
                ]
            },
        },
    )
    ns = c.ns("boutique")
    since = c.ago(h=3)
    cr = c.make(
        "cert-manager.io/v1",
        "Certificate",
        "boutique-tls",
        ns,
        since,
        {
            "spec": {
                "dnsNames": ["boutique.example.com"],
                "issuerRef": {"kind": "ClusterIssuer", "name": "letsencrypt-prd"},
                "secretName": "boutique-tls",
            },
            "status": {
                "conditions": [
                    {
                        "lastTransitionTime": ts(since),
                        "message": "Issuing certificate as Secret does not exist",
                        "observedGeneration": 1,
                        "reason": "DoesNotExist",
                        "status": "False",
                        "type": "Ready",
                    },
                    {
                        "lastTransitionTime": ts(since),
                        "message": 'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "letsencrypt-prd" not found',
                        "observedGeneration": 1,
                        "reason": "IssuerNotFound",
                        "status": "False",
                        "type": "Issuing",
                    },
                ]
            },
        },
        gen=1,
    )
    c.event(
        cr,
        "Warning",
        "IssuerNotFound",
        'Referenced "ClusterIssuer" not found: clusterissuer.cert-manager.io "letsencrypt-prd" not found',
        c.ago(m=6),
        12,
        since,
        "cert-manager-certificates-issuing",
    )


@story(
    "agg-api",
    "An aggregated API has lost its backend",
    en="kubectl get says 'unable to retrieve the complete list of server APIs' and namespaces cannot be deleted.",
    zh="kubectl get 提示 unable to retrieve the complete list of server APIs，命名空间也删不掉。",
    causes=[cause("APIService/v1.packages.example.com", "apiservice_unavailable", "packages")],
    spare=["Namespace/old-demo", "shelf/Deployment/books"],
)
def agg_api(c):
    c.ns("shelf")
    c.app("shelf", "books", REG + "/shelf/books:1.0.0")
    c.ns("pkg-system")
    at = c.ago(h=2)
    msg = 'service/pkg-api in "pkg-system" is not present'
    c.apiservice(
        "v1.packages.example.com",
        "packages.example.com",
        "v1",
        ("pkg-system", "pkg-api"),
        ok=False,
        reason="ServiceNotFound",
        message=msg,
        at=at,
    )
    cond = {
        "lastTransitionTime": ts(at + sec(90)),
        "message": "Discovery failed for some groups, 1 failing: unable to retrieve the complete list of server APIs: packages.example.com/v1: stale GroupVersion discovery: packages.example.com/v1",
        "reason": "DiscoveryFailed",
        "status": "True",
        "type": "NamespaceDeletionDiscoveryFailure",
    }
    c.ns(
        "old-demo", bare=True, status={"phase": "Terminating", "conditions": [cond]}, deleting=at + sec(80), grace=False
    )
