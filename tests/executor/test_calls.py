"""Writes through other people's MCP servers: every way around the approval that we could think of, on a real server."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from typing import Any

import pytest

from agents.executor.action import ActionError
from agents.executor.agent import DEFINITION
from agents.executor.calls.servers import ConfiguredServers, ServerDown
from agents.executor.desk import Desk, Order
from agents.executor.gate import Refused
from agents.executor.ledger import Proposal
from agents.executor.recover import recover
from agents.executor.rendering import proposal_text
from agents.executor.tools import build_tools
from agents.executor.workshop import Picture
from agents.runtime import journal
from agents.runtime.approvals import ApprovalRefused
from agents.runtime.definition import ToolResult, Turn
from agents.runtime.findings import Action, SubtaskInput
from agents.runtime.settings import PolicySettings, ToolCallSettings
from agents.runtime.tools import in_process_tools
from tests.executor.conftest import Bench
from tests.executor.tool_server import TOOLS, ToolServer

NAMED = ToolCallSettings(server="theirs", tools=TOOLS)
POD = {"name": "web-0", "namespace": "shop"}


@pytest.fixture
def server() -> Iterator[ToolServer]:
    made = ToolServer()
    made.start()
    yield made
    made.stop()


@pytest.fixture
async def calls(bench: Bench, server: ToolServer) -> AsyncIterator[Bench]:
    """The bench with the server, and a policy that names all its tools."""
    servers = ConfiguredServers({"theirs": server.settings()})
    policy = PolicySettings(tool_calls=[NAMED])
    yield replace(bench, shop=replace(bench.shop, tool_servers=servers, policy=policy))
    await servers.aclose()


async def ask(calls: Bench, tool: str, **order: Any) -> dict[str, Any]:
    """As an MCP client asks. `order` holds the tool's arguments."""
    arguments = {"server": "theirs", "tool": tool, "arguments": order}
    return await Desk(calls.shop, lambda: ["demo"]).take(
        "call_tool", Order(None, None, None, None, None, "ann"), arguments
    )


async def proposed(calls: Bench, tool: str, **order: Any) -> Proposal:
    answer = await ask(calls, tool, **order)
    assert answer["status"] == "proposed", answer
    found = await calls.shop.ledger.proposal(answer["proposal"])
    assert found is not None
    return found


async def last(calls: Bench) -> dict[str, Any]:
    return (await journal.read(calls.shop.ledger.engine, limit=1000))[-1].data


async def test_a_call_is_proposed_and_not_made(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "pods_delete", **POD)
    action = proposal.action
    assert server.calls == []
    assert action.resource == "shop/Pod/web-0" and action.precondition.uid is not None
    assert (action.dry_run, action.risk.level, action.inverse) == ("none", "high", None)
    assert "+tool: pods_delete\n+arguments:\n+  name: web-0\n+  namespace: shop" in action.diff
    text = proposal_text(action, "en")
    assert "this server has none" in text and "not known: MCP server theirs" in text
    assert "没有试运行" in proposal_text(action, "zh")


async def test_an_approved_call_is_made_once_and_journaled(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "pods_delete", **POD)
    token = calls.sign(proposal)
    outcome = await calls.decide(proposal, token)
    assert (outcome["status"], outcome["verdict"]) == ("applied", "unchanged")
    with pytest.raises(ApprovalRefused, match="only once"):
        await calls.decide(proposal, token)
    assert server.calls == [("pods_delete", POD)]
    assert await calls.events() == ["proposed", "approved", "applying", "applied", "verified"]


async def test_two_approvals_of_a_call_at_the_same_moment_make_it_once(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "unsure", topic="x")
    tokens = [calls.sign(proposal, who) for who in ("bob", "eve", "bob")]
    await asyncio.gather(*(calls.decide(proposal, token) for token in tokens), return_exceptions=True)
    assert len(server.calls) == 1


async def test_what_names_no_object_is_reported_as_not_verified(calls: Bench) -> None:
    outcome = await calls.decide(await proposed(calls, "unsure", topic="x"))
    assert (outcome["status"], outcome["verdict"]) == ("applied", "unverified")
    assert [note["code"] for note in outcome["notes"]] == ["call_answered", "call_not_verified"]
    assert "abcdefghijklmnop" not in str(await journal.read(calls.shop.ledger.engine)), "answers are redacted"


async def test_a_call_that_makes_things_worse_says_that_there_is_no_way_back(calls: Bench) -> None:
    proposal = await proposed(calls, "pods_delete", **POD)
    found = iter([Picture(frozenset())])

    async def diagnose(cluster: str, namespace: str) -> Picture:
        return next(found, Picture(frozenset({"shop/Service/web no_endpoints"})))

    outcome = await replace(calls, shop=replace(calls.shop, diagnose=diagnose)).decide(proposal)
    assert outcome["verdict"] == "worse" and outcome["undo"]["notes"][0]["code"] == "undo_impossible"


@pytest.mark.parametrize(("tool", "level"), [("label", "medium"), ("pods_delete", "high"), ("unsure", "high")])
async def test_a_call_is_never_of_low_risk_and_silence_counts_as_destructive(
    calls: Bench, tool: str, level: str
) -> None:
    arguments = {"unsure": {"topic": "x"}, "label": {**POD, "kind": "Pod", "value": "v"}}.get(tool, POD)
    assert (await proposed(calls, tool, **arguments)).action.risk.level == level


async def test_a_call_is_refused_unless_the_policy_names_server_and_tool(bench: Bench, server: ToolServer) -> None:
    servers = ConfiguredServers({"theirs": server.settings()})
    entries = [
        [],
        [ToolCallSettings(server="other", tools=TOOLS)],
        [ToolCallSettings(server="theirs", tools=["pods_*"])],
    ]
    entries.append([ToolCallSettings(server="theirs", tools=TOOLS, clusters=["prod"])])
    for named in entries:
        shop = replace(bench.shop, tool_servers=servers, policy=PolicySettings(tool_calls=named))
        answer = await ask(replace(bench, shop=shop), "pods_delete", **POD)
        assert answer["status"] == "refused" and "policy.tool_calls does not name" in answer["why"]
    assert server.calls == []
    await servers.aclose()


async def test_a_tool_that_is_taken_out_of_the_policy_is_not_called_any_more(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "pods_delete", **POD)
    with pytest.raises(Refused, match=r"policy\.tool_calls"):
        await calls.with_policy().decide(proposal)
    assert server.calls == []


@pytest.mark.parametrize(
    ("tool", "arguments"),
    [
        ("pods_exec", {**POD, "command": ["id"]}),
        ("shell_open", {"name": "web-0"}),
        ("nested", {"extra_command_line": "id"}),
        ("ack_kubectl", {"command": "delete pod web-0"}),
    ],
)
async def test_a_shell_is_never_called_even_when_the_policy_names_it(
    calls: Bench, server: ToolServer, tool: str, arguments: dict[str, Any]
) -> None:
    with pytest.raises(ActionError, match="approved or not"):
        await ask(calls, tool, **arguments)
    assert server.calls == []


@pytest.mark.parametrize(
    "resource",
    [
        "apiVersion: v1\nkind: Secret\nmetadata: {name: a, namespace: shop}\n",
        '{"apiVersion": "v1", "k\\u0069nd": "Secret", "metadata": {"name": "a", "namespace": "shop"}}',
        '"apiVersion": v1\n"\\x6bind": "S\\x65cret"\n"metadata": {"name": a, "namespace": shop}\n',
        "apiVersion: v1\nkind: ConfigMap\nkind: Secret\nmetadata: {name: a, namespace: shop}\n",
        "apiVersion: v1\nkind: Secret\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n",
        "apiVersion: v1\nkind: List\nitems:\n- {apiVersion: v1, kind: Secret, metadata: {name: a, namespace: shop}}\n",
        "apiVersion: v1\nkind: &k Secret\nmetadata: {name: a, namespace: shop, labels: {x: *k}}\n",
        "apiVersion: v1\nkind: 'Secret\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\n---\n"
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, namespace: shop}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: shop}\ndata:\n" + "  a: b\n" * 500,
    ],
)
async def test_a_manifest_in_a_call_is_read_and_secrets_and_puzzles_are_refused(
    calls: Bench, server: ToolServer, resource: str
) -> None:
    with pytest.raises(ActionError):
        await ask(calls, "apply", resource=resource)
    assert server.calls == []


@pytest.mark.parametrize(
    ("tool", "arguments", "says"),
    [
        ("look", {"name": "x"}, "only reads"),
        ("teleport", {}, "allow-list"),
        ("pods_delete", {"name": "web-0"}, "say the namespace"),
        ("pods_delete", {"name": "web-0", "namespace": "shop,kube-system"}, "one namespace"),
        ("pods_delete", {"name": "web-0;id", "namespace": "shop"}, "no name of one object"),
        ("pods_delete", {**POD, "force": True}, "does not take force"),
        ("pods_delete", {"namespace": "shop"}, "needs name"),
        ("label", {**POD, "kind": "Secret", "value": "x"}, "Secrets"),
        ("label", {**POD, "kind": "v1/secrets", "value": "x"}, "Secrets"),
        ("label", {**POD, "kind": "Pod", "value": "x", "cluster_id": "production"}, "names cluster"),
    ],
)
async def test_a_call_that_cannot_be_judged_is_not_proposed(
    calls: Bench, server: ToolServer, tool: str, arguments: dict[str, Any], says: str
) -> None:
    with pytest.raises(ActionError, match=says):
        await ask(calls, tool, **arguments)
    assert server.calls == []


async def test_a_call_respects_protected_namespaces_and_limits(calls: Bench, server: ToolServer) -> None:
    manifest = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, namespace: kube-system}\n"
    big = {"kind": "Deployment", "name": "web", "namespace": "shop", "scale": 5000}
    answers = [
        await ask(calls, "pods_delete", name="web-0", namespace="kube-system"),
        await ask(calls, "apply", resource=manifest),
        await ask(calls, "scale", **big),
    ]
    assert [answer["notes"][0]["code"] for answer in answers] == ["policy_protected"] * 2 + ["policy_replicas"]
    assert server.calls == []


async def test_an_edited_call_is_refused(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "pods_delete", **POD)
    for change in ({"tool": "unsure"}, {"server": "other"}, {"arguments": {**POD, "name": "web-1"}}):
        called = proposal.wanted.model_copy(update={"arguments": {**proposal.wanted.arguments, **change}})
        with pytest.raises(ApprovalRefused, match="nothing else"):
            await calls.decide(proposal, called=called)
    assert server.calls == []


async def test_a_tool_that_changed_since_the_approval_is_not_called(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "label", **POD, kind="Pod", value="v")
    server.stop()
    server.description = "Sets a label, and deletes everything else."
    server.start()
    outcome = await calls.decide(proposal)
    assert (outcome["status"], outcome["notes"][0]["code"]) == ("stopped", "changed_object")
    assert server.calls == []


async def test_another_server_of_the_same_name_is_not_called(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "unsure", topic="x")
    other = ToolServer()
    other.start()
    servers = ConfiguredServers({"theirs": other.settings()})
    outcome = await replace(calls, shop=replace(calls.shop, tool_servers=servers)).decide(proposal)
    await servers.aclose()
    other.stop()
    assert outcome["status"] == "stopped" and server.calls == other.calls == []


async def test_an_object_that_was_replaced_since_the_approval_stops_the_call(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "pods_delete", **POD)
    pod = calls.cluster.objects.pop(proposal.action.target)
    del pod["metadata"]["uid"]
    calls.cluster.put(pod)
    assert (await calls.decide(proposal))["status"] == "stopped"
    assert server.calls == []


@pytest.mark.parametrize("tool", ["slow", "broken"])
async def test_a_call_without_a_good_answer_is_unclear_and_not_repeated(
    calls: Bench, server: ToolServer, tool: str
) -> None:
    outcome = await calls.decide(await proposed(calls, tool, topic="x"))
    assert (outcome["status"], outcome["notes"][0]["code"]) == ("unclear", "call_unclear")
    assert len(server.calls) == 1


async def test_a_server_that_is_away_costs_no_approval(calls: Bench, server: ToolServer) -> None:
    proposal = await proposed(calls, "unsure", topic="x")
    token = calls.sign(proposal)
    server.stop()
    with pytest.raises(ServerDown, match="cannot be reached"):
        await calls.decide(proposal, token)
    server.start()
    assert (await calls.decide(proposal, token))["status"] == "applied"
    assert len(server.calls) == 1


class Crash(BaseException):
    """The process dies."""


@pytest.mark.parametrize("moment", ["before", "after"])
async def test_after_a_crash_a_call_is_unclear_and_never_made_again(
    calls: Bench, server: ToolServer, moment: str
) -> None:
    class Dying(ConfiguredServers):
        async def call_once(self, call: Any) -> Any:
            if moment == "after":
                await super().call_once(call)
            raise Crash

    proposal = await proposed(calls, "pods_delete", **POD)
    dying = Dying({"theirs": server.settings()})
    with pytest.raises(Crash):
        await replace(calls, shop=replace(calls.shop, tool_servers=dying)).decide(proposal)
    await dying.aclose()
    await calls.clock.sleep(60)
    assert await recover(calls.restarted().shop) == [proposal.id]
    told = await last(calls)
    assert (told["status"], told["notes"][0]["code"]) == ("unclear", "call_interrupted")
    with pytest.raises(ApprovalRefused):
        await calls.decide(proposal)
    assert len(server.calls) == (1 if moment == "after" else 0)


async def test_a_dry_run_of_the_server_is_used_only_when_the_policy_trusts_it(calls: Bench, server: ToolServer) -> None:
    plain = await proposed(calls, "upgrade", release="web")
    assert plain.action.dry_run == "none" and server.calls == []
    trusting = calls.with_policy(tool_calls=[NAMED.model_copy(update={"dry_run_parameter": "dry_run"})])
    proposal = await proposed(trusting, "upgrade", release="web")
    assert proposal.action.dry_run == "server" and "would upgrade web" in proposal.action.diff
    assert server.calls == [("upgrade", {"dry_run": True})]
    await trusting.decide(proposal)
    assert [arguments["dry_run"] for _, arguments in server.calls].count(False) == 1


async def test_secrets_in_a_call_leave_neither_in_diffs_nor_in_the_journal(calls: Bench) -> None:
    manifest = (
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: shop}\nspec:\n  containers:\n"
        "  - name: a\n    env:\n    - name: DB_PASSWORD\n      value: swordfish\n"
    )
    one = await proposed(calls, "unsure", topic="x", password="swordfish")
    two = await proposed(calls, "apply", resource=manifest)
    kept = str(await journal.read(calls.shop.ledger.engine))
    assert "swordfish" not in one.action.diff + two.action.diff + kept


async def test_the_policy_never_approves_a_call_by_itself(calls: Bench, server: ToolServer) -> None:
    entry = {"name": "all", "kinds": ["call_tool"], "namespaces": ["*"]}
    eager = calls.with_policy(tool_calls=[NAMED], auto_approve=[entry])
    assert (await ask(eager, "label", **POD, kind="Pod", value="v"))["status"] == "proposed"
    assert server.calls == []


async def test_the_executors_own_turn_proposes_a_call(calls: Bench, server: ToolServer) -> None:
    wanted = Action(
        kind="call_tool",
        resource="shop/Pod/web-0",
        arguments={"server": "theirs", "tool": "pods_delete", "arguments": POD},
    )
    subtask = SubtaskInput(question="do it", inputs={"actions": [wanted.model_dump()], "asked_by": "ann"})
    tools = await in_process_tools(build_tools(Desk(calls.shop, lambda: ["demo"])))
    (tool,) = [tool for tool in tools if tool.info.name == "call_tool"]
    assert not tool.info.read_only
    (call,) = DEFINITION.runbook(Turn("do it", subtask))
    result = ToolResult(call.name, call.arguments, content=await tool.call(call.arguments))
    finding = DEFINITION.compose(Turn("do it", subtask, (result,)))
    assert finding.actions == [wanted] and finding.facts["proposals"][0]["dry_run"] == "none"
    approved = {"action": wanted.model_dump(), "approval": "kta1.a.b", "cluster_id": "demo"}
    (again,) = DEFINITION.runbook(Turn("do it", SubtaskInput(question="", inputs={"approvals": [approved]})))
    assert (await tool.call(again.arguments))["status"] == "not_applied"
    assert server.calls == []
