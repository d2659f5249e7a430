"""Images that cannot be pulled: not there, not allowed, or not for this machine."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import replace

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.evidence import from_event, from_status
from agents.diagnoser.facts import container_facts
from agents.diagnoser.fields import Obj, created, items, name_of, namespace_of, resource_name, resource_of, text
from agents.diagnoser.history import previous
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot

REASONS = frozenset(
    {
        "ErrImagePull",
        "ImagePullBackOff",
        "InvalidImageName",
        "ErrImageNeverPull",
        "ImageInspectError",
        "RegistryUnavailable",
    }
)
_UNAUTHORIZED = re.compile(
    r"\b401\b|\b403\b|unauthorized|authentication required|no basic auth|denied|insufficient_scope"
    r"|authorization failed",
    re.IGNORECASE,
)
_NOT_FOUND = re.compile(r"not found|manifest unknown|name unknown|notfound|\b404\b|no such host", re.IGNORECASE)
_PLATFORM = re.compile(r"no match for platform|no matching manifest|exec format error", re.IGNORECASE)


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """One observation per container whose image is not there."""
    for view in snapshot.containers:
        if view.waiting_reason in REASONS:
            yield _pull_failure(snapshot, view)


def _pull_failure(snapshot: Snapshot, view: ContainerView) -> Observation:
    events = [e for e in snapshot.events_of(view.pod, "Failed") if view.image in e.message]
    words = [view.waiting_message, *(e.message for e in reversed(events))]
    message = max(
        (w for w in words if "rpc error" in w or "failed to" in w.lower()), key=len, default=view.waiting_message
    )
    workload = snapshot.top(view.pod)
    before = previous(snapshot, workload)
    old = text(before.container(view.name), "image") if before else ""
    facts = {**container_facts(snapshot, view), "image": view.image, "message": message, "reason": view.waiting_reason}
    if old and old != view.image:
        facts["before"] = old
    seen = Observation(
        resource=resource_of(workload),
        fault="image_not_found",
        facts=facts,
        evidence=tuple(
            [from_status(snapshot, view, f"{view.waiting_reason}: {view.waiting_message}")]
            + [from_event(snapshot, e) for e in events[-1:]]
        ),
        since=created(view.pod),
        confidence=0.97 if _NOT_FOUND.search(message) else 0.85,
    )
    if _PLATFORM.search(message):
        return replace(seen, fault="image_arch_unsupported", confidence=0.97)
    other_repository = bool(old) and _repository(old) != _repository(view.image)
    if _UNAUTHORIZED.search(message) and not (other_repository and "does not exist" in message):
        return _unauthorized(snapshot, view, seen)
    return seen


def _repository(image: str) -> str:
    head, _, last = image.split("@")[0].rpartition("/")
    return f"{head}/{last.split(':')[0]}"


def _unauthorized(snapshot: Snapshot, view: ContainerView, seen: Observation) -> Observation:
    """Blames the pull Secret when there is one, the ServiceAccount when it names a missing one, else the workload."""
    namespace = namespace_of(view.pod)
    account = snapshot.get("ServiceAccount", namespace, text(view.pod, "spec", "serviceAccountName") or "default")
    named = [text(r, "name") for r in items(view.pod, "spec", "imagePullSecrets")] or _pull_secrets(account)
    missing = [n for n in named if snapshot.can_see("Secret") and snapshot.get("Secret", namespace, n) is None]
    facts = {**seen.facts, "pull_secrets": named, "missing_secrets": missing}
    workload, resource = seen.resource, seen.resource
    if missing:
        if set(missing) & set(_pull_secrets(account)) and not _in_template(snapshot, view, missing):
            resource = resource_of(account)
    elif named:
        resource = resource_name(namespace, "Secret", named[0])
    elif account is not None:
        facts["service_account"] = name_of(account)
    return replace(
        seen, fault="image_pull_unauthorized", resource=resource, facts=facts, affects=(workload,), confidence=0.93
    )


def _pull_secrets(account: Obj | None) -> list[str]:
    return [text(r, "name") for r in items(account, "imagePullSecrets")]


def _in_template(snapshot: Snapshot, view: ContainerView, names: list[str]) -> bool:
    template = snapshot.top(view.pod)
    return bool(set(names) & set(_named_in(template)))


def _named_in(workload: Obj) -> Iterator[str]:
    for reference in items(workload, "spec", "template", "spec", "imagePullSecrets"):
        yield text(reference, "name")
