"""kagent's user interface, as far as the agents see it: the bodies it sends, and what it keeps of what it gets."""

from __future__ import annotations

import json
from typing import Any

import httpx

HEADERS = {"a2a-version": "0.3", "Accept": "text/event-stream", "X-User-Id": "admin@kagent.dev"}


def stream_body(parts: list[dict[str, Any]], message_id: str, **ids: str) -> dict[str, Any]:
    """`message/stream` as the controller re-encodes it."""
    message = {"kind": "message", "messageId": message_id, "role": "user", "parts": parts, **ids}
    return {"jsonrpc": "2.0", "id": "r1", "method": "message/stream", "params": {"message": message}}


def text(words: str) -> dict[str, Any]:
    return {"kind": "text", "text": words}


def decision(words: str, **data: Any) -> list[dict[str, Any]]:
    """What a click sends: a data part, and words that mean nothing."""
    return [{"kind": "data", "data": data, "metadata": {}}, text(words)]


async def stream(http: httpx.AsyncClient, body: dict[str, Any]) -> list[dict[str, Any]]:
    """The results of all events; a JSON-RPC error is an event of its own."""
    response = await http.post("/", json=body, headers=HEADERS)
    assert response.status_code == 200, response.text
    if "event-stream" not in response.headers["content-type"]:
        return [response.json()]
    events = [json.loads(line[6:]) for line in response.text.splitlines() if line.startswith("data: ")]
    return [event.get("result", event) for event in events]


def read(metadata: dict[str, Any] | None, name: str) -> Any:
    """A metadata value, under the prefixes in the order in which the user interface looks for them."""
    known = metadata or {}
    return known.get(f"adk_{name}", known.get(f"kagent_{name}"))


class Screen:
    """What a person sees while watching: permanent bubbles, the transient one, calls, results, cards, the end."""

    def __init__(self, events: list[dict[str, Any]]) -> None:
        self.bubbles: list[str] = []
        self.transient = ""
        self.calls: dict[str, dict[str, Any]] = {}
        self.results: dict[str, dict[str, Any]] = {}
        self.cards: list[dict[str, Any]] = []
        self.sessions: dict[str, str] = {}
        self.tokens: dict[str, Any] | None = None
        self.state = ""
        for event in events:
            self._take(event)

    def _take(self, event: dict[str, Any]) -> None:
        if event["kind"] == "status-update":
            self.state = event["status"]["state"]
            self.tokens = read(event.get("metadata"), "usage_metadata") or self.tokens
            message = event["status"].get("message")
            if message is not None:
                assert message["role"] == "agent"
                self._parts(message["parts"], final=event["final"])
        elif event["kind"] == "artifact-update" and event.get("lastChunk"):
            words = "".join(part["text"] for part in event["artifact"]["parts"] if part["kind"] == "text")
            self.transient = ""
            self.bubbles.append(words)

    def _parts(self, parts: list[dict[str, Any]], *, final: bool) -> None:
        for part in parts:
            if part["kind"] == "data":
                self._data(part["data"], part.get("metadata") or {})
            elif final:
                self.bubbles.append(part["text"])
            else:
                self.transient += part["text"]

    def _data(self, data: dict[str, Any], metadata: dict[str, Any]) -> None:
        kind = read(metadata, "type")
        if kind == "function_call" and data["name"] == "adk_request_confirmation":
            if read(metadata, "is_long_running") is True:
                self.cards.append(data)
        elif kind == "function_call":
            self.calls[data["id"]] = data
            session = read(metadata, "subagent_session_id")
            if session:
                self.sessions[data["id"]] = session
        elif kind == "function_response":
            self.results[data["id"]] = data
        else:
            raise AssertionError(f"this would be printed as JSON: {data}")


def reloaded(task: dict[str, Any]) -> Screen:
    """What a person sees after a reload: history and nothing else, one message each."""
    ids = [entry["messageId"] for entry in task["history"]]
    assert len(ids) == len(set(ids))
    screen = Screen([])
    for entry in task["history"]:
        assert entry["kind"] == "message"
        assert (entry.get("metadata") or {}).get("kagent_adk_partial") is not True
        if entry["role"] == "agent":
            screen._parts(entry["parts"], final=True)
    return screen
