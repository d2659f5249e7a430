"""An OpenTelemetry collector's OTLP endpoint on loopback, in a thread: it keeps the spans that it is sent."""

from __future__ import annotations

import gzip
import threading
import time
from collections import Counter
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span as WireSpan

KINDS = {value: name.removeprefix("SPAN_KIND_").lower() for name, value in WireSpan.SpanKind.items()}


@dataclass(frozen=True)
class Span:
    """One span, as it came in."""

    service: str
    name: str
    kind: str
    trace_id: str
    id: str
    parent: str
    attributes: dict[str, Any]
    failed: bool
    state: str
    began: int
    ended: int


class Collector:
    """The server; a context manager. `answer` is the HTTP status that senders get, after `delay` seconds."""

    def __init__(self, answer: int = 200, delay: float = 0.0) -> None:
        self.answer = answer
        self.delay = delay
        self.posts = 0
        self.headers: dict[str, str] = {}
        self.spans: list[Span] = []
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)

    @property
    def url(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Collector:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    def of(self, trace_id: str) -> list[Span]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                collector._take(self.path, dict(self.headers), body)
                time.sleep(collector.delay)
                answer = ExportTraceServiceResponse().SerializeToString()
                self.send_response(collector.answer)
                self.send_header("content-type", "application/x-protobuf")
                self.send_header("content-length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, *_: object) -> None:
                return

        return Handler

    def _take(self, path: str, headers: dict[str, str], body: bytes) -> None:
        self.posts += 1
        self.headers = headers
        assert path == "/v1/traces", path
        if headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            service = str(_attributes(group.resource.attributes)["service.name"])
            for scope in group.scope_spans:
                self.spans.extend(_span(service, span) for span in scope.spans)


def _span(service: str, span: WireSpan) -> Span:
    return Span(
        service=service,
        name=span.name,
        kind=KINDS[span.kind],
        trace_id=span.trace_id.hex(),
        id=span.span_id.hex(),
        parent=span.parent_span_id.hex(),
        attributes=_attributes(span.attributes),
        failed=span.status.code == span.status.STATUS_CODE_ERROR,
        state=span.trace_state,
        began=span.start_time_unix_nano,
        ended=span.end_time_unix_nano,
    )


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: _value(pair.value) for pair in pairs}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    found = getattr(value, kind) if kind else None
    return [_value(item) for item in found.values] if kind == "array_value" and found is not None else found


def assert_one_tree(spans: list[Span], caller: str) -> None:
    """Every span has a parent that exists, up to the caller's, and no span came twice."""
    assert spans
    ids = Counter(span.id for span in spans)
    assert max(ids.values()) == 1, "a span was sent twice"
    orphans = [(span.service, span.name) for span in spans if span.parent != caller and span.parent not in ids]
    assert orphans == []
    assert any(span.parent == caller for span in spans)
