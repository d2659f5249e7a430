"""A specialist with a language model: it works like the runbook's, and whatever the model does wrong, there is an
answer that says so."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from a2a.types import Task, TaskState

from agents.runtime.definition import ToolCall
from agents.runtime.findings import Evidence, Finding, RootCause
from agents.runtime.wire import read_answer, read_finding
from tests.model_server import ModelServer, Reply, calls, context_overflow, failure, hang, rate_limited, text
from tests.runtime.specialists import Cluster, definition, settings, specialist

LOOK = calls(("list_pods", {"namespace": "shop"}), ("list_events", {"namespace": "shop"}))


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


def finding_of(task: Task) -> Finding:
    assert task.status.state == TaskState.TASK_STATE_COMPLETED
    finding = read_finding(task.artifacts)
    assert finding is not None
    return finding


async def test_the_model_speaks_and_the_tools_state_the_facts(server: ModelServer):
    server.will_say(LOOK, text("**web-1** was killed for memory."))
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        task = await client.ask("why?")
    finding = finding_of(task)
    assert finding.text == read_answer(task.artifacts) == "**web-1** was killed for memory."
    assert finding.facts["list_events"] == {"events": ["OOMKilled web-1"]}
    assert finding.missing == []


async def test_tools_that_the_model_left_out_are_called_all_the_same(server: ModelServer):
    cluster = Cluster()
    server.will_say(calls(("list_pods", {"namespace": "other"})), text("All pods run."))
    async with specialist(definition(cluster), settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    assert finding.text == "All pods run."
    assert finding.facts["list_events"] == {"events": ["OOMKilled web-1"]}
    assert finding.facts["list_pods"]["pods"][0] == "other/web-1", "what the model asked is not asked again"
    assert len(server.requests) == 2


async def test_a_model_that_thinks_now_and_then_is_understood(server: ModelServer):
    thinks = replace(LOOK, thoughts="I should look first.", usage=(300, 11))
    again = calls(("list_pods", {"namespace": "other"}), usage=(400, 12))
    server.will_say(thinks, again, text("It is the memory.", usage=(500, 13)))
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    assert (finding.text, finding.missing) == ("It is the memory.", [])
    assert (finding.usage.calls, finding.usage.input_tokens, finding.usage.output_tokens) == (3, 1200, 36)
    roles = [message["role"] for message in server.requests[-1]["messages"]]
    assert roles == ["system", "user", "assistant", "tool", "tool", "assistant", "tool"]


async def test_tokens_of_all_model_calls_are_counted(server: ModelServer):
    server.will_say(
        calls(("list_pods", {"namespace": "shop"}), usage=(300, 11)),
        calls(("list_events", {"namespace": "shop"}), usage=(400, 12)),
        text("done", usage=(500, 13)),
    )
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    usage = finding.usage
    assert (usage.model, usage.calls, usage.input_tokens, usage.output_tokens) == ("openai/test-model", 3, 1200, 36)


async def test_a_server_that_counts_below_zero_is_heard_all_the_same(server: ModelServer):
    server.will_say(LOOK, text("It is the memory.", usage=(-7, -1)))
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    assert (finding.text, finding.missing) == ("It is the memory.", [])


async def test_parallel_tool_calls_of_a_model_run_at_once(server: ModelServer):
    cluster = Cluster()
    cluster.seconds = 0.05
    server.will_say(LOOK, text("done"))
    async with specialist(definition(cluster), settings(server.settings())) as client:
        await client.ask("why?")
    assert cluster.overlap == 2


async def test_the_model_reads_every_tool_result_once_and_only_compact_schemas(server: ModelServer):
    server.will_say(LOOK, text("done"))
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        await client.ask("why?", inputs={"namespace": "shop"})
    first, second = server.requests
    declared = {tool["function"]["name"]: tool["function"] for tool in first["tools"]}
    assert declared["list_pods"]["parameters"] == {
        "type": "object",
        "properties": {"namespace": {"type": "string"}, "cluster_id": {"type": "string"}},
        "required": ["namespace"],
    }
    assert json.dumps(second["messages"]).count("OOMKilled") == 1
    results = [message for message in second["messages"] if message["role"] == "tool"]
    assert json.loads(results[1]["content"]) == {"events": ["OOMKilled web-1"]}


async def test_the_model_is_told_the_question_the_inputs_and_earlier_findings_compactly(server: ModelServer):
    server.will_say(LOOK, text("done"))
    cause = RootCause(resource="shop/Deployment/web", fault="oom_killed", explanation="limit 64Mi", confidence=0.9)
    earlier = Finding(specialist="diagnoser", text="long words", root_causes=[cause], facts={"huge": "x" * 10_000})
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        await client.ask("怎么回事?", language="zh", cluster_id="east", findings=[earlier])
    system, user = server.requests[0]["messages"][:2]
    assert "You look at {pods} and {{braces}}." in system["content"]
    for part in (
        "怎么回事?",
        "Cluster: east",
        "shop/Deployment/web: oom_killed (90%): limit 64Mi",
        "Answer in Chinese",
    ):
        assert part in user["content"]
    assert len(user["content"]) < 500


async def test_a_model_that_is_refused_once_is_asked_again(server: ModelServer):
    server.will_say(rate_limited(), LOOK, failure(500), text("done"))
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    assert (finding.text, finding.missing) == ("done", [])
    assert finding.usage.calls == 2


async def test_the_same_call_is_not_made_twice(server: ModelServer):
    cluster = Cluster()
    server.will_say(LOOK, LOOK, text("done"))
    async with specialist(definition(cluster), settings(server.settings())) as client:
        await client.ask("why?")
    assert sorted(cluster.calls) == ["list_events", "list_pods"]
    assert "made before" in json.dumps(server.requests[2]["messages"][-1])


BROKEN: dict[str, tuple[list[Reply], str, str]] = {
    "too many requests": ([rate_limited(), rate_limited()], "too many requests", "请求过多"),
    "a wait that is too long": ([rate_limited("3600")], "too many requests", "请求过多"),
    "server errors": ([failure(500), failure(503)], "server error", "服务端出错"),
    "silence": ([hang()], "did not answer in time", "未能及时应答"),
    "a long conversation": ([LOOK, context_overflow()], "too long", "上下文长度"),
    "a wrong key": ([failure(401, "Incorrect API key provided: sk-test")], "refused the API key", "API 密钥"),
    "a wrong request": ([failure(404, "no such model")], "rejected the request", "拒绝了该请求"),
    "arguments that are no JSON": (
        [calls(("list_pods", '{"namespace": "sh'))],
        "arguments that are no",
        "不是合法的 JSON",
    ),
    "an empty answer": ([LOOK, text("")], "an empty answer", "回答为空"),
    "an answer that is cut off": ([LOOK, text("It is", finish_reason="length")], "cut off", "回答被截断"),
    "tool calls as text": ([LOOK, text("<tool_call>list_pods</tool_call>")], "writes tool calls", "写成了文本"),
    "no look at the cluster": ([text("It is always DNS.")], "without looking", "没有查看集群"),
    "no JSON at all": ([Reply(body={"nonsense": True})], "no usable answer", "没有给出可用"),
}


@pytest.mark.parametrize("language", ["en", "zh"])
@pytest.mark.parametrize("case", BROKEN)
async def test_whatever_the_model_does_wrong_the_runbook_answers_and_says_so(
    server: ModelServer, case: str, language: str, capfd: pytest.CaptureFixture[str]
):
    replies, english, chinese = BROKEN[case]
    server.will_say(*replies)
    cluster = Cluster()
    patient = server.settings(timeout_seconds=0.3 if case == "silence" else 5)
    async with specialist(definition(cluster), settings(patient)) as client:
        task = await client.ask("why?", language=language)
    finding = finding_of(task)
    assert finding.facts["list_events"] == {"events": ["OOMKilled web-1"]}
    assert sorted(cluster.calls) == ["list_events", "list_pods"], "results that were there are used again"
    assert len(finding.missing) == 1
    assert (english if language == "en" else chinese) in finding.missing[0]
    assert finding.missing[0] in read_answer(task.artifacts)
    assert "sk-test" not in finding.missing[0]
    printed = capfd.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert "Give Feedback" not in printed.out + printed.err


async def test_a_model_that_calls_unknown_tools_for_ever_is_stopped(server: ModelServer):
    server.always(calls(("make_coffee", {})))
    async with specialist(definition(Cluster()), settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    assert "kept failing" in finding.missing[0]
    assert len(server.requests) == 3
    assert finding.usage.calls == 3


async def test_a_model_that_never_stops_calling_tools_is_stopped(server: ModelServer):
    asked = iter(range(1000))
    server.decide(lambda _: calls(("list_pods", {"namespace": f"n{next(asked)}"})))
    async with specialist(definition(Cluster()), settings(server.settings(), max_model_calls=4)) as client:
        finding = finding_of(await client.ask("why?"))
    assert "used up the model calls" in finding.missing[0]
    assert finding.usage.calls == 4
    assert finding.text == "The runbook saw: OOMKilled web-1"


async def test_a_server_that_is_not_there_costs_only_the_models_part(server: ModelServer):
    nowhere = server.settings(base_url="http://127.0.0.1:9/v1", retries=0)
    async with specialist(definition(Cluster()), settings(nowhere)) as client:
        finding = finding_of(await client.ask("why?"))
    assert "could not be reached" in finding.missing[0]


async def test_a_model_that_hangs_leaves_the_runbook_some_of_the_deadline(server: ModelServer):
    server.always(hang())
    async with specialist(definition(Cluster()), settings(server.settings(timeout_seconds=60))) as client:
        finding = finding_of(await client.ask("why?", deadline_seconds=2))
    assert finding.facts["list_events"] == {"events": ["OOMKilled web-1"]}
    assert "in time" in finding.missing[0]


async def test_a_model_may_answer_without_tools_when_the_runbook_would_too(server: ModelServer):
    server.will_say(text("I can look at pods."))
    agent = definition(Cluster(), runbook=lambda turn: [])
    async with specialist(agent, settings(server.settings())) as client:
        finding = finding_of(await client.ask("what can you do?"))
    assert (finding.text, finding.missing) == ("I can look at pods.", [])


async def test_cancelling_reaches_the_tools_that_a_model_called(server: ModelServer):
    server.always(LOOK)
    cluster = Cluster()
    cluster.seconds = 30
    async with specialist(definition(cluster), settings(server.settings())) as client:
        asking = asyncio.create_task(client.ask("why?"))
        await asyncio.wait_for(cluster.busy.wait(), 20)
        await client.cancel(client.events[0].id)
        task = await asyncio.wait_for(asking, 5)
    assert task.status.state == TaskState.TASK_STATE_CANCELED
    assert sorted(cluster.cancelled) == ["list_events", "list_pods"]
    assert len(server.requests) == 1


async def test_evidence_stays_as_the_tools_stated_it(server: ModelServer):
    server.will_say(LOOK, text("The model's opinion."))

    def compose(turn: Any) -> Finding:
        facts = [Evidence(source=r.name, query=r.name, observed_at=r.at, excerpt=str(r.content)) for r in turn.results]
        return Finding(specialist="weather", text="runbook", evidence=facts)

    agent = definition(Cluster(), compose=compose, runbook=lambda turn: [ToolCall("list_pods", {"namespace": "a"})])
    async with specialist(agent, settings(server.settings())) as client:
        finding = finding_of(await client.ask("why?"))
    assert [evidence.source for evidence in finding.evidence] == ["list_pods", "list_events"]
