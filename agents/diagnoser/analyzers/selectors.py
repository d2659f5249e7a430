"""Services that select too much: pods of a workload that was never meant to answer for them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from agents.diagnoser.analyzers.services import users_of
from agents.diagnoser.containers import containers_of
from agents.diagnoser.evidence import from_log, from_object
from agents.diagnoser.fields import Obj, created, items, labels, name_of, namespace_of, resource_of, text
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot, is_ready, template_labels, template_of
from agents.runtime.findings import Evidence

_VARIANT = re.compile(
    r"^(?:canary|stable|blue|green|primary|secondary|preview|next|beta|alpha|baseline|replicas?|reader?|writer?|main"
    r"|master|active|standby|shadow|spot|ondemand|v?\d+)(?:-|$)"
)
_PODS_OF_RUNS = ("Job", "CronJob")
_NOISE = ("pod-template-hash", "controller-revision-hash")


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Services with a virtual address whose ready endpoints belong to different programs."""
    for service in snapshot.kind("Service"):
        spec = service.get("spec")
        if text(spec, "clusterIP") == "None" or text(spec, "type") == "ExternalName" or not labels(spec, "selector"):
            continue
        serving = {resource_of(o): o for o in (snapshot.top(p) for p in snapshot.pods_selected(service) if is_ready(p))}
        if len(serving) > 1:
            yield from _judge(snapshot, service, list(serving.values()))


def _judge(snapshot: Snapshot, service: Obj, serving: list[Obj]) -> Iterator[Observation]:
    meant = _meant(service, serving)
    if meant is None:
        return
    strays = [w for w in serving if w is not meant and not _is_variant(meant, w)]
    if not strays:
        return
    users = list(users_of(snapshot, service))
    proof = _misled(snapshot, service, strays)
    selector = [f"{k}={v}" for k, v in labels(service, "spec", "selector").items()]
    own = [f"{k}={v}" for k, v in _distinguishing(meant, strays).items()]
    facts = {
        "service": name_of(service),
        "namespace": namespace_of(service),
        "selector": selector,
        "workload": name_of(meant),
        "strays": [resource_of(w) for w in strays],
        "stray_labels": [f"{k}={v}" for w in strays for k, v in template_labels(w).items() if k not in _NOISE],
        "pod_labels": own,
        "users": users,
    }
    told = f"selector {', '.join(selector)} matches ready pods of {', '.join(resource_of(w) for w in serving)}"
    yield Observation(
        resource=resource_of(service),
        fault="service_selector_too_broad",
        facts=facts,
        evidence=(from_object(snapshot, service, told), *proof),
        since=max((at for w in strays if (at := created(w))), default=created(service)),
        affects=tuple(users),
        confidence=0.93 if proof else 0.85,
    )


def _meant(service: Obj, serving: list[Obj]) -> Obj | None:
    """The workload that the Service is for: of its name, else of the longest name that it begins with."""
    name = name_of(service)
    same = [w for w in serving if name_of(w) == name]
    begun = [w for w in serving if name.startswith(f"{name_of(w)}-") or name_of(w).startswith(f"{name}-")]
    begun = [w for w in begun if text(w, "kind") not in _PODS_OF_RUNS]
    tagged = [w for w in serving if name in template_labels(w).values()]
    for found in (same, tagged, begun):
        if len(found) == 1:
            return found[0]
    return None


def _images(workload: Obj) -> set[str]:
    """Image repositories of a workload, without tags."""
    containers = items(template_of(workload), "spec", "containers")
    return {re.sub(r"(?::[^:/]+)?(?:@.*)?$", "", text(c, "image")) for c in containers}


def _is_variant(meant: Obj, other: Obj) -> bool:
    """Whether two workloads run the same program on purpose: a canary, colours, roles, or a shared main image."""
    if text(other, "kind") in _PODS_OF_RUNS:
        return False
    first = [next(iter(items(template_of(w), "spec", "containers")), {}) for w in (meant, other)]
    names = [re.sub(r"(?::[^:/]+)?(?:@.*)?$", "", text(c, "image")) for c in first]
    if names[0] == names[1] or _images(meant) == _images(other):
        return True
    one, two = sorted((name_of(meant), name_of(other)), key=len)
    rest = two.removeprefix(one).strip("-") if two.startswith(one) else ""
    stem = re.sub(r"-(?:[a-z]+|v?\d+)$", "", one)
    rests = [n.removeprefix(stem).strip("-") for n in (one, two)] if two.startswith(stem) else []
    return bool(_VARIANT.match(rest)) or (bool(rests) and all(_VARIANT.match(r) for r in rests))


def _distinguishing(meant: Obj, strays: list[Obj]) -> dict[str, str]:
    """Labels that only the right workload's pods have."""
    others = [set(template_labels(w).items()) for w in strays]
    return {
        k: v
        for k, v in template_labels(meant).items()
        if k not in _NOISE and not any((k, v) in having for having in others)
    }


def _misled(snapshot: Snapshot, service: Obj, strays: list[Obj]) -> tuple[Evidence, ...]:
    """A stray pod's log line that answers a request with 404 or 405: it is asked what it does not know."""
    for workload in strays:
        for pod in snapshot.active_pods_of(workload):
            for view in containers_of(pod):
                lines = [x for x in snapshot.log(view).splitlines()[-60:] if re.search(r"\b40[45]\b|not found", x)]
                if lines:
                    return (from_log(snapshot, view, lines[-1].strip()),)
    return ()
