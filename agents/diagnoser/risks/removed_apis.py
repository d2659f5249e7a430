"""API versions that Kubernetes has removed or announced to remove.

Source: kubernetes.io/docs/reference/using-api/deprecation-guide.
"""

from __future__ import annotations

_EVERY_KIND = "*"
_REMOVED: dict[str, dict[str, int]] = {
    "extensions/v1beta1": {"Ingress": 22, _EVERY_KIND: 16},
    "apps/v1beta1": {_EVERY_KIND: 16},
    "apps/v1beta2": {_EVERY_KIND: 16},
    "admissionregistration.k8s.io/v1beta1": {
        "MutatingWebhookConfiguration": 22,
        "ValidatingWebhookConfiguration": 22,
        "ValidatingAdmissionPolicy": 34,
        "ValidatingAdmissionPolicyBinding": 34,
    },
    "apiextensions.k8s.io/v1beta1": {_EVERY_KIND: 22},
    "apiregistration.k8s.io/v1beta1": {_EVERY_KIND: 22},
    "authentication.k8s.io/v1beta1": {"TokenReview": 22},
    "authorization.k8s.io/v1beta1": {_EVERY_KIND: 22},
    "certificates.k8s.io/v1beta1": {"CertificateSigningRequest": 22},
    "coordination.k8s.io/v1beta1": {"Lease": 22},
    "networking.k8s.io/v1beta1": {"Ingress": 22, "IngressClass": 22},
    "rbac.authorization.k8s.io/v1beta1": {_EVERY_KIND: 22},
    "scheduling.k8s.io/v1beta1": {"PriorityClass": 22},
    "storage.k8s.io/v1beta1": {
        "CSIDriver": 22,
        "CSINode": 22,
        "StorageClass": 22,
        "VolumeAttachment": 22,
        "CSIStorageCapacity": 27,
    },
    "batch/v1beta1": {"CronJob": 25},
    "discovery.k8s.io/v1beta1": {"EndpointSlice": 25},
    "events.k8s.io/v1beta1": {"Event": 25},
    "autoscaling/v2beta1": {"HorizontalPodAutoscaler": 25},
    "autoscaling/v2beta2": {"HorizontalPodAutoscaler": 26},
    "policy/v1beta1": {"PodDisruptionBudget": 25, "PodSecurityPolicy": 25},
    "node.k8s.io/v1beta1": {"RuntimeClass": 25},
    "flowcontrol.apiserver.k8s.io/v1beta1": {_EVERY_KIND: 26},
    "flowcontrol.apiserver.k8s.io/v1beta2": {_EVERY_KIND: 29},
    "flowcontrol.apiserver.k8s.io/v1beta3": {_EVERY_KIND: 32},
}
"""API version to kind to the minor version of Kubernetes 1.x that no longer serves it."""


def removed_in(api_version: str, kind: str) -> int | None:
    """The minor version (22 for 1.22) from which the API is gone; None for one that stays."""
    kinds = _REMOVED.get(api_version, {})
    return kinds.get(kind, kinds.get(_EVERY_KIND))
