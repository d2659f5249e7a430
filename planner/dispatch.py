"""One subtask over A2A: sent, watched until it ends or its time is up. Whatever goes wrong becomes a Failed outcome.

A member that is down, slow or answers nonsense costs only its part.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import aclosing

from agents.runtime.findings import Finding, SubtaskInput
from agents.runtime.updates import Failed, Outcome, Progress, TaskStarted
from planner.commit import Refusal
from planner.plan import Subtask
from planner.request import Request
from planner.team import MemberClient
from planner.telemetry import lineage

log = logging.getLogger(__name__)

GRACE_SECONDS = 1.0
"""How much later than the deadline a member's own word about it may come."""
CANCEL_SECONDS = 5
"""How long telling a member to stop may take."""

Started = Callable[[TaskStarted], Awaitable[None]]
Told = Callable[[str], Awaitable[None]]


async def dispatch(
    member: MemberClient,
    request: Request,
    message_id: str,
    subtask: Subtask,
    findings: list[Finding],
    *,
    plan_id: str = "",
    deadline: float,
    started: Started,
    told: Told,
    left: asyncio.Event,
    patience: float,
) -> Outcome:
    """Runs one turn of a subtask. `started` gets the A2A task, `told` every line of progress.

    `message_id` is the same for every attempt, so that the member recognises one that comes again. When `left` is set,
    the member's task goes on although nobody here waits for it. `deadline` is in seconds from now. The member keeps to
    it; one that does not is left a moment later, which cancels its task. It may be away for `patience` seconds.
    """
    try:
        async with asyncio.timeout(deadline + GRACE_SECONDS):
            updates = member.run(
                subtask.reply or subtask.instruction,
                _input(request, plan_id, subtask, findings, deadline),
                message_id=message_id,
                context_id=subtask.context_id if subtask.continues else None,
                task_id=subtask.task_id if subtask.continues else None,
                user=request.user,
                headers=lineage(request),
                deadline=deadline,
                left=left,
                patience=patience,
            )
            async with aclosing(updates) as stream:
                async for update in stream:
                    if isinstance(update, TaskStarted):
                        await started(update)
                    elif isinstance(update, Progress):
                        await told(update.text)
                    else:
                        return update
        return Failed("it ended without a result", "nonsense")
    except TimeoutError:
        return Failed(f"no answer within {deadline:.0f} s", "timeout")
    except Refusal:
        raise
    except Exception as error:
        log.exception("subtask %s of request %s: %s broke off", subtask.id, request.id, subtask.specialist)
        return Failed(f"the exchange broke off: {type(error).__name__}: {error}", "nonsense")


async def cancel(member: MemberClient, task_id: str, user: str) -> None:
    """Tells a member to stop; one that cannot be told will notice its own deadline."""
    try:
        async with asyncio.timeout(CANCEL_SECONDS):
            await member.cancel(task_id, user=user)
    except Exception as error:
        log.warning("could not cancel task %s: %s", task_id, error)


def _input(request: Request, plan_id: str, subtask: Subtask, findings: list[Finding], deadline: float) -> SubtaskInput:
    return SubtaskInput(
        question=subtask.instruction if subtask.inputs.get("wish") == "change" else request.text,
        language=request.language,
        cluster_id=request.cluster_id,
        inputs=subtask.inputs,
        findings=findings,
        deadline_seconds=round(deadline, 1),
        request_id=request.id,
        plan_id=plan_id,
        subtask_id=subtask.id,
    )
