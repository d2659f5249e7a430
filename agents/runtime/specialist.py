"""A specialist as an A2A executor: a message comes in, a turn is worked, artifacts go out."""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager

from a2a.helpers import new_task_from_user_message
from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.types import Message, Part, TaskState
from mcp.server.mcpserver import MCPServer

from agents.runtime.context import wants_findings
from agents.runtime.definition import AgentDefinition, Turn
from agents.runtime.findings import Language
from agents.runtime.loop import CallNote, ResultNote
from agents.runtime.models import ADK_LITELLM, model_for, warmed_up
from agents.runtime.proto_json import to_json
from agents.runtime.remote_tools import RemoteTools
from agents.runtime.settings import Settings
from agents.runtime.telemetry import agent_turn, note_usage
from agents.runtime.tools import Tool, in_process_tools
from agents.runtime.turn import Outcome, TurnFailed, Workplace, run_turn
from agents.runtime.wire import (
    ToolCallNote,
    ToolResultNote,
    WireError,
    agent_message,
    answer_artifact,
    finding_artifact,
    progress_message,
    read_instruction,
    text_part,
    tool_call_part,
    tool_result_part,
)
from agents.runtime.write_gate import WriteGate

logger = logging.getLogger(__name__)

HAND_OVER_SECONDS = 1.0
"""Left of a subtask's deadline for the way back, so that a late answer still arrives."""

_PROGRESS: dict[Language, str] = {"en": "Calling {tools}", "zh": "正在调用 {tools}"}
_CRASHED: dict[Language, str] = {
    "en": "{name} failed unexpectedly; the service's log says why.",
    "zh": "{name} 意外出错,详情见该服务的日志。",
}
_EMPTY = "The message has no text. Ask a question, or say what to do."


class SpecialistExecutor(AgentExecutor):
    """Works the turns of one specialist, inside its `lifespan`."""

    def __init__(
        self, definition: AgentDefinition, settings: Settings, tools: MCPServer, *, write_gate: WriteGate | None = None
    ) -> None:
        """`tools` is the server that `definition.tools(settings)` built; `write_gate` takes writes of remote tools."""
        self._model = settings.model_of(definition.name)
        self._name = definition.name
        self._server = tools
        self._built_in: list[Tool] | None = None
        self._remote = RemoteTools(settings.agent(definition.name).mcp_servers, write_gate)
        self._seconds = settings.limits.subtask_deadline_seconds
        self._place = Workplace(
            definition=definition,
            model=model_for(self._model),
            max_model_calls=settings.limits.max_model_calls,
        )

    @asynccontextmanager
    async def lifespan(self, _app: object = None) -> AsyncGenerator[None]:
        """Starts beside the first requests, and closes after the last: what a service has to do for its executor."""
        async with warmed_up(self._model, ADK_LITELLM):
            try:
                yield
            finally:
                await self.aclose()

    async def aclose(self) -> None:
        """Ends the sessions with other people's MCP servers."""
        await self._remote.aclose()

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """One turn: a Task, WORKING notes, the artifacts, COMPLETED; or FAILED with a reason for people."""
        message = context.message
        if message is None:
            raise ValueError("a specialist needs a message")
        if context.current_task is None:
            await event_queue.enqueue_event(new_task_from_user_message(message))
        task = _Task(TaskUpdater(event_queue, context.task_id or "", context.context_id or ""))
        try:
            instruction, subtask = read_instruction(message)
        except WireError as error:
            await task.fail(str(error))
            return
        if not instruction.strip():
            await task.fail(_EMPTY)
            return
        task.language = subtask.language
        try:
            outcome = await self._work(Turn(instruction, subtask), task)
        except TurnFailed as error:
            await task.fail(str(error))
        except Exception:
            logger.exception("%s: the turn failed", self._name)
            await task.fail(_CRASHED[subtask.language].format(name=self._name))
        else:
            await task.complete(outcome, with_finding=wants_findings(context.call_context, message))

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """Says that the task is canceled; the server then cancels `execute`, and with it the running tools."""
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()

    async def _work(self, turn: Turn, task: _Task) -> Outcome:
        if self._built_in is None:
            self._built_in = await in_process_tools(self._server)
        remote, unavailable = await self._remote.tools(turn.subtask.language)
        seconds = turn.subtask.deadline_seconds or self._seconds
        with agent_turn(self._name, turn.subtask, task.context_id) as span:
            outcome = await run_turn(
                self._place,
                turn,
                _joined(self._built_in, remote),
                seconds=max(seconds - HAND_OVER_SECONDS, seconds * 0.9),
                report=task.report,
                notice=task.say,
            )
            note_usage(span, outcome.finding.usage)
        if not unavailable:
            return outcome
        finding = outcome.finding
        return Outcome(finding.model_copy(update={"missing": [*finding.missing, *unavailable]}), outcome.note)


def _joined(built_in: Sequence[Tool], remote: Sequence[Tool]) -> list[Tool]:
    """Other people's tools beside ours; of one name theirs wins, when it may be called at all."""
    replacing = {tool.info.name for tool in remote if tool.info.read_only}
    ours = [tool for tool in built_in if tool.info.name not in replacing]
    names = {tool.info.name for tool in ours}
    return [*ours, *(tool for tool in remote if tool.info.name not in names)]


class _Task:
    """The A2A side of a turn: what the client sees of it."""

    def __init__(self, updater: TaskUpdater) -> None:
        self._updater = updater
        self.context_id = updater.context_id
        self.language: Language = "en"

    async def report(self, notes: Sequence[CallNote] | Sequence[ResultNote]) -> None:
        """Tool calls and results as data parts of one WORKING status."""
        parts = [_note_part(note) for note in notes]
        calls = [note.name for note in notes if isinstance(note, CallNote)]
        if calls:
            parts.insert(0, text_part(_PROGRESS[self.language].format(tools=", ".join(calls)), "text/plain"))
        await self._working(agent_message(parts, **self._ids))

    async def say(self, text: str) -> None:
        """A line for people."""
        await self._working(progress_message(text, **self._ids))

    async def complete(self, outcome: Outcome, *, with_finding: bool) -> None:
        """Hands over the answer, and the Finding to clients that understand it."""
        for artifact in (
            answer_artifact(_answer(outcome), outcome.finding.usage),
            *((finding_artifact(outcome.finding),) if with_finding else ()),
        ):
            await self._updater.add_artifact(
                list(artifact.parts),
                artifact_id=artifact.artifact_id,
                name=artifact.name,
                metadata=to_json(artifact.metadata),
                extensions=list(artifact.extensions),
                last_chunk=True,
            )
        await self._updater.complete()

    async def fail(self, reason: str) -> None:
        """Ends the task with a reason for people."""
        await self._updater.failed(agent_message([text_part(reason, "text/plain")], **self._ids))

    async def _working(self, message: Message) -> None:
        await self._updater.update_status(TaskState.TASK_STATE_WORKING, message)

    @property
    def _ids(self) -> dict[str, str]:
        return {"task_id": self._updater.task_id, "context_id": self._updater.context_id}


def _answer(outcome: Outcome) -> str:
    return f"{outcome.finding.text}\n\n> {outcome.note}" if outcome.note else outcome.finding.text


_MAX_SHOWN = 600
"""Characters of a tool result in a progress event: people look at it, nobody computes with it."""


def _note_part(note: CallNote | ResultNote) -> Part:
    if isinstance(note, CallNote):
        return tool_call_part(ToolCallNote(note.id, note.name, note.arguments))
    error = note.response.get("error")
    shown = str(error) if error is not None else json.dumps(note.response, ensure_ascii=False, default=str)
    return tool_result_part(ToolResultNote(note.id, note.name, shown[:_MAX_SHOWN], failed=error is not None))
