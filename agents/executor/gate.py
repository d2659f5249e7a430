"""The gate: proposes Actions, and applies one when a valid Approval of exactly that one comes in.

Everything is checked here and now, whoever calls: the planner, an A2A client, or an MCP client.
"""

from __future__ import annotations

import secrets
from datetime import timedelta
from typing import Any

from agents.cluster.redaction import redact_object
from agents.executor.action import ActionError, Note, PreparedAction
from agents.executor.calls.carry_out import make_call
from agents.executor.calls.prepare import prepare_call
from agents.executor.carry_out import Done, Superseded, as_approved, carry_out, same_change
from agents.executor.cluster_api import ClusterApi
from agents.executor.diff import masked
from agents.executor.health import rollout_of
from agents.executor.ledger import Execution, Intent, Proposal, note_data
from agents.executor.policy import Person, Surroundings, auto_approval, refusal
from agents.executor.prepare import Preparation, prepare
from agents.executor.state import changes_between
from agents.executor.verify import verify_and_finish
from agents.executor.wording import say
from agents.executor.workshop import Workshop
from agents.runtime.approvals import AUTOMATIC, Approval, ApprovalRefused, verify
from agents.runtime.findings import Action


class Refused(Exception):
    """The policy forbids it."""

    def __init__(self, note: Note) -> None:
        self.note = note
        super().__init__(say(note, "en"))


async def propose(shop: Workshop, cluster: ClusterApi, wanted: Action, asked_by: str) -> Proposal:
    """Dry-runs an Action and stores it as a proposal. Raises ActionError, ClusterError, or Refused."""
    prepared = await _prepare(shop, cluster, wanted)
    note = refusal(shop.policy, prepared.action, await surroundings(shop, cluster, prepared), None)
    proposal = Proposal(
        id=f"p-{secrets.token_hex(8)}",
        wanted=wanted,
        action=prepared.action,
        asked_by=asked_by,
        created_at=shop.now(),
        expires_at=shop.now() + timedelta(hours=shop.approvals.proposal_hours),
    )
    if note is not None:
        data = {"action": redact_object(masked(wanted.model_dump())), "asked_by": asked_by, "rule": note.model_dump()}
        await shop.ledger.note("refused", proposal.id, data, shop.now())
        raise Refused(note)
    await shop.ledger.propose(proposal, proposal_data(proposal))
    return proposal


async def decide(shop: Workshop, token: str, called: Action, cluster_id: str | None) -> dict[str, Any]:
    """Applies the approved Action, or stores the rejection; gives the outcome.

    `called` is what the caller says it is about; it must be the proposal, to the letter. Raises ApprovalRefused when
    the Approval does not count, Refused by the policy, and ClusterError when the cluster could not be asked: in all
    three cases nothing was applied.
    """
    limit = timedelta(minutes=shop.approvals.lifetime_minutes)
    approval = verify(token, key=shop.key, now=shop.now(), max_lifetime=limit)
    if approval.approver.startswith(AUTOMATIC):
        raise ApprovalRefused("the policy approves inside the executor only")
    proposal = await _proposal_of(shop, approval)
    _check_called(proposal, called, cluster_id)
    if approval.decision == "reject":
        await shop.ledger.reject(approval, shop.now())
        return {"status": "rejected", "notes": [], "by": approval.approver, "reason": approval.reason}
    return await _apply(shop, proposal, approval, Person(approval.approver, tuple(approval.groups)))


async def approve_by_policy(shop: Workshop, proposal: Proposal) -> dict[str, Any] | None:
    """Applies what the policy approves without a person; None when it does not."""
    entry = auto_approval(shop.policy, proposal.action)
    if entry is None:
        return None
    now = shop.now()
    approval = Approval(
        proposal=proposal.id,
        digest=proposal.action.digest,
        decision="approve",
        approver=f"{AUTOMATIC}{entry.name}",
        issued_at=now,
        expires_at=now + timedelta(minutes=1),
        nonce=secrets.token_urlsafe(18),
    )
    return await _apply(shop, proposal, approval, None)


async def surroundings(shop: Workshop, cluster: ClusterApi, prepared: Preparation) -> Surroundings:
    """What the policy wants to know beside the Action."""
    labels: dict[str, str] = ((prepared.before.object or {}).get("metadata") or {}).get("labels") or {}
    closed: list[str] = []
    if prepared.action.kind in ("cordon_node", "drain_node"):
        nodes = await cluster.list("Node")
        closed = [node["metadata"]["name"] for node in nodes if (node.get("spec") or {}).get("unschedulable")]
    return Surroundings(shop.now(), labels, tuple(closed))


def proposal_data(proposal: Proposal) -> dict[str, Any]:
    """What the journal keeps of a proposal: secret values masked; the digest proves what they were."""
    action = proposal.action
    return {
        "asked_by": proposal.asked_by,
        "wanted": redact_object(masked(proposal.wanted.model_dump())),
        "cluster": action.cluster,
        "digest": action.digest,
        "precondition": action.precondition.model_dump(),
        "dry_run": action.dry_run,
        "diff": action.diff,
        "risk": action.risk.model_dump(),
        "lacking": action.lacking,
    }


async def _prepare(shop: Workshop, cluster: ClusterApi, wanted: Action) -> Preparation:
    if wanted.kind == "call_tool":
        return await prepare_call(shop.tool_servers, shop.policy, cluster, wanted, shop.now())
    return await prepare(cluster, wanted, shop.now())


async def _proposal_of(shop: Workshop, approval: Approval) -> Proposal:
    proposal = await shop.ledger.proposal(approval.proposal)
    if proposal is None:
        raise ApprovalRefused(f"there is no proposal {approval.proposal!r}")
    if proposal.action.digest != approval.digest:
        raise ApprovalRefused("the approval is for another change than the proposal holds; look at it and decide again")
    if proposal.expires_at <= shop.now():
        raise ApprovalRefused(f"proposal {proposal.id} is too old; propose it again")
    return proposal


def _check_called(proposal: Proposal, called: Action, cluster_id: str | None) -> None:
    """Raises ApprovalRefused when a call names another change than the approved one."""
    wanted = proposal.wanted
    same = (called.kind, called.resource, called.arguments) == (wanted.kind, wanted.resource, wanted.arguments)
    if not same or cluster_id not in (None, proposal.action.cluster):
        raise ApprovalRefused(f"the approval is for {wanted.kind} {wanted.resource} as proposed, and for nothing else")


async def _apply(shop: Workshop, proposal: Proposal, approval: Approval, person: Person | None) -> dict[str, Any]:
    approved = proposal.action
    if await shop.ledger.execution(proposal.id) is not None:
        raise ApprovalRefused(f"proposal {proposal.id} was applied before; an approval works only once")
    if approved.lacking:
        raise Refused(Note(code="lacks_rights", facts={"rights": ", ".join(approved.lacking)}))
    cluster = await shop.open_cluster(approved.cluster)
    try:
        fresh = await _prepare(shop, cluster, as_approved(approved))
    except ActionError as error:
        return await _stop(shop, approval, Done("no", Note(code="changed_object", facts={"why": str(error)})))
    note = refusal(shop.policy, fresh.action, await surroundings(shop, cluster, fresh), person)
    if note is not None:
        data = {"by": approval.approver, "rule": note.model_dump()}
        await shop.ledger.note("refused", proposal.id, data, shop.now())
        raise Refused(note)
    if not same_change(approved, fresh.action):
        note = Note(code="changed_object", facts={"why": f"{approved.resource} is not as it was when it was approved"})
        return await _stop(shop, approval, Done("no", note, fresh.action.diff))
    intent = await _intent(shop, proposal, approval, fresh)
    execution = await shop.ledger.begin(approval, intent, shop.owner, shop.lease, shop.now())
    try:
        return await _carry_out(shop, cluster, execution, fresh)
    except Superseded:
        return {"status": "unclear", "notes": note_data([Note(code="superseded")])}


async def _carry_out(
    shop: Workshop, cluster: ClusterApi, execution: Execution, prepared: Preparation
) -> dict[str, Any]:
    if prepared.action.kind == "call_tool":
        done = await make_call(shop, execution)
    else:
        done = await carry_out(shop, cluster, execution, prepared)
    notes = note_data([done.note] if done.note else [])
    if done.state == "yes":
        data = {"status": "applied", "notes": notes}
        if not await shop.ledger.advance(execution, "verifying", "applied", data, shop.now()):
            raise Superseded(f"another executor has taken over {execution.id}")
        outcome = await verify_and_finish(shop, cluster, execution)
        return {**outcome, "notes": [*notes, *outcome["notes"]]}
    changed = done.note is not None and done.note.code == "changed_object"
    status = "stopped" if changed else "failed" if done.state == "no" else "unclear"
    outcome = {"status": status, "notes": notes, "diff": done.diff}
    await shop.ledger.advance(execution, "done", status, outcome, shop.now())
    return outcome


async def _stop(shop: Workshop, approval: Approval, done: Done) -> dict[str, Any]:
    outcome = {"status": "stopped", "notes": note_data([done.note] if done.note else []), "diff": done.diff}
    await shop.ledger.stop(approval, outcome, shop.now())
    return outcome


async def _intent(shop: Workshop, proposal: Proposal, approval: Approval, fresh: Preparation) -> Intent:
    action: PreparedAction = fresh.action
    rollout = rollout_of(fresh.before.object)
    before = await shop.picture(action.cluster, action.target.namespace)
    return Intent(
        proposal=proposal.id,
        action=action,
        changes=changes_between(fresh.before.object, fresh.after),
        approver=approval.approver,
        available=rollout.available,
        causes=sorted(before.causes) if before else None,
        troubled=sorted(before.troubled) if before else [],
    )
