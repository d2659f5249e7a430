"""Plain completions, as the planner needs them: structured, counted, and with errors that have a kind."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from agents.runtime.models import ModelError, complete, model_for
from agents.runtime.settings import ModelSettings
from tests.model_server import ModelServer, Reply, calls, context_overflow, failure, hang, rate_limited, text

ASK = [{"role": "user", "content": "Make a plan."}]


class Step(BaseModel):
    agent: str
    inputs: dict[str, str] = {}


class Plan(BaseModel):
    goal: str
    steps: list[Step]


PLAN = '{"goal": "g", "steps": [{"agent": "diagnoser", "inputs": {"namespace": "shop"}}]}'


@pytest.fixture
def server() -> Iterator[ModelServer]:
    with ModelServer() as running:
        yield running


async def test_an_answer_comes_with_what_it_cost(server: ModelServer):
    server.will_say(text("hello", usage=(11, 3)))
    completion = await complete(server.settings(), ASK)
    assert (completion.text, completion.usage.calls) == ("hello", 1)
    assert (completion.usage.input_tokens, completion.usage.output_tokens) == (11, 3)


async def test_structured_output_is_asked_for_and_validated(server: ModelServer):
    server.will_say(text(PLAN))
    completion = await complete(server.settings(), ASK, Plan)
    assert completion.value.steps[0].inputs == {"namespace": "shop"}
    assert server.requests[0]["response_format"]["json_schema"]["name"] == "Plan"
    assert "tools" not in server.requests[0]


@pytest.mark.parametrize("wrapped", [f"```json\n{PLAN}\n```", f"Here is the plan:\n{PLAN}\nGood luck."])
async def test_an_object_wrapped_in_prose_is_found(server: ModelServer, wrapped: str):
    server.will_say(text(wrapped))
    assert (await complete(server.settings(), ASK, Plan)).value.goal == "g"


async def test_a_server_without_structured_output_gets_the_schema_in_words(server: ModelServer):
    server.will_say(failure(400, "response_format is not supported by this model"), text(PLAN))
    completion = await complete(server.settings(), ASK, Plan)
    assert completion.value.goal == "g"
    assert "response_format" not in server.requests[1]
    assert "JSON schema" in server.requests[1]["messages"][-1]["content"]


@pytest.mark.parametrize("answer", ["", "no plan today", '{"goal": 1}', '{"goal": "g", "steps": [{}]}'])
async def test_a_malformed_answer_is_an_error_that_still_counts_its_tokens(server: ModelServer, answer: str):
    server.will_say(text(answer, usage=(11, 3)))
    with pytest.raises(ModelError) as raised:
        await complete(server.settings(), ASK, Plan)
    assert raised.value.kind == "malformed"
    assert raised.value.usage.input_tokens == 11


FAILURES: dict[str, tuple[Reply, str, int]] = {
    "rate limit": (rate_limited(), "rate_limited", 3),
    "rate limit with a long wait": (rate_limited("3600"), "rate_limited", 1),
    "server error": (failure(500), "server", 3),
    "bad gateway": (failure(502), "server", 3),
    "timeout": (hang(), "timeout", 1),
    "context": (context_overflow(), "context_overflow", 1),
    "key": (failure(401), "auth", 1),
    "forbidden": (failure(403), "auth", 1),
    "unknown model": (failure(404), "rejected", 1),
    "bad request": (failure(400, "bad temperature"), "rejected", 1),
    "nonsense": (Reply(body={"nonsense": 1}), "malformed", 1),
}


@pytest.mark.parametrize("case", FAILURES)
async def test_every_failure_has_a_kind_and_only_some_are_tried_again(server: ModelServer, case: str):
    reply, kind, tries = FAILURES[case]
    server.always(reply)
    patience = 0.3 if case == "timeout" else 5
    with pytest.raises(ModelError) as raised:
        await complete(server.settings(retries=2, timeout_seconds=patience), ASK)
    assert (raised.value.kind, len(server.requests)) == (kind, tries)
    assert raised.value.describe("zh") != raised.value.describe("en")
    assert "sk-test" not in str(raised.value)


async def test_settings_reach_the_server(server: ModelServer):
    server.will_say(text("x"))
    await complete(server.settings(temperature=0.2, max_output_tokens=77), ASK)
    asked = server.requests[0]
    assert (asked["model"], asked["temperature"]) == ("test-model", 0.2)
    assert 77 in (asked.get("max_tokens"), asked.get("max_completion_tokens"))


async def test_a_model_that_calls_tools_instead_of_answering_is_malformed(server: ModelServer):
    server.will_say(calls(("list_pods", {})))
    with pytest.raises(ModelError, match="an empty answer"):
        await complete(server.settings(), ASK)


def test_the_runbook_needs_no_model():
    assert model_for(ModelSettings()) is None


IMPORTS = """
import asyncio, sys
from tests.runtime.specialists import Cluster, definition, settings, specialist
async def main():
    async with specialist(definition(Cluster()), settings()) as client:
        await client.ask("why?")
asyncio.run(main())
sys.exit(", ".join(name for name in ("litellm", "openai") if name in sys.modules) or 0)
"""


def test_a_turn_by_the_runbook_does_not_import_litellm():
    done = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_the_planners_door_to_models_does_not_import_adk():
    code = "import sys, agents.runtime.models as _; sys.exit(int(bool({'google.adk', 'litellm'} & sys.modules.keys())))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]


def test_switches_are_set_before_the_libraries_read_them():
    code = (
        "import os, agents.runtime.findings\n"
        "assert os.environ['OTEL_INSTRUMENTATION_A2A_SDK_ENABLED'] == 'false'\n"
        "assert os.environ['LITELLM_MODE'] == 'DEV'"
    )
    env = {"PATH": "", "LITELLM_MODE": "DEV"}
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=env, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr[-500:]
