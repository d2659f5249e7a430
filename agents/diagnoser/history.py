"""Earlier templates of a workload: ReplicaSets of a Deployment, ControllerRevisions of the others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from agents.diagnoser.fields import Obj, created, items, kind_of, mapping, name_of, number, text
from agents.diagnoser.snapshot import Snapshot, template_of

_REVISION = "deployment.kubernetes.io/revision"


@dataclass(frozen=True)
class Revision:
    """One version of a workload's pod template."""

    number: int
    name: str
    """The ReplicaSet or ControllerRevision that keeps it."""
    template: Obj
    created: datetime | None

    def container(self, name: str) -> Obj:
        """The template's container of that name, init containers included; {} when there is none."""
        spec = mapping(self.template, "spec")
        both = (*items(spec, "containers"), *items(spec, "initContainers"))
        return next((c for c in both if text(c, "name") == name), {})


def revisions(snapshot: Snapshot, workload: Obj) -> list[Revision]:
    """Kept revisions, newest first. The first is the present template when the controller has seen it."""
    if kind_of(workload) == "Deployment":
        found = [
            Revision(
                number(rs, "metadata", "annotations", _REVISION), name_of(rs), mapping(template_of(rs)), created(rs)
            )
            for rs in snapshot.owned(workload, "ReplicaSet")
        ]
    else:
        found = [
            Revision(number(r, "revision"), name_of(r), mapping(r, "data", "spec", "template"), created(r))
            for r in snapshot.owned(workload, "ControllerRevision")
        ]
    return sorted(found, key=lambda r: r.number, reverse=True)


def previous(snapshot: Snapshot, workload: Obj) -> Revision | None:
    """The revision before the present one."""
    found = revisions(snapshot, workload)
    return found[1] if len(found) > 1 else None


def rolled_at(snapshot: Snapshot, workload: Obj) -> datetime | None:
    """When the present template came into force, as far as it is known.

    A revision that was rolled back to is older than its number says; then this is when it was first made.
    """
    found = revisions(snapshot, workload)
    return found[0].created if found else created(workload)
