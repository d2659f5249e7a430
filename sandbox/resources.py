"""What kinds of objects the API serves: the built-in ones, and those that CustomResourceDefinitions add."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from sandbox.objects import Object, dig

Key = tuple[str, str]
"""Where objects are stored: API group and plural. The versions of one resource share it."""

EVENTS: Key = ("", "events")
PODS: Key = ("", "pods")
NODES: Key = ("", "nodes")
NAMESPACES: Key = ("", "namespaces")
CRDS: Key = ("apiextensions.k8s.io", "customresourcedefinitions")
METRICS_GROUP = "metrics.k8s.io"
REVIEW_GROUPS = ("authorization.k8s.io", "authentication.k8s.io")
ALL_VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")

# group version | plural | kind | short names | n: namespaced | subresources | in `kubectl get all`
_BUILT_IN = """
v1|namespaces|Namespace|ns||status,finalize|
v1|nodes|Node|no||status,proxy|
v1|pods|Pod|po|n|log,exec,eviction,status,binding,attach,portforward,ephemeralcontainers,resize|all
v1|services|Service|svc|n|status,proxy|all
v1|endpoints|Endpoints|ep|n||
v1|configmaps|ConfigMap|cm|n||
v1|secrets|Secret||n||
v1|serviceaccounts|ServiceAccount|sa|n|token|
v1|events|Event|ev|n||
v1|persistentvolumes|PersistentVolume|pv||status|
v1|persistentvolumeclaims|PersistentVolumeClaim|pvc|n|status|
v1|resourcequotas|ResourceQuota|quota|n|status|
v1|limitranges|LimitRange|limits|n||
v1|replicationcontrollers|ReplicationController|rc|n|status,scale|all
v1|podtemplates|PodTemplate||n||
apps/v1|deployments|Deployment|deploy|n|status,scale|all
apps/v1|replicasets|ReplicaSet|rs|n|status,scale|all
apps/v1|statefulsets|StatefulSet|sts|n|status,scale|all
apps/v1|daemonsets|DaemonSet|ds|n|status|all
apps/v1|controllerrevisions|ControllerRevision||n||
batch/v1|jobs|Job||n|status|all
batch/v1|cronjobs|CronJob|cj|n|status|all
networking.k8s.io/v1|ingresses|Ingress|ing|n|status|
networking.k8s.io/v1|ingressclasses|IngressClass||||
networking.k8s.io/v1|networkpolicies|NetworkPolicy|netpol|n||
policy/v1|poddisruptionbudgets|PodDisruptionBudget|pdb|n|status|
autoscaling/v2|horizontalpodautoscalers|HorizontalPodAutoscaler|hpa|n|status|all
autoscaling/v1|horizontalpodautoscalers|HorizontalPodAutoscaler|hpa|n|status|all
discovery.k8s.io/v1|endpointslices|EndpointSlice||n||
events.k8s.io/v1|events|Event|ev|n||
coordination.k8s.io/v1|leases|Lease||n||
scheduling.k8s.io/v1|priorityclasses|PriorityClass|pc|||
node.k8s.io/v1|runtimeclasses|RuntimeClass||||
storage.k8s.io/v1|storageclasses|StorageClass|sc|||
storage.k8s.io/v1|csinodes|CSINode||||
storage.k8s.io/v1|csidrivers|CSIDriver||||
storage.k8s.io/v1|csistoragecapacities|CSIStorageCapacity||n||
storage.k8s.io/v1|volumeattachments|VolumeAttachment|||status|
rbac.authorization.k8s.io/v1|roles|Role||n||
rbac.authorization.k8s.io/v1|rolebindings|RoleBinding||n||
rbac.authorization.k8s.io/v1|clusterroles|ClusterRole||||
rbac.authorization.k8s.io/v1|clusterrolebindings|ClusterRoleBinding||||
apiextensions.k8s.io/v1|customresourcedefinitions|CustomResourceDefinition|crd,crds||status|
apiregistration.k8s.io/v1|apiservices|APIService|||status|
admissionregistration.k8s.io/v1|validatingwebhookconfigurations|ValidatingWebhookConfiguration||||
admissionregistration.k8s.io/v1|mutatingwebhookconfigurations|MutatingWebhookConfiguration||||
admissionregistration.k8s.io/v1|validatingadmissionpolicies|ValidatingAdmissionPolicy|||status|
admissionregistration.k8s.io/v1|validatingadmissionpolicybindings|ValidatingAdmissionPolicyBinding||||
certificates.k8s.io/v1|certificatesigningrequests|CertificateSigningRequest|csr||status,approval|
flowcontrol.apiserver.k8s.io/v1|flowschemas|FlowSchema|||status|
flowcontrol.apiserver.k8s.io/v1|prioritylevelconfigurations|PriorityLevelConfiguration|||status|
authorization.k8s.io/v1|selfsubjectaccessreviews|SelfSubjectAccessReview||||
authorization.k8s.io/v1|selfsubjectrulesreviews|SelfSubjectRulesReview||||
authorization.k8s.io/v1|subjectaccessreviews|SubjectAccessReview||||
authorization.k8s.io/v1|localsubjectaccessreviews|LocalSubjectAccessReview||n||
authentication.k8s.io/v1|selfsubjectreviews|SelfSubjectReview||||
authentication.k8s.io/v1|tokenreviews|TokenReview||||
metrics.k8s.io/v1beta1|pods|PodMetrics||n||
metrics.k8s.io/v1beta1|nodes|NodeMetrics||||
"""


@dataclass(frozen=True)
class Resource:
    """One kind in one API version."""

    group: str
    version: str
    plural: str
    kind: str
    namespaced: bool
    short_names: tuple[str, ...] = ()
    subresources: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    custom: bool = False
    """From a CustomResourceDefinition, or derived for a kind that no definition names: no schema is known."""

    @property
    def api_version(self) -> str:
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def key(self) -> Key:
        return EVENTS if self.plural == "events" else (self.group, self.plural)

    @property
    def qualified(self) -> str:
        """The name that error messages use: `deployments.apps`, `pods`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def is_review(self) -> bool:
        """Answered, never stored: access and token reviews."""
        return self.group in REVIEW_GROUPS

    @property
    def is_metrics(self) -> bool:
        return self.group == METRICS_GROUP

    @property
    def verbs(self) -> tuple[str, ...]:
        if self.is_review:
            return ("create",)
        return ("get", "list") if self.is_metrics else ALL_VERBS


def _built_in() -> Iterator[Resource]:
    for line in _BUILT_IN.strip().splitlines():
        api_version, plural, kind, short, scope, subresources, categories = line.split("|")
        group, _, version = api_version.rpartition("/")
        yield Resource(
            group, version, plural, kind, scope == "n", _names(short), _names(subresources), _names(categories)
        )


def _names(listed: str) -> tuple[str, ...]:
    return tuple(name for name in listed.split(",") if name)


def plural_of(kind: str) -> str:
    """The plural that English and most API authors would give a kind; only for kinds without a definition."""
    word = kind.lower()
    if re.search(r"(s|x|ch|sh)$", word):
        return word + "es"
    return word[:-1] + "ies" if re.search(r"[^aeiou]y$", word) else word + "s"


class Catalogue:
    """All resources that are served, by path and by kind; grows and shrinks with CustomResourceDefinitions."""

    def __init__(self) -> None:
        self._by_path = {(item.group, item.version, item.plural): item for item in _built_in()}
        self.generation = 0
        """Counts changes, for caches of what is derived from the catalogue."""

    def __iter__(self) -> Iterator[Resource]:
        return iter(tuple(self._by_path.values()))

    def find(self, group: str, version: str, plural: str) -> Resource | None:
        return self._by_path.get((group, version, plural))

    def stored(self, key: Key) -> Resource:
        """The resource that names a storage key; raises KeyError for an unknown one."""
        for item in self._by_path.values():
            if item.key == key:
                return item
        raise KeyError(key)

    def of_kind(self, api_version: str, kind: str) -> Resource | None:
        group, _, version = api_version.rpartition("/")
        return next(
            (r for r in self._by_path.values() if (r.group, r.version, r.kind) == (group, version, kind)),
            None,
        )

    def groups(self) -> dict[str, list[str]]:
        """Group to versions, in the order they were registered (the preferred version first)."""
        found: dict[str, list[str]] = {}
        for item in self._by_path.values():
            versions = found.setdefault(item.group, [])
            if item.version not in versions:
                versions.append(item.version)
        return found

    def hide_group(self, group: str) -> None:
        """Stop serving a whole group, such as metrics.k8s.io where no metrics server runs."""
        self._by_path = {path: item for path, item in self._by_path.items() if item.group != group}
        self.generation += 1

    def add(self, resource: Resource) -> None:
        self._by_path.setdefault((resource.group, resource.version, resource.plural), resource)
        self.generation += 1

    def derive(self, api_version: str, kind: str, namespaced: bool) -> Resource:
        """Serve a kind that nobody defined, under a guessed plural."""
        group, _, version = api_version.rpartition("/")
        known = next((item for item in self if (item.group, item.kind) == (group, kind)), None)
        plural = known.plural if known else plural_of(kind)
        resource = Resource(group, version, plural, kind, namespaced, subresources=("status",), custom=True)
        self.add(resource)
        return resource

    def define(self, crd: Object) -> None:
        """Serve what a CustomResourceDefinition declares, in every served version."""
        spec = crd["spec"]
        names = spec["names"]
        for version in sorted(spec.get("versions") or [], key=lambda item: not item.get("storage")):
            if version.get("served", True):
                self.add(
                    Resource(
                        group=spec["group"],
                        version=version["name"],
                        plural=names["plural"],
                        kind=names["kind"],
                        namespaced=spec.get("scope", "Namespaced") == "Namespaced",
                        short_names=tuple(names.get("shortNames") or ()),
                        subresources=tuple(s for s in ("status", "scale") if s in (dig(version, "subresources") or {})),
                        categories=tuple(names.get("categories") or ()),
                        custom=True,
                    )
                )

    def undefine(self, crd: Object) -> None:
        key = (crd["spec"]["group"], crd["spec"]["names"]["plural"])
        self._by_path = {path: item for path, item in self._by_path.items() if not (item.custom and item.key == key)}
        self.generation += 1
