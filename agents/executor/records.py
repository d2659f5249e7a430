"""What was written down about changes, for whoever coordinates them: read-only MCP tools, beside those that change."""

from __future__ import annotations

from dataclasses import asdict
from typing import Annotated, Any, Literal

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field
from sqlalchemy.exc import SQLAlchemyError

from agents.executor.findings import outcome_facts
from agents.executor.ledger import Ledger
from agents.runtime import journal
from agents.runtime.findings import Language

ChangeState = Literal["unknown", "waiting", "running", "over"]
"""`waiting`: no decision was used up, so an Approval still applies it. `over`: the outcome is final."""

_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def add_records(server: MCPServer, ledger: Ledger) -> None:
    """Adds `read_journal` and `what_became_of` to the executor's tools."""

    @server.tool(annotations=_READS)
    async def read_journal(
        after: Annotated[int, Field(ge=0, description="Entries after this number.")] = 0,
        limit: Annotated[int, Field(ge=1, le=500, description="How many at most.")] = 100,
        subject: Annotated[str | None, Field(description="Only this proposal's entries.")] = None,
        verify: Annotated[bool, Field(description="Also check the whole chain of hashes.")] = False,
    ) -> dict[str, Any]:
        """The journal of changes in order: who asked, decided and applied what, and what was seen afterwards."""
        try:
            return await journal_page(ledger, after, limit, subject, verify)
        except SQLAlchemyError as error:
            raise ToolError(f"the journal cannot be read: {error}") from error

    @server.tool(annotations=_READS)
    async def what_became_of(
        proposals: Annotated[list[str], Field(max_length=100, description="Ids of proposals.")],
        language: Annotated[Language, Field(description="en or zh")] = "en",
    ) -> dict[str, Any]:
        """Whether proposed changes were decided and applied, and how that ended, by what the ledger says."""
        try:
            await ledger.open()
            return {"changes": [await became_of(ledger, proposal, language) for proposal in proposals]}
        except SQLAlchemyError as error:
            raise ToolError(f"the ledger cannot be read: {error}") from error


async def journal_page(ledger: Ledger, after: int, limit: int, subject: str | None, verify: bool) -> dict[str, Any]:
    """`{"entries": […], "count": n}`, and `"verified": {"ok", "entries", "head", "problem"}` when asked for."""
    await ledger.open()
    found = await journal.read(ledger.engine, after=after, limit=limit, subject=subject)
    page: dict[str, Any] = {
        "entries": [asdict(entry) for entry in found],
        "count": await journal.count(ledger.engine),
    }
    if verify:
        good, head, trouble = await journal.verify(ledger.engine)
        page["verified"] = {"ok": trouble is None, "entries": good, "head": head, "problem": trouble}
    return page


async def became_of(ledger: Ledger, proposal_id: str, language: Language) -> dict[str, Any]:
    """`{"proposal", "state"}`, with the outcome in values and words when it is over."""
    proposal = await ledger.proposal(proposal_id)
    if proposal is None:
        return {"proposal": proposal_id, "state": "unknown"}
    execution = await ledger.execution(proposal_id)
    if execution is not None:
        outcome = execution.outcome if execution.phase == "done" else None
        state: ChangeState = "running" if outcome is None else "over"
    else:
        outcome = await _ended_without_execution(ledger, proposal_id)
        state = "waiting" if outcome is None else "over"
    told = {"proposal": proposal_id, "state": state}
    if outcome is None:
        return told
    answer = {"wanted": proposal.wanted.model_dump(), "cluster_id": proposal.action.cluster, **outcome}
    return told | outcome_facts(answer, language)


async def _ended_without_execution(ledger: Ledger, proposal_id: str) -> dict[str, Any] | None:
    found = await journal.read(ledger.engine, subject=proposal_id)
    for entry in reversed(found):
        if entry.event == "rejected":
            return {"status": "rejected", "notes": [], "by": entry.data["by"], "reason": entry.data["reason"]}
        if entry.event == "stopped":
            return entry.data
    return None
