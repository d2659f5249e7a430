"""One subtask over A2A: sent, watched until it ends or its time is up. Whatever goes wrong becomes a Failed outcome.

A member that is down, slow or answers nonsense costs only its part.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from agents.runtime.findings import Finding, SubtaskInput
from planner.plan import Plan, Subtask
from planner.request import Request
from planner.team import MemberClient
from planner.updates import Completed, Failed, InputRequired, Progress, TaskStarted, ToolStarted

log = logging.getLogger(__name__)

CANCEL_SECONDS = 5
"""How long telling a member to stop may take."""

Outcome = Completed | InputRequired | Failed
Started = Callable[[TaskStarted], Awaitable[None]]
Told = Callable[[str], Awaitable[None]]


async def dispatch(
    member: MemberClient,
    request: Request,
    plan: Plan,
    subtask: Subtask,
    findings: list[Finding],
    *,
    deadline: float,
    started: Started,
    told: Told,
) -> Outcome:
    """Runs one turn of a subtask. `started` gets the A2A task, `told` every line of progress.

    `deadline` is in seconds from now. A subtask that is out of time is cancelled at the member, too.
    """
    task_id = subtask.task_id
    try:
        async with asyncio.timeout(deadline):
            updates = member.run(
                subtask.reply or subtask.instruction,
                _input(request, subtask, findings, deadline),
                message_id=plan.message_id(subtask),
                context_id=subtask.context_id,
                task_id=subtask.task_id if subtask.turn else None,
                user=request.user,
                deadline=deadline,
            )
            async with aclosing(updates) as stream:  # pyright: ignore[reportArgumentType]
                async for update in stream:
                    if isinstance(update, TaskStarted):
                        task_id = update.task_id
                        await started(update)
                    elif isinstance(update, Progress):
                        await told(update.text)
                    elif isinstance(update, ToolStarted):
                        await told(update.name)
                    elif isinstance(update, Completed | InputRequired | Failed):
                        return update
        return Failed("it ended without a result")
    except TimeoutError:
        if task_id:
            await cancel(member, task_id)
        return Failed(f"no answer within {deadline:.0f} s")


async def cancel(member: MemberClient, task_id: str) -> None:
    """Tells a member to stop; one that cannot be told will notice its own deadline."""
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            await member.cancel(task_id)
    except Exception as error:
        log.warning("could not cancel task %s: %s", task_id, error)


def _input(request: Request, subtask: Subtask, findings: list[Finding], deadline: float) -> SubtaskInput:
    return SubtaskInput(
        question=request.text,
        language=request.language,
        cluster_id=request.cluster_id,
        inputs=subtask.inputs,
        findings=findings,
        deadline_seconds=round(deadline, 1),
    )
