"""A team of fakes: each member answers what the test tells it to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from agents.runtime import tracing
from agents.runtime.findings import Action, Change, Evidence, Finding, RootCause, SubtaskInput
from agents.runtime.updates import Completed, Failed, InputRequired, Progress, TaskStarted
from planner.team import Profile, Skill, Team, ToolUnavailable

NOW = datetime(2026, 11, 20, 10, 0, tzinfo=UTC)
BUILT_IN = ("metrics", "auditor", "diagnoser", "executor")

Script = Callable[["Call"], Any]


@dataclass
class Call:
    """One message that a member got."""

    member: str
    instruction: str
    subtask: SubtaskInput
    message_id: str
    context_id: str | None
    task_id: str | None
    user: str | None
    headers: dict[str, str] = field(default_factory=dict)
    """Those of the trace included, as the real client sends them."""


@dataclass
class FakeMember:
    """Yields what `script` returns for the call: a list of updates, or a Finding; exceptions are raised."""

    name: str
    script: Script
    calls: list[Call] = field(default_factory=list)
    cancelled: list[str] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """When set to an event, the member works until it is set."""
    left: bool = False
    started: asyncio.Event = field(default_factory=asyncio.Event)

    async def run(
        self,
        instruction: str,
        subtask: SubtaskInput,
        *,
        message_id: str,
        context_id: str | None = None,
        task_id: str | None = None,
        user: str | None = None,
        headers: Mapping[str, str] | None = None,
        deadline: float | None = None,
        left: asyncio.Event | None = None,
        patience: float | None = None,
    ) -> AsyncGenerator[Any]:
        sent = {**tracing.headers(), **(headers or {})}
        call = Call(self.name, instruction, subtask, message_id, context_id, task_id, user, sent)
        self.calls.append(call)
        own = f"task-{message_id}"
        settled = False
        try:
            yield TaskStarted(task_id=task_id or own, context_id="ctx")
            yield Progress(f"{self.name} works")
            self.started.set()
            if self.gate is not None:
                await self.gate.wait()
            result = self.script(call)
            for update in result if isinstance(result, list) else [Completed(result)]:
                settled = not isinstance(update, Progress)
                yield update
            settled = True
        finally:
            if not settled and not self.left and not (left is not None and left.is_set()):
                self.cancelled.append(own)

    async def cancel(self, task_id: str, *, user: str | None = None) -> None:
        self.cancelled.append(task_id)

    def leave(self) -> None:
        self.left = True


class FakeTeam:
    """Members by name; what is not scripted answers with an empty Finding."""

    def __init__(self, clusters: Sequence[str] = (), **scripts: Script) -> None:
        self.known_clusters = list(clusters)
        self.extra: list[Profile] = []
        self.tools: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {}
        self.tool_calls: list[tuple[str, str, dict[str, Any]]] = []
        self.members = {
            name: FakeMember(name, scripts.get(name, lambda call: Finding(specialist=call.member)))
            for name in dict.fromkeys((*BUILT_IN, *scripts))
        }

    async def profiles(self) -> Team:
        extra = {profile.name: profile for profile in self.extra}
        return {n: extra.get(n, Profile(name=n, built_in=n in BUILT_IN)) for n in self.members}

    async def call_tool(self, member: str, tool: str, arguments: dict[str, Any]) -> dict[str, Any]:
        self.tool_calls.append((member, tool, arguments))
        answer = self.tools.get(tool)
        if answer is None:
            raise ToolUnavailable(f"{member} has no tool {tool}")
        return answer(arguments)

    async def clusters(self) -> list[str]:
        return self.known_clusters

    def leave(self) -> None:
        for member in self.members.values():
            member.leave()

    def client(self, name: str) -> FakeMember:
        return self.members[name]


def declared(name: str, *tags: str, description: str = "") -> Profile:
    """A member of team.yaml with one skill."""
    return Profile(name=name, description=description, skills=(Skill(id=name, tags=tags),))


def evidence(excerpt: str = "Last State: Terminated, Reason: OOMKilled", source: str = "pod status") -> Evidence:
    return Evidence(source=source, query="kubectl describe pod web-1", observed_at=NOW, excerpt=excerpt)


def out_of_memory(resource: str = "front/Deployment/web", **changed: Any) -> RootCause:
    """A root cause with everything in it."""
    remedy = Action(
        kind="set_resources",
        resource=resource,
        arguments={"container": "app", "limits": {"memory": "512Mi"}},
        reason="The limit was lowered below what it uses.",
    )
    change = Change(
        resource=resource,
        field="containers[app].resources.limits.memory",
        before="512Mi",
        after="64Mi",
        at=NOW,
        source="ReplicaSet history",
    )
    cause = RootCause(
        resource=resource,
        fault="oom_killed",
        explanation="The container app is killed at its limit of 64Mi. It needs 300Mi.",
        confidence=0.97,
        confidence_reason="the kernel said so",
        since=NOW,
        changes=[change],
        chain=["limit 64Mi", "OOMKilled", "no endpoints"],
        evidence=[evidence()],
        remedies=[remedy],
        advice=["Alert on memory above 80 % of the limit."],
    )
    return cause.model_copy(update=changed)


__all__ = ["NOW", "Call", "Failed", "FakeMember", "FakeTeam", "InputRequired", "declared", "evidence", "out_of_memory"]
