"""Makes an approved call, once. What became of a call whose answer is lost nobody can find out, so it is told."""

from __future__ import annotations

from agents.cluster.errors import ClusterError
from agents.cluster.redaction import redact
from agents.executor.action import Note
from agents.executor.calls.call import TOOL_KIND, ToolCallAsked
from agents.executor.calls.prepare import told
from agents.executor.carry_out import Done, keep
from agents.executor.cluster_api import ClusterApi
from agents.executor.ledger import Execution, Intent
from agents.executor.workshop import Workshop
from agents.runtime.remote_tools import Unanswered, Unreachable

_MAX_ANSWER = 400


async def make_call(shop: Workshop, execution: Execution) -> Done:
    """Sends the call. The intent is in the ledger already. Raises Superseded."""
    await keep(shop, execution)
    call = ToolCallAsked.read(execution.intent.action.arguments)
    try:
        answer = await shop.tool_servers.call_once(call)
    except Unreachable as error:
        return Done("no", Note(code="call_not_sent", facts={"why": redact(str(error))}))
    except Unanswered as error:
        return Done("unclear", Note(code="call_unclear", facts={"why": redact(str(error))[:_MAX_ANSWER]}))
    return Done("yes", Note(code="call_answered", facts={"answer": " ".join(told(answer).split())[:_MAX_ANSWER]}))


async def can_be_verified(cluster: ClusterApi, intent: Intent) -> bool:
    """Whether the call named an object that was or is on our cluster, so that a look at it says something."""
    if intent.action.target.kind == TOOL_KIND:
        return False
    if intent.action.precondition.uid is not None:
        return True
    try:
        await cluster.get(intent.action.target)
    except ClusterError:
        return False
    return True
