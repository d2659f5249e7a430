"""How services write their log: one JSON object per line, so that a collector needs no grammar."""

from __future__ import annotations

import json
import logging
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

from agents.runtime import tracing

QUIET_LIBRARIES = ("httpx", "httpx2", "httpcore", "mcp", "google_adk", "a2a", "asyncio", "uvicorn.error", "LiteLLM")
"""They narrate every request at INFO."""

_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


_known: ContextVar[dict[str, str]] = ContextVar("log_fields", default={})  # noqa: B039 - never changed, only replaced


def know(**fields: str) -> None:
    """Every line that this task and the tasks it begins log from now on has these fields; empty ones are left out."""
    _known.set({**_known.get(), **{name: value for name, value in fields.items() if value}})


class JsonFormatter(logging.Formatter):
    """A record as JSON: time, level, logger, message, what is known of the work at hand (`know`, `trace_id`,
    `span_id`), whatever `extra` holds, exception."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        line |= _known.get()
        if (trace := tracing.current()) is not None:
            line |= {"trace_id": trace.id, "span_id": trace.span_id}
        line |= {key: value for key, value in record.__dict__.items() if key not in _STANDARD}
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure_logs(level: int = logging.INFO, service: str | None = None) -> None:
    """Sends this process's log to standard error: JSON for a service, plain lines for a command.

    Must come before the MCP library makes a server: it would install a handler of its own otherwise.
    """
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if service else logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.WARNING) if service else logging.CRITICAL)
