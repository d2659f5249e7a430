"""A2A over HTTP: JSON-RPC 1.0 and 0.3 at `/`, HTTP+JSON 1.0 at `/rest`, with the SDK's dispatchers put right.

Put right here: a foreign Content-Type is told so (-32005), bad 0.3 parameters are -32602, a 0.3 push configuration can
be read without its own id, deleting one answers with a result, questions end a 0.3 stream, and activated extensions
are echoed.
"""

from __future__ import annotations

import json
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Any

from a2a.extensions.common import HTTP_EXTENSION_HEADER, get_requested_extensions
from a2a.server.context import ServerCallContext
from a2a.server.events import Event
from a2a.server.request_handlers import RequestHandler
from a2a.server.request_handlers.response_helpers import build_error_response
from a2a.server.routes import create_rest_routes
from a2a.server.routes.jsonrpc_dispatcher import JsonRpcDispatcher
from a2a.types import AgentCard, SendMessageRequest, TaskState
from a2a.utils.constants import PROTOCOL_VERSION_1_0
from a2a.utils.errors import A2AError, ContentTypeNotSupportedError, InternalError
from a2a.utils.proto_utils import to_stream_response
from a2a.utils.version_validator import validate_version
from google.protobuf.json_format import ParseError
from pydantic import ValidationError
from pydantic_core import from_json
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Mount, Route

# isort: split
# Only after a2a.server.routes: imported first, this module runs into a circular import of the SDK.
from a2a.compat.v0_3 import types as v03
from a2a.compat.v0_3.jsonrpc_adapter import JSONRPC03Adapter
from a2a.compat.v0_3.request_handler import RequestHandler03

from agents.runtime.admission import Admit, AtTheDoor, refusal
from agents.runtime.cards import REST_PATH
from agents.runtime.context import CallerContextBuilder
from agents.runtime.event_stream import EventStream, sse
from agents.runtime.proto_json import parse, to_json

log = logging.getLogger(__name__)

MEDIA_TYPES = ("application/json", "application/a2a+json")
INVALID_PARAMS = -32602
STREAM = "SendStreamingMessage"
STATES = frozenset(TaskState.keys())
PART_KINDS = ("text", "file", "data")
WAITING = (v03.TaskState.input_required, v03.TaskState.auth_required)


class JsonRpc(JsonRpcDispatcher):
    """JSON-RPC of both protocol versions on one URL; the method's name tells them apart."""

    def __init__(self, handler: RequestHandler, card: AgentCard, admit: Admit | None) -> None:
        builder = CallerContextBuilder()
        super().__init__(handler, builder, enable_v0_3_compat=True)
        self._v03_adapter = LegacyJsonRpc(handler, builder)
        self._extensions = {extension.uri for extension in card.capabilities.extensions}
        self._admit = admit

    async def handle_requests(self, request: Request) -> Response:
        """One POST."""
        content_type = request.headers.get("content-type", "").split(";")[0].strip().lower()
        if content_type and content_type not in MEDIA_TYPES:
            error = ContentTypeNotSupportedError(message=f"Content-Type {content_type} is not supported; send JSON")
            return JSONResponse(build_error_response(None, error))
        body = await request.body()
        if (problem := _unknown_state(body)) is not None:
            return _invalid_params(*problem)
        if self._admit is not None and (refused := await refusal(request, self._admit)) is not None:
            return refused
        call = _streamed(body)
        response = await (super().handle_requests(request) if call is None else self._stream(request, *call))
        active = self._extensions & get_requested_extensions(request.headers.getlist(HTTP_EXTENSION_HEADER))
        if active:
            response.headers[HTTP_EXTENSION_HEADER] = ", ".join(sorted(active))
        return response

    async def _stream(self, request: Request, request_id: str | int, params: SendMessageRequest) -> Response:
        """`SendStreamingMessage`, which is nearly every call: the SDK's way without its second look at everything."""
        context = self._context_builder.build(request)
        context.tenant = params.tenant
        context.state["method"], context.state["request_id"] = STREAM, request_id
        try:
            return self._create_response(context, await self._process_streaming_request(request_id, params, context))
        except A2AError as error:
            return self._generate_error_response(request_id, error)
        except Exception as error:
            log.exception("a stream did not begin")
            return self._generate_error_response(request_id, InternalError(message=str(error)))

    @validate_version(PROTOCOL_VERSION_1_0)
    async def _process_streaming_request(
        self, request_id: str | int | None, request_obj: Any, context: ServerCallContext
    ) -> AsyncGenerator[Any, None]:
        handler, sends = self.request_handler, context.state["method"] == STREAM
        follow = handler.on_message_send_stream if sends else handler.on_subscribe_to_task
        events = follow(request_obj, context)
        first = await anext(events, None)  # what is wrong with the request is said before there is a stream
        return _responses(first, events, request_id)

    def _create_response(
        self, context: ServerCallContext, handler_result: AsyncGenerator[Any] | dict[str, Any]
    ) -> Response:
        if isinstance(handler_result, AsyncGenerator):
            return EventStream(handler_result)
        return super()._create_response(context, handler_result)


async def _responses(
    first: Event | None, events: AsyncGenerator[Event], request_id: str | int | None
) -> AsyncGenerator[bytes]:
    """JSON-RPC responses as events; whatever breaks becomes the last one."""

    def told(event: Event) -> bytes:
        return sse({"jsonrpc": "2.0", "id": request_id, "result": to_json(to_stream_response(event))})

    try:
        async with aclosing(events):
            if first is not None:
                yield told(first)
            async for event in events:
                yield told(event)
    except Exception as error:
        if not isinstance(error, A2AError):
            log.exception("a stream of a task broke")
        failure = error if isinstance(error, A2AError) else InternalError(message=str(error))
        yield sse(build_error_response(request_id, failure), event="error")


class LegacyMethods(RequestHandler03):
    """The 0.3 methods, typed."""

    async def on_get_task(self, request: v03.GetTaskRequest, context: ServerCallContext) -> v03.Task:
        """The SDK takes a history of no messages for one without a limit."""
        task = await super().on_get_task(request, context)
        return task.model_copy(update={"history": None}) if request.params.history_length == 0 else task

    async def on_message_send_stream(
        self, request: v03.SendMessageRequest, context: ServerCallContext
    ) -> AsyncGenerator[v03.SendStreamingMessageSuccessResponse]:
        """In 0.3 the event that ends a stream says so; the SDK forgets that questions do."""
        async for response in super().on_message_send_stream(request, context):
            event = response.result
            if isinstance(event, v03.TaskStatusUpdateEvent) and event.status.state in WAITING:
                event.final = True
            yield response


class LegacyJsonRpc(JSONRPC03Adapter):
    """The 0.3 methods, as JSON-RPC."""

    def __init__(self, handler: RequestHandler, builder: CallerContextBuilder) -> None:
        super().__init__(handler, builder)
        self.handler = LegacyMethods(handler)

    async def handle_request(
        self, request_id: str | int | None, method: str, body: dict[str, Any], request: Request
    ) -> Any:
        """One call, already parsed as JSON-RPC."""
        body = _with_config_id(method, body)
        try:
            self.METHOD_TO_MODEL[method].model_validate(body)
        except ValidationError as error:
            return _invalid_params(request_id, _first(error))
        if (unknown := _unknown_part(body)) is not None:
            return _invalid_params(request_id, unknown)
        response = await super().handle_request(request_id, method, body, request)
        deleted = method == "tasks/pushNotificationConfig/delete"
        if deleted and isinstance(response, JSONResponse) and b'"error"' not in bytes(response.body):
            return JSONResponse({"jsonrpc": "2.0", "id": request_id, "result": None})
        return response


def _with_config_id(method: str, body: dict[str, Any]) -> dict[str, Any]:
    """0.3 clients may ask for a task's only configuration, whose id is then the task's."""
    params = body.get("params")
    if method != "tasks/pushNotificationConfig/get" or not isinstance(params, dict):
        return body
    return {**body, "params": {"pushNotificationConfigId": params.get("id"), **params}}


def _streamed(body: bytes) -> tuple[str | int, SendMessageRequest] | None:
    """The id and the parameters of a `SendStreamingMessage`; None for other methods, and when anything is odd."""
    if f'"{STREAM}"'.encode() not in body:
        return None
    try:
        call: Any = from_json(body)
        if call.keys() != {"jsonrpc", "id", "method", "params"} or type(call["id"]) not in (str, int):
            return None
        if (call["jsonrpc"], call["method"]) != ("2.0", STREAM) or not isinstance(call["params"], dict):
            return None
        return call["id"], parse(call["params"], SendMessageRequest())
    except (ValueError, AttributeError, ParseError):
        return None


def _unknown_state(body: bytes) -> tuple[str | int | None, str] | None:
    """The id and the problem of a listing by a state that there is not: the SDK would list all tasks instead."""
    if b'"ListTasks"' not in body:
        return None
    try:
        call: Any = json.loads(body)
        state = call["params"]["status"] if call["method"] == "ListTasks" else None
    except (ValueError, KeyError, TypeError):
        return None  # what else is wrong with it is said by others
    if not isinstance(state, str) or state in STATES:
        return None
    return call.get("id"), f"params.status: there is no state {state!r}"


def _unknown_part(body: dict[str, Any]) -> str | None:
    """A part of a kind that 0.3 does not have. The SDK takes one whose kind stands under `type` for text."""
    message = (body.get("params") or {}).get("message") or {}
    for number, part in enumerate(message.get("parts") or ()):
        kind = part.get("kind") or part.get("type")
        if kind is not None and kind not in PART_KINDS:
            return f"params.message.parts.{number}: there are no parts of kind {kind!r}"
    return None


def _first(error: ValidationError) -> str:
    first = error.errors()[0]
    return f"{'.'.join(str(step) for step in first['loc'])}: {first['msg']}"


def _invalid_params(request_id: str | int | None, problem: str) -> JSONResponse:
    content = {"code": INVALID_PARAMS, "message": "Invalid params", "data": problem}
    return JSONResponse({"jsonrpc": "2.0", "id": request_id, "error": content})


def a2a_routes(handler: RequestHandler, card: AgentCard, admit: Admit | None = None) -> Sequence[BaseRoute]:
    """All routes of the protocol except the card's. `admit` is asked before a message begins a task."""
    rest = create_rest_routes(handler, context_builder=CallerContextBuilder(), enable_v0_3_compat=False)
    return [
        Route("/", JsonRpc(handler, card, admit).handle_requests, methods=["POST"]),
        # A Mount, because the SDK's own path prefix puts tenants before it, where its client does not look.
        Mount(REST_PATH, routes=list(rest), middleware=[] if admit is None else [Middleware(AtTheDoor, admit)]),
    ]
