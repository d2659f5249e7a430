"""The catalogue of kinds: where the API serves them, and every name that people use for them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from agents.cluster.errors import UnknownKind


@dataclass(frozen=True)
class Kind:
    """One kind of object, as `kubectl api-resources` would show it."""

    name: str
    """`Deployment`."""
    plural: str
    """`deployments`: what URLs, RBAC rules and audit events call it."""
    group: str = ""
    """`apps`; empty for the core group."""
    version: str = "v1"
    short: tuple[str, ...] = ()
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """`apps/v1`, and `v1` for the core group."""
        return f"{self.group}/{self.version}" if self.group else self.version


def _kinds(group: str, version: str, namespaced: bool, *rows: str) -> list[Kind]:
    """Rows are `Kind plural [short names]`."""
    made: list[Kind] = []
    for row in rows:
        name, plural, *short = row.split()
        made.append(Kind(name, plural, group, version, tuple(short), namespaced))
    return made


BUILT_IN: tuple[Kind, ...] = (
    *_kinds(
        "",
        "v1",
        True,
        "Pod pods po",
        "Service services svc",
        "Endpoints endpoints ep",
        "ConfigMap configmaps cm",
        "Secret secrets",
        "ServiceAccount serviceaccounts sa",
        "PersistentVolumeClaim persistentvolumeclaims pvc",
        "ResourceQuota resourcequotas quota",
        "LimitRange limitranges limits",
        "ReplicationController replicationcontrollers rc",
        "Event events ev",
        "PodTemplate podtemplates",
    ),
    *_kinds("", "v1", False, "Node nodes no", "Namespace namespaces ns", "PersistentVolume persistentvolumes pv"),
    *_kinds(
        "apps",
        "v1",
        True,
        "Deployment deployments deploy",
        "ReplicaSet replicasets rs",
        "StatefulSet statefulsets sts",
        "DaemonSet daemonsets ds",
        "ControllerRevision controllerrevisions",
    ),
    *_kinds("batch", "v1", True, "Job jobs", "CronJob cronjobs cj"),
    *_kinds("autoscaling", "v2", True, "HorizontalPodAutoscaler horizontalpodautoscalers hpa"),
    *_kinds("policy", "v1", True, "PodDisruptionBudget poddisruptionbudgets pdb"),
    *_kinds("networking.k8s.io", "v1", True, "Ingress ingresses ing", "NetworkPolicy networkpolicies netpol"),
    *_kinds("networking.k8s.io", "v1", False, "IngressClass ingressclasses"),
    *_kinds("discovery.k8s.io", "v1", True, "EndpointSlice endpointslices"),
    *_kinds("rbac.authorization.k8s.io", "v1", True, "Role roles", "RoleBinding rolebindings"),
    *_kinds(
        "rbac.authorization.k8s.io", "v1", False, "ClusterRole clusterroles", "ClusterRoleBinding clusterrolebindings"
    ),
    *_kinds(
        "storage.k8s.io",
        "v1",
        False,
        "StorageClass storageclasses sc",
        "VolumeAttachment volumeattachments",
        "CSIDriver csidrivers",
        "CSINode csinodes",
    ),
    *_kinds("storage.k8s.io", "v1", True, "CSIStorageCapacity csistoragecapacities"),
    *_kinds("scheduling.k8s.io", "v1", False, "PriorityClass priorityclasses pc"),
    *_kinds("node.k8s.io", "v1", False, "RuntimeClass runtimeclasses"),
    *_kinds("coordination.k8s.io", "v1", True, "Lease leases"),
    *_kinds(
        "admissionregistration.k8s.io",
        "v1",
        False,
        "ValidatingWebhookConfiguration validatingwebhookconfigurations",
        "MutatingWebhookConfiguration mutatingwebhookconfigurations",
        "ValidatingAdmissionPolicy validatingadmissionpolicies",
        "ValidatingAdmissionPolicyBinding validatingadmissionpolicybindings",
    ),
    *_kinds("apiregistration.k8s.io", "v1", False, "APIService apiservices"),
    *_kinds("apiextensions.k8s.io", "v1", False, "CustomResourceDefinition customresourcedefinitions crd crds"),
    *_kinds("certificates.k8s.io", "v1", False, "CertificateSigningRequest certificatesigningrequests csr"),
    *_kinds(
        "flowcontrol.apiserver.k8s.io",
        "v1",
        False,
        "FlowSchema flowschemas",
        "PriorityLevelConfiguration prioritylevelconfigurations",
    ),
    *_kinds(
        "gateway.networking.k8s.io", "v1", True, "Gateway gateways gtw", "HTTPRoute httproutes", "GRPCRoute grpcroutes"
    ),
    *_kinds("gateway.networking.k8s.io", "v1beta1", True, "ReferenceGrant referencegrants refgrant"),
    *_kinds("gateway.networking.k8s.io", "v1", False, "GatewayClass gatewayclasses gc"),
)
"""Built-in kinds, and the Gateway API, which ships as custom resources but reads like a built-in."""


class Catalogue:
    """Finds a Kind by any name people use: kind, plural, short name, or one of them with its group."""

    def __init__(self, kinds: Iterable[Kind] = BUILT_IN) -> None:
        self._by_name: dict[str, Kind] = {}
        self._known: dict[tuple[str, str], Kind] = {}
        for kind in kinds:
            self.add(kind)

    def add(self, kind: Kind) -> None:
        """Learns a kind. A bare name stays with whoever had it first; `group/Kind` always finds this one."""
        self._known.setdefault((kind.group, kind.name), kind)
        for name in (kind.name, kind.plural, *kind.short):
            low = name.lower()
            self._by_name.setdefault(low, kind)
            self._by_name[f"{kind.group}/{low}"] = kind
            if kind.group:
                self._by_name[f"{low}.{kind.group}"] = kind

    def find(self, name: str | Kind) -> Kind | None:
        """The kind, or None, for `Pod`, `pods`, `po`, `apps/Deployment`, `deployments.apps`, `apps/v1/Deployment`."""
        if isinstance(name, Kind):
            return name
        low = name.strip().lower()
        if low.count("/") == 2:
            group, _, last = low.split("/")
            low = f"{group}/{last}"
        elif low.startswith("v1/"):
            low = f"/{low.removeprefix('v1/')}"
        return self._by_name.get(low)

    def get(self, name: str | Kind) -> Kind:
        """The kind. Raises UnknownKind."""
        kind = self.find(name)
        if kind is None:
            raise UnknownKind(str(name))
        return kind

    def __iter__(self) -> Iterator[Kind]:
        return iter(self._known.values())


CATALOGUE = Catalogue()
"""The built-in kinds. Shared: do not add to it; a Cluster has its own, with its custom resources."""


def kinds_of_crd(definition: dict[str, Any]) -> Kind | None:
    """The kind that a CustomResourceDefinition serves, in its storage version; None when it serves none."""
    spec = definition.get("spec") or {}
    names = spec.get("names") or {}
    served = [version for version in spec.get("versions") or [] if version.get("served")]
    if not served or not names.get("kind") or not names.get("plural"):
        return None
    version = next((version for version in served if version.get("storage")), served[0])
    return Kind(
        name=names["kind"],
        plural=names["plural"],
        group=spec.get("group", ""),
        version=version["name"],
        short=tuple(names.get("shortNames") or ()),
        namespaced=spec.get("scope") != "Cluster",
    )
