"""What may not be created: invalid objects, and pods that quotas, limit ranges or a missing ServiceAccount forbid."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from fractions import Fraction

from sandbox import quantities
from sandbox.errors import bad_request, forbidden, invalid
from sandbox.objects import Object, containers_of, is_finished, name_of, namespace_of
from sandbox.resources import PODS, Resource
from sandbox.schema import of_kind, problems, unknown_fields
from sandbox.store import Store

_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]*[a-z0-9])?")
_COMPUTE = ("cpu", "memory", "ephemeral-storage")


@dataclass
class Write:
    """How a client wants to write: its field manager, dry run, and what to do about unknown fields."""

    manager: str = "unknown"
    dry_run: bool = False
    field_validation: str = "Warn"
    warnings: list[str] = field(default_factory=list)


def validate(resource: Resource, obj: Object, write: Write) -> None:
    """Refuse an object that its schema or naming rules forbid; adds warnings about unknown fields."""
    if not resource.custom:
        schema = of_kind(resource.group, resource.version, resource.kind)
        unknown = unknown_fields(obj, schema) if write.field_validation != "Ignore" else []
        if unknown and write.field_validation == "Strict":
            listed = ", ".join(f'unknown field "{path}"' for path in unknown)
            raise bad_request(
                f'{resource.kind} in version "{resource.version}" cannot be handled as a {resource.kind}: '
                f"strict decoding error: {listed}"
            )
        write.warnings += [f'unknown field "{path}"' for path in unknown]
        wrong = problems({name: value for name, value in obj.items() if name != "status"}, schema)
        if wrong:
            raise invalid(resource, name_of(obj), wrong)
    name = name_of(obj)
    if resource.group != "rbac.authorization.k8s.io" and not _NAME.fullmatch(name):
        why = f'metadata.name: Invalid value: "{name}": a lowercase RFC 1123 subdomain must consist of lower case'
        raise invalid(resource, name, [why + " alphanumeric characters, '-' or '.'"])


def validate_update(resource: Resource, old: Object, new: Object) -> None:
    """Refuse changes of fields that cannot change."""
    name = name_of(old)
    if resource.key == PODS and _fixed_part(old) != _fixed_part(new):
        why = "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
        raise invalid(resource, name, [why + ", `spec.activeDeadlineSeconds` or `spec.tolerations`"])
    immutable = {
        "Deployment": ("selector",),
        "ReplicaSet": ("selector",),
        "DaemonSet": ("selector",),
        "StatefulSet": ("selector", "serviceName", "volumeClaimTemplates", "podManagementPolicy"),
        "Job": ("selector", "template", "completionMode"),
        "PersistentVolumeClaim": ("storageClassName", "accessModes", "selector"),
    }.get(resource.kind, ())
    before, after = old.get("spec") or {}, new.get("spec") or {}
    for path in immutable:
        if before.get(path) is not None and before.get(path) != after.get(path):
            raise invalid(resource, name, [f"spec.{path}: Invalid value: field is immutable"])
    sealed = resource.kind in ("ConfigMap", "Secret") and old.get("immutable")
    if sealed and any(old.get(part) != new.get(part) for part in ("data", "binaryData")):
        raise invalid(resource, name, ["data: Forbidden: field is immutable when `immutable` is set"])
    if resource.kind in ("RoleBinding", "ClusterRoleBinding") and old.get("roleRef") != new.get("roleRef"):
        raise invalid(resource, name, ["roleRef: Invalid value: cannot change roleRef"])


def _fixed_part(pod: Object) -> object:
    free = ("activeDeadlineSeconds", "tolerations", "containers", "initContainers", "nodeName", "schedulingGates")
    images = [{k: v for k, v in c.items() if k not in ("image", "resources")} for c in containers_of(pod["spec"])]
    return {name: value for name, value in pod["spec"].items() if name not in free}, images


class PodGate:
    """The admission plugins that look at other objects: ServiceAccount, LimitRanger, ResourceQuota."""

    def __init__(self, store: Store, resource: Resource) -> None:
        self._store = store
        self._resource = resource

    def admit(self, pod: Object) -> None:
        """Fill in limit range defaults; raise ApiError 403 when the pod may not be created."""
        namespace = namespace_of(pod)
        for limit_range in self._store.list(("", "limitranges"), namespace):
            self._limit(pod, limit_range)
        self._check_service_account(pod, namespace)
        for quota in self._store.list(("", "resourcequotas"), namespace):
            self._charge(pod, quota, namespace)

    def _check_service_account(self, pod: Object, namespace: str) -> None:
        account = pod["spec"].get("serviceAccountName") or "default"
        known = self._store.get(("", "serviceaccounts"), namespace, account)
        if known is None and account != "default":
            why = f'error looking up service account {namespace}/{account}: serviceaccount "{account}" not found'
            raise forbidden(self._resource, name_of(pod), why)

    def _limit(self, pod: Object, limit_range: Object) -> None:
        for rule in limit_range["spec"].get("limits") or []:
            if rule.get("type") != "Container":
                continue
            for container in containers_of(pod["spec"]):
                resources = container.setdefault("resources", {})
                for name, value in (rule.get("default") or {}).items():
                    resources.setdefault("limits", {}).setdefault(name, value)
                for name, value in (rule.get("defaultRequest") or {}).items():
                    if name not in (resources.get("requests") or {}):
                        resources.setdefault("requests", {})[name] = value
                self._check_bounds(pod, rule, resources)

    def _check_bounds(self, pod: Object, rule: Object, resources: Object) -> None:
        limits, requests = resources.get("limits") or {}, resources.get("requests") or {}
        for name, bound in (rule.get("max") or {}).items():
            if name not in limits:
                raise forbidden(
                    self._resource,
                    name_of(pod),
                    f"maximum {name} usage per Container is {bound}.  No limit is specified",
                )
            if quantities.parse(limits[name]) > quantities.parse(bound):
                why = f"maximum {name} usage per Container is {bound}, but limit is {limits[name]}"
                raise forbidden(self._resource, name_of(pod), why)
        for name, bound in (rule.get("min") or {}).items():
            asked = requests.get(name, limits.get(name))
            if asked is None or quantities.parse(asked) < quantities.parse(bound):
                said = "No request is specified" if asked is None else f"but request is {asked}"
                why = f"minimum {name} usage per Container is {bound}, {said}"
                raise forbidden(self._resource, name_of(pod), why)

    def _charge(self, pod: Object, quota: Object, namespace: str) -> None:
        hard: dict[str, str] = (quota.get("spec") or {}).get("hard") or {}
        if (quota.get("spec") or {}).get("scopes") or (quota.get("spec") or {}).get("scopeSelector"):
            return
        missing = _undeclared(pod, hard)
        if missing:
            why = f"failed quota: {name_of(quota)}: must specify {missing}"
            raise forbidden(self._resource, name_of(pod), why)
        wanted = charge_of(pod, hard)
        used = quota_usage(self._store.list(PODS, namespace), hard)
        over = [name for name, value in wanted.items() if used[name] + value > quantities.parse(hard[name]) and value]
        if over:
            requested = ",".join(f"{name}={quantities.write(wanted[name], hard[name])}" for name in over)
            in_use = ",".join(f"{name}={quantities.write(used[name], hard[name])}" for name in over)
            limited = ",".join(f"{name}={hard[name]}" for name in over)
            why = f"exceeded quota: {name_of(quota)}, requested: {requested}, used: {in_use}, limited: {limited}"
            raise forbidden(self._resource, name_of(pod), why)


def _undeclared(pod: Object, hard: dict[str, str]) -> str:
    """What a quota makes compulsory and a container does not say, as the API server lists it."""
    found: list[str] = []
    for name in sorted(hard):
        section, _, resource = name.rpartition(".")
        if resource not in _COMPUTE or (section not in ("limits", "requests") and name not in ("cpu", "memory")):
            continue
        silent = [
            c["name"]
            for c in pod["spec"].get("containers") or []
            if resource not in ((c.get("resources") or {}).get(section or "requests") or {})
        ]
        if silent:
            found.append(f"{name} for: {','.join(silent)}")
    return "; ".join(found)


def charge_of(pod: Object, hard: dict[str, str]) -> dict[str, Fraction]:
    """What one pod counts against each item of a quota."""
    charges: dict[str, Fraction] = {}
    for name in hard:
        section, _, resource = name.rpartition(".")
        if name in ("pods", "count/pods"):
            charges[name] = Fraction(1)
        elif resource in _COMPUTE and section in ("limits", "requests", ""):
            charges[name] = pod_total(pod, section or "requests", resource)
    return charges


def quota_usage(pods: list[Object], hard: dict[str, str]) -> dict[str, Fraction]:
    """What living pods use of each item that pods are charged for."""
    total: dict[str, Fraction] = {}
    for pod in pods:
        if not is_finished(pod):
            for name, value in charge_of(pod, hard).items():
                total[name] = total.get(name, Fraction(0)) + value
    return {name: total.get(name, Fraction(0)) for name in charge_of({"spec": {}}, hard)}


def pod_total(pod: Object, section: str, resource: str) -> Fraction:
    """The pod's requests or limits: the sum of its containers, or its largest init container if that is more."""

    def of(container: Object) -> Fraction:
        declared = container.get("resources") or {}
        value = (declared.get(section) or {}).get(resource)
        if value is None and section == "requests":
            value = (declared.get("limits") or {}).get(resource)
        return quantities.parse(value) if value is not None else Fraction(0)

    running = sum((of(c) for c in pod["spec"].get("containers") or []), Fraction(0))
    sidecars = [c for c in pod["spec"].get("initContainers") or [] if c.get("restartPolicy") == "Always"]
    once = [of(c) for c in pod["spec"].get("initContainers") or [] if c.get("restartPolicy") != "Always"]
    return max([running + sum((of(c) for c in sidecars), Fraction(0)), *once])
