"""Where a piece of work belongs in its caller's trace (W3C Trace Context), and spans of it when somebody collects them.

The place in the trace is a context variable: it is read from a request, forwarded with every call that goes out, and
costs nothing else. Only when an exporter is configured (`agents.runtime.otlp`) do spans exist; until then `span` gives
one shared object that does nothing, and the caller's `traceparent` goes on unchanged.
"""

from __future__ import annotations

import asyncio
import logging
import os
import re
from collections.abc import Generator, Iterable, Mapping
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from contextvars import ContextVar
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING, Literal, Protocol

if TYPE_CHECKING:
    from agents.runtime.settings import TelemetrySettings

log = logging.getLogger(__name__)

TRACEPARENT = "traceparent"
TRACESTATE = "tracestate"
MAX_TRACESTATE = 512
"""Characters of a tracestate that is passed on; the standard asks for no more."""
_VALID = re.compile(
    r"(?!ff)(?P<version>[0-9a-f]{2})-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}(?P<later>-[ -~]{0,100})?"
)
"""A version of the future may add fields; the first ones keep their meaning."""

Kind = Literal["internal", "server", "client", "producer"]
Value = str | int | float | bool | list[str]
Attributes = Mapping[str, Value]


@dataclass(frozen=True, slots=True)
class Trace:
    """A place in a trace: the two headers of the W3C standard."""

    traceparent: str
    tracestate: str = ""

    @property
    def id(self) -> str:
        """The trace's id."""
        return self.traceparent[3:35]

    @property
    def span_id(self) -> str:
        """The span that is the parent of what happens here."""
        return self.traceparent[36:52]


class Span(Protocol):
    """A piece of work under way, for those who record it."""

    def rename(self, name: str) -> None:
        """For a name that is known only later."""
        ...

    def set(self, **attributes: Value) -> None:
        """Adds attributes; in their names two underscores stand for a dot."""
        ...

    def fail(self, kind: str, words: str = "") -> None:
        """It did not succeed. `kind` is one of few, such as `timeout`."""
        ...


class Recording(Span, Protocol):
    """A span that is being recorded."""

    @property
    def trace(self) -> Trace:
        """What its children have as parent."""
        ...

    def end(self) -> None:
        """Hands it to the exporter."""
        ...


class Tracer(Protocol):
    """Makes the spans of one service."""

    def start(self, name: str, kind: Kind, attributes: Attributes | None, parent: Trace | None) -> Recording:
        """Begins a span; without a parent, a trace."""
        ...


class _Nothing:
    """The span of work that nobody records."""

    def __enter__(self) -> Span:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def rename(self, name: str) -> None:
        return None

    def set(self, **attributes: Value) -> None:
        return None

    def fail(self, kind: str, words: str = "") -> None:
        return None


class _Recorded:
    """Records a block, and makes it the parent of what happens inside."""

    def __init__(self, recording: Recording) -> None:
        self._recording = recording
        self._before: Trace | None = None

    def __enter__(self) -> Span:
        self._before = _here.get()
        _here.set(self._recording.trace)
        return self._recording

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        _here.set(self._before)
        if isinstance(error, asyncio.CancelledError | GeneratorExit):
            self._recording.set(kubeteam__cancelled=True)
        elif error is not None:
            self._recording.fail(type(error).__name__, str(error))
        self._recording.end()


Spanning = _Nothing | _Recorded
"""A context manager that gives a Span."""
NOTHING = _Nothing()
_here: ContextVar[Trace | None] = ContextVar("trace", default=None)
_service: ContextVar[str] = ContextVar("service", default="")
tracers: dict[str, Tracer] = {}
"""By service; empty unless an exporter is configured. A process may hold several services."""


def current() -> Trace | None:
    """Where the work at hand belongs; None when nobody traces it."""
    return _here.get()


def headers() -> dict[str, str]:
    """What goes with a call to another process."""
    trace = _here.get()
    if trace is None:
        return {}
    return {TRACEPARENT: trace.traceparent, **({TRACESTATE: trace.tracestate} if trace.tracestate else {})}


def read_trace(traceparent: str | None, tracestate: str | None = None) -> Trace | None:
    """The place that a caller names; None when it names none, or not as the standard wants it."""
    found = _VALID.fullmatch((traceparent or "").strip())
    if found is None or (found["version"] == "00" and found["later"]):
        return None
    state = (tracestate or "").strip()
    return Trace(found.group(), state if len(state) <= MAX_TRACESTATE else "")


def trace_of(raw: Iterable[tuple[bytes, bytes]]) -> Trace | None:
    """The caller's place, from the headers of an ASGI scope."""
    parent, states = None, list[str]()
    for name, value in raw:
        if name == b"traceparent":
            parent = value.decode("latin-1")
        elif name == b"tracestate":
            states.append(value.decode("latin-1"))
    return read_trace(parent, ",".join(states)) if parent is not None else None


@contextmanager
def joined(trace: Trace | None) -> Generator[None]:
    """The work inside belongs there, whatever it was begun by; nowhere for None."""
    before = _here.get()
    _here.set(trace)
    try:
        yield
    finally:
        _here.set(before)


def work_for(service: str) -> None:
    """Spans from here on, in this context, are that service's."""
    _service.set(service)


def service() -> str:
    """Whose work this is; empty when nobody said."""
    return _service.get()


def span(name: str, kind: Kind = "internal", attributes: Attributes | None = None) -> Spanning:
    """A context manager that records a block as a span of its service; nothing when nobody collects spans.

    Names come from a small set. Content of messages, prompts and results is never an attribute. What happens inside
    becomes its children, so not for a block with a `yield` to somebody else's code in it.
    """
    if not tracers:
        return NOTHING
    tracer = tracers.get(_service.get()) or next(iter(tracers.values()))
    return _Recorded(tracer.start(name, kind, attributes, _here.get()))


def exporting(service: str, settings: TelemetrySettings) -> AbstractAsyncContextManager[None]:
    """While it is open, the service's spans are sent to the configured collector. Without one, nothing is imported."""
    if not is_configured(settings, os.environ):
        return nullcontext()
    from agents.runtime.otlp import EXPORTS

    return EXPORTS.of(service, settings)


def is_configured(settings: TelemetrySettings, environment: Mapping[str, str]) -> bool:
    """Whether spans are to be sent: by our settings, else by OpenTelemetry's standard variables."""

    def value(name: str) -> str:
        return environment.get(name, "").strip().lower()

    if value("OTEL_SDK_DISABLED") == "true":
        return False
    if settings.otlp_endpoint is not None:
        return True
    named = value("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT") or value("OTEL_EXPORTER_OTLP_ENDPOINT")
    # kagent gives its agents an endpoint also when its tracing is off, and says so with a variable of its own.
    unwanted = value("OTEL_TRACES_EXPORTER") not in ("", "otlp") or value("OTEL_TRACING_ENABLED") == "false"
    if not named or unwanted:
        return False
    protocol = value("OTEL_EXPORTER_OTLP_TRACES_PROTOCOL") or value("OTEL_EXPORTER_OTLP_PROTOCOL")
    if protocol == "grpc":
        log.warning("no traces: OTLP over gRPC is not spoken; set telemetry.otlp_endpoint to the collector's HTTP port")
        return False
    return True
