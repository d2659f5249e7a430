"""Jobs in simple form: pods up to the parallelism until enough have succeeded."""

from __future__ import annotations

from sandbox import times
from sandbox.controllers.pods import Pods, living
from sandbox.controllers.world import JOBS, World
from sandbox.objects import Object, condition, dig, is_ready, name_of, namespace_of

COMPONENT = "job-controller"


def reconcile(world: World, job: Object) -> None:
    if is_over(job):
        return
    pods, spec = Pods(world), job["spec"]
    present = world.pods_of(job)
    succeeded = sum(dig(pod, "status.phase") == "Succeeded" for pod in present)
    running = living(present)
    wanted = 0 if spec.get("suspend") else min(spec.get("parallelism", 1), spec.get("completions", 1) - succeeded)
    failed = sum(dig(pod, "status.phase") == "Failed" for pod in present)
    if failed <= spec.get("backoffLimit", 6):
        for _ in range(wanted - len(running)):
            if not pods.create(
                job, COMPONENT, labels={"job-name": name_of(job), "batch.kubernetes.io/job-name": name_of(job)}
            ):
                break
    _write_status(world, job, succeeded)


def is_over(job: Object) -> bool:
    return any((condition(job, kind) or {}).get("status") == "True" for kind in ("Complete", "Failed"))


def _write_status(world: World, job: Object, succeeded: int) -> None:
    current = world.cluster.store.get(JOBS, namespace_of(job), name_of(job))
    if current is None:
        return
    running = living(world.pods_of(current))
    now = times.stamp()
    status: Object = {**(current.get("status") or {})}
    status.setdefault("startTime", now)
    status.update(active=len(running), ready=sum(is_ready(pod) for pod in running), succeeded=succeeded)
    for name in ("active", "succeeded"):
        if not status[name]:
            del status[name]
    if succeeded >= current["spec"].get("completions", 1):
        done = {
            "type": "Complete",
            "status": "True",
            "reason": "CompletionsReached",
            "lastProbeTime": now,
            "lastTransitionTime": now,
            "message": "Reached expected number of succeeded pods",
        }
        status.update(conditions=[done], completionTime=now)
        world.events.normal(current, "Completed", "Job completed", COMPONENT)
    world.cluster.store.put(JOBS, {**current, "status": status})
