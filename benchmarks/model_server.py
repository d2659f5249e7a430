"""An OpenAI-compatible model server whose answers take a set time: bare asyncio, in a process of its own.

    python -m benchmarks.model_server PORT

It plays planner, specialists, coordinator and synthesis of `benchmarks.load` by what it is asked, and counts what it
reads. `POST /control` with `{"latency": 0.05}` sets the time and returns the counts since the last one.
"""

from __future__ import annotations

import asyncio
import json
import sys
from typing import Any

from benchmarks.load import ANSWER, FIRST_CALL, REPORT, SECOND_CALL, SUBTASKS

CHARACTERS_PER_TOKEN = 4


class ModelServer:
    """Counts and answers."""

    def __init__(self) -> None:
        self.latency = 0.05
        self.calls = self.tokens = 0

    async def connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One kept-alive connection."""
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).lower()
                length = int(head.partition(b"content-length:")[2].split(b"\r\n", 1)[0] or 0)
                asked = json.loads(await reader.readexactly(length) or "{}")
                answer = (
                    self._control(asked)
                    if b"/control" in head.split(b"\r\n", 1)[0]
                    else await self._answer(asked)
                    if asked
                    else {}
                )
                body = json.dumps(answer).encode()
                headers = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(headers.encode() + body)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()

    def _control(self, asked: dict[str, Any]) -> dict[str, Any]:
        self.latency = asked["latency"]
        counts = {"calls": self.calls, "tokens": self.tokens}
        self.calls = self.tokens = 0
        return counts

    async def _answer(self, asked: dict[str, Any]) -> dict[str, Any]:
        tokens = tokens_of(asked)
        self.calls, self.tokens = self.calls + 1, self.tokens + tokens
        await asyncio.sleep(self.latency)
        message = reply_to(asked)
        return {
            "id": f"c{self.calls}",
            "object": "chat.completion",
            "created": 1,
            "model": "test-model",
            "choices": [
                {"index": 0, "message": message, "finish_reason": "tool_calls" if "tool_calls" in message else "stop"}
            ],
            "usage": {"prompt_tokens": tokens, "completion_tokens": 50, "total_tokens": tokens + 50},
        }


def tokens_of(asked: dict[str, Any]) -> int:
    """What a request costs: the characters of messages, tools and answer schema, by four."""
    read = [asked["messages"], asked.get("tools", ""), asked.get("response_format", "")]
    return sum(len(json.dumps(part, ensure_ascii=False)) for part in read) // CHARACTERS_PER_TOKEN


def reply_to(asked: dict[str, Any]) -> dict[str, Any]:
    """The model's message, by who asks and how far it has got."""
    messages = asked["messages"]
    system = str(messages[0]["content"])
    tools = {tool["function"]["name"] for tool in asked.get("tools", [])}
    results = sum(message["role"] == "tool" for message in messages)
    if "plan for a team" in system:
        return _says(json.dumps(_plan()))
    if not tools:
        return _says(ANSWER)
    if SUBTASKS.keys() <= tools:
        return _says(ANSWER) if results else _calls(*((name, {"request": text}) for name, text in SUBTASKS.items()))
    return _says(REPORT) if results > 1 else _calls((FIRST_CALL, SECOND_CALL)[results])


def _plan() -> dict[str, Any]:
    subtasks = [{"id": n, "specialist": n, "title": n, "instruction": text} for n, text in SUBTASKS.items()]
    return {"goal": "find out why checkouts fail", "intent": "diagnose", "subtasks": subtasks}


def _says(text: str) -> dict[str, Any]:
    return {"role": "assistant", "content": text}


def _calls(*calls: tuple[str, dict[str, Any]]) -> dict[str, Any]:
    made = [
        {"id": f"call_{n}_{name}", "type": "function", "function": {"name": name, "arguments": json.dumps(arguments)}}
        for n, (name, arguments) in enumerate(calls)
    ]
    return {"role": "assistant", "content": None, "tool_calls": made}


async def main() -> None:
    server = await asyncio.start_server(ModelServer().connection, "127.0.0.1", int(sys.argv[1]), limit=2**24)
    await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
