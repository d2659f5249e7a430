"""What a model sees of a tool, and what the journal keeps of its result."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp_types import CallToolResult, TextContent
from pydantic import BaseModel

from agents.runtime.tool_output import OUTPUT_LIMIT, content_of, fit
from agents.runtime.tool_schema import compact_schema
from agents.runtime.tools import Journal, ToolFailure, in_process_tools


class Container(BaseModel):
    name: str
    limits: dict[str, str] | None = None


def server() -> MCPServer:
    tools = MCPServer("t")

    @tools.tool()
    def set_resources(container: Container, replicas: int = 1, note: str | None = None) -> dict[str, Any]:
        """Sets resources."""
        return {"container": container.name, "replicas": replicas, "note": note}

    @tools.tool()
    def names() -> list[str]:
        """Lists names."""
        return ["a", "b"]

    @tools.tool()
    def refuse() -> str:
        """Refuses."""
        raise ToolError("not on Sundays")

    return tools


async def by_name() -> dict[str, Any]:
    return {tool.info.name: tool for tool in await in_process_tools(server())}


async def test_a_schema_says_what_is_needed_and_nothing_twice():
    schema = (await by_name())["set_resources"].declaration.parameters_json_schema
    assert schema["required"] == ["container"]
    assert schema["properties"]["replicas"] == {"default": 1, "type": "integer"}
    assert schema["properties"]["note"] == {"type": "string"}
    assert "title" not in json.dumps(schema)


def test_a_parameter_called_title_stays():
    schema = {"type": "object", "properties": {"title": {"type": "string", "title": "Title"}}, "required": ["title"]}
    assert compact_schema(schema)["properties"] == {"title": {"type": "string"}}


async def test_a_tool_without_annotations_counts_as_a_write():
    assert not (await by_name())["names"].info.read_only


async def test_results_are_structured_and_come_once():
    tools = await by_name()
    assert await tools["names"].call({}) == {"result": ["a", "b"]}
    assert await tools["set_resources"].call({"container": {"name": "app"}}) == {
        "container": "app",
        "replicas": 1,
        "note": None,
    }


async def test_wrong_arguments_are_explained_in_one_line():
    with pytest.raises(ToolFailure) as raised:
        await (await by_name())["set_resources"].call({"replicas": "many"})
    assert str(raised.value).startswith("set_resources was called with wrong arguments: container: Field required; ")
    assert "https://" not in str(raised.value)


async def test_a_refusal_keeps_its_words():
    with pytest.raises(ToolFailure) as raised:
        await (await by_name())["refuse"].call({})
    assert str(raised.value) == "not on Sundays"


def test_text_that_is_json_is_read_as_json():
    assert content_of(CallToolResult(content=[TextContent(type="text", text='{"a": [1]}')])) == {"a": [1]}
    assert content_of(CallToolResult(content=[TextContent(type="text", text="a: 1")])) == "a: 1"


def test_a_result_that_fits_is_left_alone():
    assert fit({"a": [1, 2]}) == {"a": [1, 2]}
    assert fit("text") == {"result": "text"}


def test_a_long_list_is_cut_and_says_so():
    cut = fit({"pods": [{"name": f"pod-{number}", "labels": {"app": "x" * 40}} for number in range(5000)]})
    assert len(json.dumps(cut)) <= OUTPUT_LIMIT * 1.1
    assert cut["pods"][0]["name"] == "pod-0"
    assert cut["pods"][-1].endswith("more")
    assert "Ask more narrowly" in cut["cut"]


def test_like_rows_become_a_table_that_names_its_columns_once():
    rows = [{"name": f"pod-{number}", "ready": number > 1, "note": "a, b" if number else None} for number in range(4)]
    assert (
        fit({"pods": rows})["pods"]
        == 'name,ready,note\npod-0,false,\npod-1,false,"a, b"\npod-2,true,"a, b"\npod-3,true,"a, b"\n'
    )
    assert fit({"pods": rows[:3]})["pods"] == rows[:3]
    assert fit({"pods": [*rows, {"name": "other"}]})["pods"][0] == rows[0]


def test_a_long_table_is_cut_and_says_so():
    cut = fit({"pods": [{"name": f"pod-{number}", "node": "x" * 80} for number in range(5000)]})
    assert len(json.dumps(cut)) <= OUTPUT_LIMIT * 1.1
    header, first, *_, last = cut["pods"].split("\n")
    assert (header, first[:6]) == ("name,node", "pod-0,")
    assert last == "… 4900 more"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=200),
    lambda inner: st.lists(inner, max_size=30) | st.dictionaries(st.text(max_size=20), inner, max_size=30),
)


@given(JSON)
def test_whatever_a_tool_says_fits_a_model(content: Any):
    assert len(json.dumps(fit(content, 1000), ensure_ascii=False, separators=(",", ":"))) <= 1400


async def test_the_journal_keeps_the_order_of_the_calls_and_all_of_the_results():
    journal = Journal()
    tools = await by_name()

    async def slow(arguments: dict[str, Any]) -> Any:
        await asyncio.sleep(0.02)
        return {"pods": ["x" * 100] * 5000}

    late = replace(tools["names"], call=slow)
    await asyncio.gather(journal.record("0", late, {}), journal.record("0", tools["refuse"], {}))
    first, second = journal.results
    assert len(first.content["pods"]) == 5000
    assert second.error == "not on Sundays"
    assert first.at is not None


async def test_a_tool_that_cancels_itself_is_a_failure_and_not_the_end_of_the_turn():
    async def broken(arguments: dict[str, Any]) -> Any:
        raise asyncio.CancelledError

    journal = Journal()
    result = await journal.record("0", replace((await by_name())["names"], call=broken), {})
    assert result.error == "names broke off"
