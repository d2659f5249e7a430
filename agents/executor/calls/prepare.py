"""Prepares a call of another server's tool: what can be known beforehand, and plainly what cannot."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import yaml

from agents.cluster.errors import Forbidden, NotFound
from agents.cluster.redaction import redact, redact_object
from agents.executor.action import ActionError, Effects, Note, Object, Precondition, PreparedAction, Target, hash_of
from agents.executor.calls.call import TOOL_KIND, OfferedTool, ToolCallAsked, check, replicas_of, target_of
from agents.executor.calls.servers import ServerDown, ToolServers
from agents.executor.changes.change import Before, Change
from agents.executor.cluster_api import ClusterApi
from agents.executor.diff import MAX_LINES, masked
from agents.executor.policy import named_tools
from agents.executor.prepare import Preparation
from agents.executor.risk import risk_of_call
from agents.executor.state import fingerprint
from agents.runtime.findings import Action
from agents.runtime.remote_tools import Unanswered, Unreachable
from agents.runtime.settings import PolicySettings

_MAX_ANSWER = 2000
"""Characters of a dry run's answer that are shown."""


async def prepare_call(
    servers: ToolServers, policy: PolicySettings, cluster: ClusterApi, wanted: Action, now: datetime
) -> Preparation:
    """A call as an Action. Nothing is called but the tool's own dry run, where the policy trusts it.

    Raises ActionError for a call that must not be made, and ClusterError when the server or the cluster is away.
    """
    call = ToolCallAsked.read(wanted.arguments)
    target = target_of(call)
    if wanted.resource != str(target):
        raise ActionError(f"the call is about {target}, not about {wanted.resource}")
    tool = await servers.offered(call)
    check(call, tool, cluster.name)
    live = await _live(cluster, target)
    said = await _dry_run(servers, policy, cluster.name, call, tool)
    effects = _effects(call, live)
    action = PreparedAction(
        cluster=cluster.name,
        kind="call_tool",
        resource=str(target),
        arguments=call.as_arguments(),
        precondition=Precondition(
            uid=(live or {}).get("metadata", {}).get("uid"),
            resource_version=(live or {}).get("metadata", {}).get("resourceVersion"),
            state=hash_of([tool.fingerprint, fingerprint(live)]),
        ),
        diff=shown(call, said),
        dry_run="none" if said is None else "server",
        effects=effects,
        risk=risk_of_call(tool, target, live, effects),
        no_way_back=Note(code="call_has_no_way_back"),
    )
    return Preparation(action, Before(target, live, now), Change(call.as_arguments(), ()), live)


def shown(call: ToolCallAsked, said: str | None) -> str:
    """The exact call as added lines of YAML, secrets masked, and what a dry run answered as comments.

    Raises ActionError for more lines than a person is shown: nothing is approved unseen.
    """
    whole = {"server": call.server, "tool": call.tool, "arguments": redact_object(masked(call.arguments))}
    text = yaml.dump(whole, Dumper=_Readable, sort_keys=False, allow_unicode=True, width=10_000)
    lines = text.splitlines()
    if len(lines) > MAX_LINES:
        raise ActionError(f"the arguments have {len(lines)} lines; at most {MAX_LINES} can be shown for approval")
    answer = [f"# {line}" for line in said.splitlines()] if said is not None else []
    heading = ["# the tool's own dry run answered:"] if answer else []
    return "\n".join(
        ["--- /dev/null", f"+++ call/{call.server}/{call.tool}", *(f"+{line}" for line in lines), *heading, *answer]
    )


async def _live(cluster: ClusterApi, target: Target) -> Object | None:
    """The object that the arguments name, where our own cluster has it and lets us look."""
    if target.kind == TOOL_KIND:
        return None
    try:
        return await cluster.get(target)
    except (NotFound, Forbidden):
        return None


async def _dry_run(
    servers: ToolServers, policy: PolicySettings, cluster: str, call: ToolCallAsked, tool: OfferedTool
) -> str | None:
    """What the tool's own dry run answers; None when the server has none that the policy trusts."""
    entry = named_tools(policy, cluster, call.server, call.tool)
    switch = entry.dry_run_parameter if entry else None
    if entry is None or switch is None or switch not in tool.parameters:
        return None
    if switch in call.arguments:
        raise ActionError(f"{switch} is for the dry run, which is made anyway; leave it out")
    wanted = tool.parameters[switch].get("type")
    if wanted not in ("boolean", "string"):
        raise ActionError(f"{switch} of {call.tool} is no switch for a dry run: its type is {wanted!r}")
    value: Any = True if wanted == "boolean" else "true"
    try:
        answer = await servers.call_once(ToolCallAsked(call.server, call.tool, {**call.arguments, switch: value}))
    except Unanswered as error:
        raise ActionError(f"the dry run of {call.tool} failed: {redact(str(error))}") from error
    except Unreachable as error:
        raise ServerDown(f"the MCP server {call.server} cannot be reached: {error}") from error
    return told(answer)[:_MAX_ANSWER]


def told(answer: Any) -> str:
    """A tool's answer for people, secrets masked."""
    if isinstance(answer, str):
        return redact(answer)
    return yaml.safe_dump(redact_object(answer), sort_keys=False, allow_unicode=True)


def _effects(call: ToolCallAsked, live: Object | None) -> Effects:
    after = replicas_of(call)
    before = ((live or {}).get("spec") or {}).get("replicas") if after is not None else None
    note = Note(code="call_effects_unknown", facts={"server": call.server})
    return Effects(replicas_before=before, replicas_after=after, notes=[note])


class _Readable(yaml.SafeDumper):
    """Texts of several lines, such as manifests, as they are."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    style = "|" if re.search(r"\n", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Readable.add_representer(str, _represent_text)
