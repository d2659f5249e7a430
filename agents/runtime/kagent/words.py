"""Every word of kagent's wire, and the one reader of its metadata."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PREFIXES = ("adk_", "kagent_")
"""kagent 0.10 reads a metadata key with the first prefix, then with the second."""

TYPE = "type"
"""Kind of a data part, prefixed: FUNCTION_CALL or FUNCTION_RESPONSE."""
LONG_RUNNING = "is_long_running"
"""Prefixed; must be true for a call that waits for a person."""
PARTIAL = "partial"
"""Prefixed: text that is shown while it comes and forgotten when the answer is there."""
STORED_PARTIAL = "kagent_adk_partial"
"""What the record calls such messages; they must not be stored."""
USAGE = "usage_metadata"
"""Prefixed: tokens."""
APP_NAME = "app_name"
"""Prefixed: who speaks."""
SUBAGENT_SESSION = "subagent_session_id"
"""Prefixed on a call: the conversation of the agent that is called."""

FUNCTION_CALL = "function_call"
FUNCTION_RESPONSE = "function_response"
CONFIRMATION = "adk_request_confirmation"
"""Name of the call that makes the user interface show buttons or questions."""
NAMESPACE_MARK = "__NS__"
"""Between namespace and name of an agent that is used as a tool."""

HITL = "https://kagent.dev/extensions/hitl/v1"
"""Extension of 1.0: approvals and questions in the metadata of messages."""
USAGE_1_0 = "kagent.dev/a2a/usage"
PART_TYPE_1_0 = "kagent.dev/a2a/part-type"
TRANSCRIPT = "transcript"
"""Artifact of tool calls and results, for user interfaces that read only artifacts."""

SOURCE_AGENT = "agent"
"""Value of `context.SOURCE_HEADER`, and of a session's source, when one agent asks another."""
AGENT_NAME_HEADER = "X-Agent-Name"


def marked(name: str, value: Any) -> dict[str, Any]:
    """A metadata entry under both prefixes."""
    return {f"{prefix}{name}": value for prefix in PREFIXES}


def read_marked(metadata: Mapping[str, Any], name: str) -> Any:
    """A metadata value under either prefix, None when there is none."""
    return next((metadata[key] for prefix in PREFIXES if (key := f"{prefix}{name}") in metadata), None)


def agent_ref(namespace: str, name: str) -> str:
    """An agent's name as a tool and in sessions: `kagent__NS__metrics_analyst` for `kagent/metrics-analyst`."""
    return f"{namespace}{NAMESPACE_MARK}{name}".replace("-", "_")
