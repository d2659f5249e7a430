"""Spans on their way to an OpenTelemetry collector, by OTLP over HTTP. Imported only when an exporter is configured.

The tracer provider is our own and not the process's global one: ADK, MCP and other libraries would otherwise add spans
of their own for the same work. Spans wait in a bounded queue for a thread of the SDK's; a collector that is down costs
the spans and nothing else.
"""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, SERVICE_NAMESPACE, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ParentBased, TraceIdRatioBased
from opentelemetry.trace import (
    NonRecordingSpan,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
    TraceState,
    set_span_in_context,
)
from opentelemetry.trace import Span as OtelSpan

from agents.runtime.settings import TelemetrySettings
from agents.runtime.tracing import Attributes, Kind, Trace, Value, tracers

MAX_WORDS = 300
"""Characters of an error in a span."""
_KINDS: dict[Kind, SpanKind] = {
    "internal": SpanKind.INTERNAL,
    "server": SpanKind.SERVER,
    "client": SpanKind.CLIENT,
    "producer": SpanKind.PRODUCER,
}


class Exporting:
    """The way to the collector, shared by all services of a process."""

    def __init__(self, settings: TelemetrySettings) -> None:
        # Every try at an absent collector would be a warning.
        logging.getLogger("opentelemetry").setLevel(logging.ERROR)
        url = settings.otlp_endpoint
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        # What is None is read from the standard OTEL_EXPORTER_OTLP_* variables, the queue's bounds from OTEL_BSP_*.
        exporter = OTLPSpanExporter(endpoint=f"{url.rstrip('/')}/v1/traces" if url else None, headers=headers or None)
        self._exporter = exporter
        self._processor = BatchSpanProcessor(exporter)
        self._seconds = settings.flush_seconds
        ratio = settings.sample_ratio
        self._sampler = None if ratio is None else ParentBased(TraceIdRatioBased(ratio))

    def tracer(self, service: str) -> OtlpTracer:
        """Makes spans that bear the service's name."""
        resource = Resource.create({SERVICE_NAME: f"kubeteam-{service}", SERVICE_NAMESPACE: "kubeteam"})
        provider = TracerProvider(resource=resource, sampler=self._sampler, shutdown_on_exit=False)
        provider.add_span_processor(self._processor)
        return OtlpTracer(provider)

    async def close(self) -> None:
        """Sends what waits, for a bounded time: a collector that does not answer must not hold up a shutdown."""
        sending = threading.Thread(target=self._processor.shutdown, name="last spans", daemon=True)
        sending.start()
        await asyncio.to_thread(sending.join, self._seconds)
        self._exporter.shutdown()


class OtlpTracer:
    """Makes the spans of one service."""

    def __init__(self, provider: TracerProvider) -> None:
        self._tracer = provider.get_tracer("kubeteam")

    def start(self, name: str, kind: Kind, attributes: Attributes | None, parent: Trace | None) -> OtlpSpan:
        """Begins a span; without a parent, a trace."""
        context = _NO_CONTEXT
        if parent is not None:
            context = set_span_in_context(NonRecordingSpan(_context_of(parent)), context)
        return OtlpSpan(self._tracer.start_span(name, context, _KINDS[kind], attributes))


class OtlpSpan:
    """A span of the SDK's."""

    def __init__(self, span: OtelSpan) -> None:
        self._span = span
        self.trace = _trace_of(span.get_span_context())

    def rename(self, name: str) -> None:
        self._span.update_name(name)

    def set(self, **attributes: Value) -> None:
        for name, value in attributes.items():
            self._span.set_attribute(name.replace("__", "."), value)

    def fail(self, kind: str, words: str = "") -> None:
        self._span.set_attribute("error.type", kind)
        self._span.set_status(Status(StatusCode.ERROR, words[:MAX_WORDS] or None))

    def end(self) -> None:
        self._span.end()


_NO_CONTEXT = Context()
"""The parent is what we say, not what a library has put into the SDK's own context variable."""


def _context_of(trace: Trace) -> SpanContext:
    _, trace_id, span_id, flags = trace.traceparent.split("-")[:4]
    state = TraceState.from_header([trace.tracestate]) if trace.tracestate else None
    return SpanContext(int(trace_id, 16), int(span_id, 16), True, TraceFlags(int(flags[:2], 16)), state)


def _trace_of(context: SpanContext) -> Trace:
    parent = f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"
    return Trace(parent, context.trace_state.to_header() if context.trace_state else "")


class Exports:
    """Which services of this process send spans. The first opens the way to the collector, the last closes it."""

    def __init__(self) -> None:
        self._open: Counter[str] = Counter()
        self._exporting: Exporting | None = None

    @asynccontextmanager
    async def of(self, service: str, settings: TelemetrySettings) -> AsyncGenerator[None]:
        """Spans of the service are recorded and sent while the block runs."""
        self._exporting = self._exporting or Exporting(settings)
        self._open[service] += 1
        if service not in tracers:
            tracers[service] = self._exporting.tracer(service)
        try:
            yield
        finally:
            self._open[service] -= 1
            if not self._open[service]:
                del self._open[service], tracers[service]
            if not self._open:
                last, self._exporting = self._exporting, None
                await last.close()


EXPORTS = Exports()
