"""Where orders for changes come in, whoever sends them: it names the cluster and the object, and asks the gate."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from agents.executor import gate
from agents.executor.action import ActionError, Target
from agents.executor.calls.call import ToolCallAsked
from agents.executor.calls.call import target_of as target_of_call
from agents.executor.changes.objects import parsed, target_of
from agents.executor.cluster_api import ClusterApi
from agents.executor.diff import masked
from agents.executor.ledger import Proposal
from agents.executor.locate import locate
from agents.executor.recover import recover
from agents.executor.workshop import Workshop
from agents.runtime.approvals import ApprovalRefused
from agents.runtime.findings import Action, ActionKind

logger = logging.getLogger(__name__)

RECOVERY_SECONDS = 5.0
"""How often executions of dead processes are looked for."""

Answer = dict[str, Any]


@dataclass(frozen=True)
class Order:
    """What all tools take: the object, as far as it was named, the cluster, the Approval, and who asks."""

    kind: str | None
    namespace: str | None
    name: str | None
    cluster_id: str | None
    approval: str | None
    asked_by: str | None = None


class Desk:
    """Takes orders. An order without an Approval is a proposal; one with an Approval is applied if that holds."""

    def __init__(self, shop: Workshop, cluster_ids: Callable[[], list[str]]) -> None:
        self.shop = shop
        self.cluster_ids = cluster_ids
        self._users = 0
        self._recovery: asyncio.Task[None] | None = None
        self._running: set[asyncio.Task[Answer]] = set()

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Recovers what crashed executors left, now and then, while anybody is inside."""
        self._users += 1
        if self._recovery is None:
            self._recovery = asyncio.create_task(self._recover_forever())
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self._close()

    async def take(self, kind: ActionKind, order: Order, arguments: dict[str, Any]) -> Answer:
        """Proposes or applies. Raises ActionError and ClusterError; a refusal is an answer with status `refused`."""
        await self.shop.ledger.open()
        cluster = await self.shop.open_cluster(order.cluster_id)
        wanted = await wanted_action(cluster, kind, order, arguments)
        about = {"wanted": wanted.model_dump(), "cluster_id": cluster.name}
        try:
            if order.approval:
                named = cluster.name if order.cluster_id else None
                return about | await self._to_its_end(gate.decide(self.shop, order.approval, wanted, named))
            proposal = await gate.propose(self.shop, cluster, wanted, order.asked_by or "")
            answer = about | proposal_answer(proposal)
            automatic = await self._to_its_end(self._by_policy(proposal))
            return answer | automatic
        except gate.Refused as error:
            return about | {"status": "refused", "notes": [error.note.model_dump()], "why": str(error)}
        except ApprovalRefused as error:
            return about | {"status": "not_applied", "notes": [], "why": str(error)}

    async def _by_policy(self, proposal: Proposal) -> Answer:
        return await gate.approve_by_policy(self.shop, proposal) or {}

    async def _to_its_end(self, work: Coroutine[Any, Any, Answer]) -> Answer:
        """A caller that goes away does not stop an Action half-way: the work ends, and the journal has it."""
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._done)
        return await asyncio.shield(task)

    def _done(self, task: asyncio.Task[Answer]) -> None:
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:  # its caller may be gone
            logger.info("a decision was not carried out: %s", error)

    async def _recover_forever(self) -> None:
        while True:
            try:
                await self.shop.ledger.open()
                if ended := await recover(self.shop):
                    logger.warning("ended what an earlier executor left: %s", ", ".join(ended))
            except Exception:
                logger.exception("looking for interrupted changes failed; trying again")
            await asyncio.sleep(RECOVERY_SECONDS)

    async def _close(self) -> None:
        if self._recovery is not None:
            self._recovery.cancel()
            with suppress(asyncio.CancelledError):
                await self._recovery
            self._recovery = None
        if self._running:
            await asyncio.wait(self._running, timeout=self.shop.lease.total_seconds())
        await self.shop.tool_servers.aclose()
        await self.shop.ledger.close()


def proposal_answer(proposal: Proposal) -> Answer:
    """A proposal as a tool gives it."""
    action = proposal.action.model_dump()
    action["inverse"] = masked(action["inverse"])  # it may hold a value that only the cluster knew
    return {
        "status": "proposed",
        "proposal": proposal.id,
        "digest": proposal.action.digest,
        "expires_at": proposal.expires_at.isoformat(timespec="seconds"),
        "action": action,
        "to_apply": "a person decides; the same call with `approval`, signed for this proposal and digest, applies it",
    }


async def wanted_action(cluster: ClusterApi, kind: ActionKind, order: Order, arguments: dict[str, Any]) -> Action:
    """The Action that an order asks for, its object found. Raises ActionError when that is unclear."""
    if kind == "call_tool":
        call = ToolCallAsked.read(arguments)
        return Action(kind=kind, resource=str(target_of_call(call)), arguments=call.as_arguments())
    if kind == "apply_manifest":
        manifest = parsed(arguments.get("manifest"), "manifest")
        if not isinstance(manifest, dict):
            raise ActionError("manifest must be one object, not a list; propose one Action for each")
        named = target_of(manifest)
        arguments = {"manifest": manifest}
        target = Target(order.namespace or named.namespace, order.kind or named.kind, order.name or named.name)
    else:
        target = await locate(cluster, order.kind, order.namespace, order.name or "")
    return Action(kind=kind, resource=str(target), arguments=arguments)
