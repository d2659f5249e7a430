"""Which pods of a StatefulSet or DaemonSet are of an older template.

Pods made here carry the hash of their template. Captured pods carry a hash that cannot be recomputed; they are taken to
be of the template that their workload had at capture.
"""

from __future__ import annotations

from sandbox import times
from sandbox.controllers.world import World, ref_of
from sandbox.defaults import comparable, template_hash
from sandbox.objects import Object, labels_of, name_of

LABEL = "controller-revision-hash"


def revision_label(workload: Object) -> dict[str, str]:
    """The label that marks pods of the present template."""
    return {LABEL: f"{name_of(workload)}-{template_hash(workload['spec']['template'])}"}


def is_outdated(world: World, workload: Object, pod: Object) -> bool:
    if times.parse(pod["metadata"]["creationTimestamp"]) < world.cluster.folder.shift.present:
        original = world.original_templates.get(ref_of(workload))
        return original is not None and original != comparable(workload["spec"]["template"])
    return labels_of(pod).get(LABEL) != revision_label(workload)[LABEL]
