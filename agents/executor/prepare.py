"""Prepares an Action: reads, plans, asks for rights, dry-runs on the server, and works out what it means."""

from __future__ import annotations

import asyncio
import copy
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from agents.cluster.errors import Conflict, Forbidden, Throttled
from agents.executor.action import ActionError, Note, Object, Precondition, PreparedAction, Target
from agents.executor.changes.change import Before, Change
from agents.executor.changes.objects import patch_back
from agents.executor.changes.table import CHANGES
from agents.executor.cluster_api import ClusterApi, Right, Write
from agents.executor.diff import diff_of
from agents.executor.effects import effects_of
from agents.executor.neighbours import read_before, read_neighbours
from agents.executor.risk import risk_of
from agents.executor.state import fingerprint
from agents.runtime.findings import Action

LOOKS = 5
"""How often an object is looked at that changes under our hands."""
PAUSE_SECONDS = 0.1
"""Before the second look; a little longer before every other: a rollout writes the status in bursts."""


@dataclass(frozen=True)
class Preparation:
    """An Action together with what it was worked out from."""

    action: PreparedAction
    before: Before
    change: Change
    after: Object | None


async def prepare(cluster: ClusterApi, wanted: Action, now: datetime) -> Preparation:
    """Dry-runs an Action. Nothing is changed.

    Looks again when the object moves between the look and the dry run, as the status of a busy workload does. Raises
    ActionError for an Action that makes no sense here, and ClusterError when the API server refuses the dry run.
    """
    for look in range(1, LOOKS):
        with suppress(Conflict):
            return await _prepare(cluster, wanted, now)
        await asyncio.sleep(PAUSE_SECONDS * look)
    return await _prepare(cluster, wanted, now)


async def _prepare(cluster: ClusterApi, wanted: Action, now: datetime) -> Preparation:
    target = Target.parse(wanted.resource)
    before = await read_before(cluster, target, wanted.kind, now)
    change = CHANGES[wanted.kind](before, wanted.arguments)
    around, lacking = await asyncio.gather(read_neighbours(cluster, target), lacking_rights(cluster, change))
    after, warnings, dry_run = await _dry_run(cluster, before, change, lacking)
    same = before.object is not None and fingerprint(after) == fingerprint(before.object)
    if dry_run and same and len(change.writes) == 1:
        raise ActionError(f"nothing to change: {target} already is as wanted")
    effects = effects_of(wanted.kind, target, before.object, after, change, around)
    inverse = change.inverse
    if inverse is None and change.no_way_back is None and before.object is not None and after is not None:
        inverse = patch_back(target, before.object, after)
    action = PreparedAction(
        cluster=cluster.name,
        kind=wanted.kind,
        resource=str(target),
        arguments=change.arguments,
        precondition=precondition_of(before.object),
        outcome=fingerprint(_as_asked(change.writes[0].body, after) if before.object is None else after),
        diff=diff_of(before.object, after, str(target)),
        dry_run="server" if dry_run else "none",
        warnings=warnings,
        lacking=[str(right) for right in lacking],
        effects=effects,
        risk=risk_of(wanted.kind, target, before.object, change, effects),
        inverse=inverse,
        no_way_back=None if inverse else change.no_way_back or Note(code="no_way_back"),
    )
    return Preparation(action, before, change, after)


def precondition_of(obj: Object | None) -> Precondition:
    """The state that an Action is prepared on."""
    if obj is None:
        return Precondition()
    metadata = obj["metadata"]
    return Precondition(
        uid=metadata.get("uid"), resource_version=metadata.get("resourceVersion"), state=fingerprint(obj)
    )


async def lacking_rights(cluster: ClusterApi, change: Change) -> list[Right]:
    """The rights that the change needs and our identity does not have, by SelfSubjectAccessReview."""
    rights = list({str(write.right): write.right for write in change.writes}.values())
    answers = await asyncio.gather(*(cluster.allowed(right) for right in rights))
    return [right for right, allowed in zip(rights, answers, strict=True) if not allowed]


async def _dry_run(
    cluster: ClusterApi, before: Before, change: Change, lacking: list[Right]
) -> tuple[Object | None, list[str], bool]:
    """The object as it would be, what the server warned of, and whether there was a dry run.

    Without the right to write, the API server refuses the dry run too: then only what would lack can be said.
    """
    first, *evictions = change.writes
    try:
        after = resulting(before.object, first, await cluster.write(first, dry_run=True))
    except Forbidden:
        if not lacking:
            raise
        return before.object, [], False
    warnings = [text for text in await asyncio.gather(*(_try_eviction(cluster, write) for write in evictions)) if text]
    return after, warnings, True


async def _try_eviction(cluster: ClusterApi, write: Write) -> str:
    try:
        await cluster.write(write, dry_run=True)
    except (Throttled, Forbidden) as error:
        return f"{write.target}: {error}"
    return ""


def _as_asked(asked: Any, made: Any) -> Any:
    """The part of a new object that its manifest speaks of.

    The rest is the server's to choose, and some of it is chosen anew in every dry run: addresses and ports of Services,
    names of token volumes, selectors of Jobs.
    """
    if isinstance(asked, dict) and isinstance(made, dict):
        return {key: _as_asked(asked[key], value) for key, value in made.items() if key in asked}
    if isinstance(asked, list) and isinstance(made, list) and len(asked) == len(made):
        return [_as_asked(*pair) for pair in zip(asked, made, strict=True)]
    return made


def resulting(before: Object | None, write: Write, answer: Object) -> Object | None:
    """The object after a write, from the server's answer to it."""
    if write.verb == "delete":
        return None
    if write.subresource == "scale" and before is not None:
        after = copy.deepcopy(before)
        after["spec"]["replicas"] = (answer.get("spec") or {}).get("replicas", 0)
        return after
    return answer
