"""A scripted executor for the public A2A compatibility kit, on the same server stack as the real agents.

The kit says what it wants by the beginning of a message's id. `kubeteam serve NAME --conformance` puts this executor in
the agent's place; everything else (card, wires, store, push) is what is being tested.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from a2a.server.agent_execution import AgentExecutor, RequestContext
from a2a.server.events import EventQueue
from a2a.server.tasks import TaskUpdater
from a2a.types import Part
from fastapi import FastAPI

from agents.runtime import wire
from agents.runtime.cards import load_card
from agents.runtime.service import build_app
from agents.runtime.settings import Settings

HOLD_SECONDS = 4.0
"""How long a task that is subscribed to stays working: twice the kit's streaming timeout."""
ARTIFACT = "result"

FILE = Part(raw=b"tck", media_type="text/plain", filename="output.txt")
FILE_BY_URL = Part(url="https://example.com/output.txt", media_type="text/plain", filename="output.txt")

ARTIFACTS: dict[str, Part] = {
    "tck-artifact-file-url": FILE_BY_URL,
    "tck-artifact-file": FILE,
    "tck-artifact-text": wire.text_part("Generated text content", "text/plain"),
    "tck-artifact-data": wire.data_part({"key": "value", "count": 42}),
    "tck-stream-artifact-file": FILE,
    "tck-stream-artifact-text": wire.text_part("Streamed text content", "text/plain"),
    "tck-stream-ordering-001": wire.text_part("Ordered output", "text/plain"),
    "tck-stream-001": wire.text_part("Stream hello from TCK", "text/plain"),
    "tck-stream-003": wire.text_part("Stream task lifecycle", "text/plain"),
}
"""Tasks that make one artifact and complete; the longest beginning that fits counts."""


def build_conformance(name: str, settings: Settings) -> FastAPI:
    """The service with the scripted executor. It does not recognise repeated messages: the kit uses ids again."""
    card = load_card(name, settings)
    return build_app(card, ConformanceExecutor(), settings, name=f"{name}-conformance", recognise_repetition=False)


class ConformanceExecutor(AgentExecutor):
    """Behaves as the message's id asks."""

    async def execute(self, context: RequestContext, event_queue: EventQueue) -> None:
        """One message of the kit."""
        if context.message is None:
            return
        task = TaskUpdater(event_queue, context.task_id or "", context.context_id or "")
        message_id = context.message.message_id
        if message_id.startswith("tck-message-response"):
            text = wire.text_part("Direct message response", "text/plain")
            await event_queue.enqueue_event(wire.agent_message([text], context_id=context.context_id or ""))
            return
        for beginning, behave in BEHAVIOURS.items():
            if message_id.startswith(beginning):
                await behave(task)
                return
        found = [beginning for beginning in ARTIFACTS if message_id.startswith(beginning)]
        await task.start_work()
        if found:
            await task.add_artifact([ARTIFACTS[max(found, key=len)]], artifact_id=ARTIFACT)
            await task.complete()
        else:
            await _wait_for_more(task, context)

    async def cancel(self, context: RequestContext, event_queue: EventQueue) -> None:
        """The runtime has stopped `execute`; there is nothing else to stop."""
        await TaskUpdater(event_queue, context.task_id or "", context.context_id or "").cancel()


async def _complete(task: TaskUpdater) -> None:
    await task.start_work()
    await task.complete(task.new_agent_message([wire.text_part("Hello from TCK", "text/plain")]))


async def _lifecycle(task: TaskUpdater) -> None:
    await task.start_work()
    await task.complete()


async def _ask(task: TaskUpdater) -> None:
    await task.requires_input(task.new_agent_message([wire.text_part("Need more input", "text/plain")]))


async def _reject(task: TaskUpdater) -> None:
    await task.reject(task.new_agent_message([wire.text_part("Rejected by the script", "text/plain")]))


async def _chunks(task: TaskUpdater) -> None:
    await task.start_work()
    await task.add_artifact([wire.text_part("chunk-1 ", "text/plain")], artifact_id=ARTIFACT)
    chunk = wire.text_part("chunk-2", "text/plain")
    await task.add_artifact([chunk], artifact_id=ARTIFACT, append=True, last_chunk=True)
    await task.complete()


async def _hold(task: TaskUpdater) -> None:
    await task.start_work()
    await asyncio.sleep(HOLD_SECONDS)
    await task.complete()


async def _wait_for_more(task: TaskUpdater, context: RequestContext) -> None:
    """Messages without a script (all of the kit for 0.3) leave a task that can be continued, followed and cancelled."""
    if "complete" in context.get_user_input().lower():
        await task.complete()
    else:
        await task.requires_input(task.new_agent_message([wire.text_part("Hello! Go on.", "text/plain")]))


BEHAVIOURS: dict[str, Callable[[TaskUpdater], Awaitable[None]]] = {
    "tck-complete-task": _complete,
    "tck-input-required": _ask,
    "tck-reject-task": _reject,
    "tck-stream-artifact-chunked": _chunks,
    "tck-stream-002": _lifecycle,
    "test-resubscribe-message-id": _hold,
}
