"""A container of a pod with its spec and its status in one view, and whether it crashes now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.diagnoser.fields import Obj, dig, flag, items, mapping, moment, number, text

_SETTLED = timedelta(minutes=10)
"""An instance that runs for longer than this, and longer than the one before did, has recovered."""

_LONGEST_PERIOD = timedelta(hours=6)
"""Ends that are further apart than this are no crash loop."""


@dataclass(frozen=True)
class ContainerView:
    """One container as it is now. `spec` or `status` is {} when the other names a container that it does not."""

    pod: Obj
    name: str
    spec: Obj
    status: Obj
    init: bool
    """An init container that must end; a sidecar (restartPolicy Always) counts as an ordinary container."""

    @property
    def image(self) -> str:
        """The image as the template names it."""
        return text(self.spec, "image") or text(self.status, "image")

    @property
    def waiting_reason(self) -> str:
        """Why it waits, such as `CrashLoopBackOff`; empty when it does not."""
        return text(self.status, "state", "waiting", "reason")

    @property
    def waiting_message(self) -> str:
        """The kubelet's words for it."""
        return text(self.status, "state", "waiting", "message")

    @property
    def running_since(self) -> datetime | None:
        """When the present instance started, None when it does not run."""
        return moment(self.status, "state", "running", "startedAt")

    @property
    def running(self) -> bool:
        """Whether it runs now."""
        return isinstance(dig(self.status, "state", "running"), dict)

    @property
    def ready(self) -> bool:
        """Whether it counts as ready."""
        return flag(self.status, "ready")

    @property
    def restarts(self) -> int:
        """How often it was started again."""
        return number(self.status, "restartCount")

    @property
    def ended(self) -> Obj:
        """The termination that matters: the present one, else that of the instance before; {} when there is none."""
        return mapping(self.status, "state", "terminated") or mapping(self.status, "lastState", "terminated")

    @property
    def exit_code(self) -> int | None:
        """The exit code of that termination."""
        return number(self.ended, "exitCode") if self.ended else None

    @property
    def end_reason(self) -> str:
        """Its reason, such as `OOMKilled`."""
        return text(self.ended, "reason")

    @property
    def ended_at(self) -> datetime | None:
        """When it ended."""
        return moment(self.ended, "finishedAt")

    def ports(self) -> dict[int, str]:
        """Declared container ports and their names (empty for an unnamed one)."""
        return {number(p, "containerPort"): text(p, "name") for p in items(self.spec, "ports")}

    def crashing(self, now: datetime) -> bool:
        """Whether it ends again and again at present, as opposed to having restarted some time ago."""
        if self.waiting_reason in ("CrashLoopBackOff", "RunContainerError", "StartError", "ContainerCannotRun"):
            return True
        if mapping(self.status, "state", "terminated"):
            always = text(self.pod, "spec", "restartPolicy") in ("Always", "")
            return self.exit_code != 0 or (always and not self.init)
        at = self.ended_at
        if not self.ended or at is None or self.end_reason == "Unknown" or self.restarts < 1:
            return False
        return self._flapping(now, at)

    def _flapping(self, now: datetime, at: datetime) -> bool:
        """A running container counts as crashing while the present instance is not clearly outliving the one before."""
        since = now - at
        if self.restarts == 1:
            return not self.ready and since <= _SETTLED
        lived = at - (moment(self.ended, "startedAt") or at)
        if lived > _LONGEST_PERIOD:
            return not self.ready and since <= _SETTLED
        return since <= max(_SETTLED, lived * 1.5)


def containers_of(pod: Obj) -> list[ContainerView]:
    """Every container of a pod, init containers first."""
    found: list[ContainerView] = []
    for init, spec_key, status_key in (
        (True, "initContainers", "initContainerStatuses"),
        (False, "containers", "containerStatuses"),
    ):
        statuses = {text(s, "name"): s for s in items(pod, "status", status_key)}
        for spec in items(pod, "spec", spec_key):
            name = text(spec, "name")
            ends = init and text(spec, "restartPolicy") != "Always"
            found.append(ContainerView(pod, name, spec, statuses.get(name, {}), ends))
    return found
