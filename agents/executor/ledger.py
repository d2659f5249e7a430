"""What has been proposed, decided and carried out, in one database. Every promise about "once" rests on its keys.

A decision is inserted under the proposal's id and an execution together with it, in one transaction: of two that
arrive at the same moment one finds the row taken. The journal's entry is part of the same transaction.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Literal, TypeVar

from pydantic import Field
from sqlalchemy import (
    Column,
    Float,
    MetaData,
    RowMapping,
    Select,
    Table,
    Text,
    Update,
    and_,
    insert,
    or_,
    select,
    update,
)
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from agents.executor.action import Note, PreparedAction
from agents.runtime import journal
from agents.runtime.approvals import Approval, ApprovalRefused
from agents.runtime.database import PAUSES, passing
from agents.runtime.findings import Action, Wire
from agents.runtime.migrations import Tables, bring_up
from agents.runtime.worker import gone

logger = logging.getLogger(__name__)

T = TypeVar("T")
Work = Callable[[AsyncConnection], Awaitable[T]]

metadata = MetaData()

proposals = Table(
    "change_proposals",
    metadata,
    Column("id", Text, primary_key=True),
    Column("digest", Text, nullable=False, index=True),
    Column("document", Text, nullable=False),
    Column("expires_at", Float, nullable=False),
)
decisions = Table(
    "change_decisions",
    metadata,
    Column("proposal", Text, primary_key=True),
    Column("nonce", Text, nullable=False, unique=True),
    Column("document", Text, nullable=False),
)
executions = Table(
    "change_executions",
    metadata,
    Column("id", Text, primary_key=True),
    Column("phase", Text, nullable=False, index=True),
    Column("owner", Text, nullable=False),
    Column("lease_until", Float, nullable=False),
    Column("intent", Text, nullable=False),
    Column("outcome", Text),
)

TABLES = Tables("changes", (metadata, journal.metadata), head="0001", scripts=Path(__file__).parent / "migrations")

Phase = Literal["applying", "verifying", "done"]
"""`applying`: the request may or may not have been sent. `verifying`: the change is in effect. `done`: see outcome."""


class Proposal(Wire):
    """A prepared Action that waits for a decision."""

    id: str
    wanted: Action
    """As asked for; what tools are called with again to apply it."""
    action: PreparedAction
    asked_by: str = ""
    created_at: datetime
    expires_at: datetime


class Intent(Wire):
    """Written down before the first request of an Action: enough to find out afterwards whether it took place."""

    proposal: str
    action: PreparedAction
    changes: dict[str, tuple[str, str]] = Field(default_factory=dict)
    """Leaves that change: path to hashes of the values before and after."""
    approver: str = ""
    available: int | None = None
    """Pods of the workload that were available before; None when it is no workload."""
    causes: list[str] | None = None
    """Root causes before, as `resource fault`; None when nothing could be diagnosed."""
    troubled: list[str] = Field(default_factory=list)
    """Objects that something was wrong with before, symptoms included."""
    undoes: str | None = None
    """The execution that this one takes back."""


@dataclass(frozen=True)
class Execution:
    """One Action being carried out, or carried out."""

    id: str
    phase: Phase
    owner: str
    lease_until: float
    intent: Intent
    outcome: dict[str, Any] | None


class Ledger:
    """Proposals, decisions and executions on SQLAlchemy: SQLite or PostgreSQL."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        self._ready = False
        self._preparing = asyncio.Lock()

    async def open(self) -> None:
        """Brings the tables up to date."""
        async with self._preparing:
            for attempt in range(3):
                if self._ready:
                    return
                try:
                    async with self.engine.begin() as connection:
                        await connection.run_sync(bring_up, TABLES)
                    self._ready = True
                except (IntegrityError, ProgrammingError):  # another service makes them at the same moment
                    if attempt == 2:
                        raise
                    await asyncio.sleep(0.2)

    async def close(self) -> None:
        """Closes the connections."""
        await self.engine.dispose()

    async def _run(self, work: Work[T], *, twice: bool = False) -> T:
        """Runs the work in a transaction. A database that is being restarted is waited for.

        Work that broke off before its commit was undone, and is done again. What became of a commit that broke off,
        nobody knows: then only work that may be done `twice` is. Raises what the work raises, and SQLAlchemy's errors.
        """
        for pause in (*PAUSES, None):
            committing = False
            try:
                async with self.engine.begin() as connection:
                    result = await work(connection)
                    committing = True
                return result
            except (DBAPIError, OSError) as error:
                if pause is None or not passing(error) or (committing and not twice):
                    raise
                logger.info("the ledger's database does not answer, trying again: %s", error)
            await asyncio.sleep(pause)
        raise AssertionError

    async def note(self, event: str, subject: str, data: dict[str, Any], at: datetime) -> None:
        """Writes a line in the journal."""
        await self._run(lambda connection: journal.append(connection, event, subject, data, at))

    async def propose(self, proposal: Proposal, data: dict[str, Any]) -> None:
        """Stores a proposal."""
        row = {"id": proposal.id, "digest": proposal.action.digest, "document": proposal.model_dump_json()}

        async def work(connection: AsyncConnection) -> None:
            known = select(proposals.c.id).where(proposals.c.id == proposal.id)
            if (await connection.execute(known)).first() is None:
                await connection.execute(insert(proposals).values(**row, expires_at=proposal.expires_at.timestamp()))
                await journal.append(connection, "proposed", proposal.id, data, proposal.created_at)

        await self._run(work, twice=True)

    async def proposal(self, proposal_id: str) -> Proposal | None:
        """The proposal of that id, as stored."""
        query = select(proposals.c.document).where(proposals.c.id == proposal_id)
        rows = await self._rows(query)
        return Proposal.model_validate_json(rows[0]["document"]) if rows else None

    async def reject(self, approval: Approval, at: datetime) -> None:
        """Stores a rejection. Raises ApprovalRefused when the proposal has been decided already."""

        async def work(connection: AsyncConnection) -> None:
            await self._decide(connection, approval)
            await journal.append(connection, "rejected", approval.proposal, decision_data(approval), at)

        await self._run(work)

    async def stop(self, approval: Approval, outcome: dict[str, Any], at: datetime) -> None:
        """Uses up an approval without applying anything, because the object is no longer what was approved."""

        async def work(connection: AsyncConnection) -> None:
            await self._decide(connection, approval)
            await journal.append(connection, "approved", approval.proposal, decision_data(approval), at)
            await journal.append(connection, "stopped", approval.proposal, outcome, at)

        await self._run(work)

    async def begin(self, approval: Approval, intent: Intent, owner: str, lease: timedelta, at: datetime) -> Execution:
        """Uses up an approval and writes the intent down, at once. Raises ApprovalRefused when it was used already."""

        async def work(connection: AsyncConnection) -> Execution:
            await self._decide(connection, approval)
            await journal.append(connection, "approved", approval.proposal, decision_data(approval), at)
            return await _insert(connection, approval.proposal, intent, owner, lease, at)

        return await self._run(work)

    async def begin_undo(self, intent: Intent, owner: str, lease: timedelta, at: datetime) -> Execution | None:
        """Writes down that an execution is taken back; None when that has been begun before."""
        try:
            return await self._run(lambda c: _insert(c, f"{intent.undoes}:undo", intent, owner, lease, at))
        except IntegrityError:
            return None

    async def advance(self, execution: Execution, phase: Phase, event: str, data: dict[str, Any], at: datetime) -> bool:
        """Moves an execution on and journals it. False when somebody else has taken it over."""
        outcome = json.dumps(data, ensure_ascii=False) if phase == "done" else None
        changed = update(executions).where(_held(execution)).values(phase=phase, outcome=outcome)

        async def work(connection: AsyncConnection) -> bool:
            held = (await connection.execute(changed)).rowcount == 1
            if held:
                await journal.append(connection, event, execution.id, data, at)
            return held

        return await self._run(work)

    async def renew(self, execution: Execution, lease: timedelta, now: datetime) -> bool:
        """Keeps an execution for another while. False when somebody else has taken it over."""
        until = (now + lease).timestamp()
        return await self._changed(update(executions).where(_held(execution)).values(lease_until=until), twice=True)

    async def orphans(self, now: datetime) -> list[Execution]:
        """Executions whose process is gone, or has not been heard of for as long as its lease."""
        query = select(executions).where(executions.c.phase != "done")
        open_ones = [_execution(row) for row in await self._rows(query)]
        return [each for each in open_ones if each.lease_until < now.timestamp() or gone(each.owner)]

    async def take_over(self, orphan: Execution, owner: str, lease: timedelta, now: datetime) -> Execution | None:
        """Makes an orphan ours; None when somebody else was faster."""
        until = (now + lease).timestamp()
        mine = and_(_held(orphan), executions.c.lease_until == orphan.lease_until)
        if not await self._changed(update(executions).where(mine).values(owner=owner, lease_until=until)):
            return None
        return Execution(orphan.id, orphan.phase, owner, until, orphan.intent, None)

    async def execution(self, execution_id: str) -> Execution | None:
        """The execution of a proposal (`<id>`) or of its undoing (`<id>:undo`)."""
        rows = await self._rows(select(executions).where(executions.c.id == execution_id))
        return _execution(rows[0]) if rows else None

    async def _rows(self, query: Select[Any]) -> Sequence[RowMapping]:
        async def work(connection: AsyncConnection) -> Sequence[RowMapping]:
            return (await connection.execute(query)).mappings().all()

        return await self._run(work, twice=True)

    async def _changed(self, statement: Update, *, twice: bool = False) -> bool:
        """Whether the statement changed a row."""

        async def work(connection: AsyncConnection) -> bool:
            return (await connection.execute(statement)).rowcount == 1

        return await self._run(work, twice=twice)

    async def _decide(self, connection: AsyncConnection, approval: Approval) -> None:
        row = {"proposal": approval.proposal, "nonce": approval.nonce, "document": approval.model_dump_json()}
        taken = or_(decisions.c.proposal == approval.proposal, decisions.c.nonce == approval.nonce)
        earlier = (await connection.execute(select(decisions.c.document).where(taken))).first()
        if earlier is None:
            try:
                await connection.execute(insert(decisions).values(**row))
                return
            except IntegrityError as error:  # PostgreSQL: both looked before either wrote
                raise ApprovalRefused("this proposal has just been decided by somebody else") from error
        before = Approval.model_validate_json(earlier[0])
        raise ApprovalRefused(
            f"this proposal has been decided before: {before.decision} by {before.approver} at "
            f"{before.issued_at.isoformat(timespec='seconds')}; an approval works only once"
        )


def decision_data(approval: Approval) -> dict[str, Any]:
    """What the journal keeps of a decision."""
    return {
        "by": approval.approver,
        "groups": approval.groups,
        "decision": approval.decision,
        "reason": approval.reason,
        "digest": approval.digest,
    }


def note_data(notes: Iterable[Note]) -> list[dict[str, Any]]:
    """Notes as JSON."""
    return [note.model_dump() for note in notes]


async def _insert(
    connection: AsyncConnection, execution_id: str, intent: Intent, owner: str, lease: timedelta, at: datetime
) -> Execution:
    until = (at + lease).timestamp()
    row = {"id": execution_id, "phase": "applying", "owner": owner, "lease_until": until}
    await connection.execute(insert(executions).values(**row, intent=intent.model_dump_json()))
    data = {"kind": intent.action.kind, "resource": intent.action.resource, "cluster": intent.action.cluster}
    await journal.append(connection, "applying", execution_id, data, at)
    return Execution(execution_id, "applying", owner, until, intent, None)


def _held(execution: Execution) -> Any:
    return and_(executions.c.id == execution.id, executions.c.owner == execution.owner, executions.c.phase != "done")


def _execution(row: Any) -> Execution:
    outcome = json.loads(row["outcome"]) if row["outcome"] else None
    intent = Intent.model_validate_json(row["intent"])
    return Execution(row["id"], row["phase"], row["owner"], row["lease_until"], intent, outcome)
