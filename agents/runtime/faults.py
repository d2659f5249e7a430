"""What went wrong between a client and an agent, sorted into what may pass and what will not."""

from __future__ import annotations

import json

import httpx
from a2a.client.errors import A2AClientError
from a2a.utils.errors import A2AError, ContentTypeNotSupportedError, InternalError, UnsupportedOperationError

from agents.runtime.updates import FailureKind

GATEWAY = (429, 502, 503, 504)
"""HTTP states of something between us and an agent that is not there right now."""


class Fault(RuntimeError):
    """A call that failed. The text is for people."""

    def __init__(self, text: str, kind: FailureKind, *, passing: bool = False) -> None:
        super().__init__(text)
        self.kind: FailureKind = kind
        self.passing = passing
        """Trying again may help."""


def fault_of(error: A2AError | httpx.HTTPError, agent: str) -> Fault:
    """Sorts an error of the SDK's client by what caused it."""
    cause = error if isinstance(error, httpx.HTTPError) else error.__cause__
    text = getattr(error, "message", None) or str(error) or type(error).__name__
    if isinstance(cause, httpx.HTTPStatusError):
        return _of_status(cause.response.status_code, agent)
    if isinstance(cause, httpx.TransportError):
        return Fault(f"{agent} is not reachable: {cause or type(cause).__name__}", "unreachable", passing=True)
    if isinstance(cause, json.JSONDecodeError):
        return Fault(f"{agent} answered something that is not JSON", "nonsense")
    if isinstance(error, InternalError):
        # Also what a service of ours says that is about to restart.
        return Fault(f"{agent}: {text}", "failed", passing=True)
    if isinstance(error, UnsupportedOperationError | ContentTypeNotSupportedError):
        return Fault(f"{agent} refuses: {text}", "rejected")
    if isinstance(error, A2AClientError):
        return Fault(f"{agent} broke the protocol: {text}", "nonsense")
    return Fault(f"{agent}: {text}", "failed")


def _of_status(status: int, agent: str) -> Fault:
    if status in (401, 403):
        return Fault(f"{agent} wants credentials (HTTP {status})", "unauthorized")
    if status in GATEWAY:
        return Fault(f"{agent} is not available (HTTP {status})", "unreachable", passing=True)
    return Fault(f"{agent} answered HTTP {status}", "nonsense" if status < 500 else "failed")
