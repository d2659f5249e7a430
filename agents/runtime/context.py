"""Who calls, and how: the typed view of one A2A request that handlers and executors share."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, cast

from a2a.auth.user import User
from a2a.extensions.common import HTTP_EXTENSION_HEADER, get_requested_extensions
from a2a.server.context import ServerCallContext
from a2a.server.routes import ServerCallContextBuilder
from a2a.types import Message
from a2a.utils import constants
from starlette.requests import Request

from agents.runtime.findings import FINDING_EXTENSION
from agents.runtime.tracing import TRACEPARENT

ANONYMOUS = "anonymous"
USER_HEADER = "x-user-id"
LEGACY_EXTENSION_HEADER = "x-a2a-extensions"
SOURCE_HEADER = "x-kagent-source"
PARENT_CONTEXT_HEADER = "x-kagent-parent-context-id"
"""The conversation in which one agent asks another."""
ROOT_CONTEXT_HEADER = "x-kagent-root-context-id"
"""The conversation that the person is in, however many agents are between."""

MAX_CONTEXT_ID = 200

Protocol = Literal["1.0", "0.3"]


@dataclass(frozen=True)
class CallerUser(User):
    """The person behind a request; `anonymous` when nobody was named."""

    name: str = ANONYMOUS
    authenticated: bool = False
    """True when an authentication backend vouches for the name, False when a trusted network only says so."""

    @property
    def is_authenticated(self) -> bool:
        return self.authenticated

    @property
    def user_name(self) -> str:
        return self.name


@dataclass(frozen=True)
class Caller:
    """One request's origin. Executors get it with `caller_of(context.call_context)`."""

    user: str
    tenant: str = ""
    protocol: Protocol = "1.0"
    traceparent: str = ""
    """As it came. What the work at hand belongs to is `tracing.current`, which may be a span of ours in that trace."""
    authorization: str | None = None
    """The inbound Authorization header as it came, for services that act on the user's behalf."""
    extensions: frozenset[str] = frozenset()
    source: str = ""
    """What kagent says of the caller: `agent` when one of its agents asks on a person's behalf."""
    root_context: str = ""
    """What kagent says of the person's own conversation, when it is another one."""

    @property
    def owner(self) -> str:
        """The scope that tasks, message ids and push configurations are kept in."""
        return f"{self.tenant}/{self.user}"


def caller_of(context: ServerCallContext) -> Caller:
    """Reads what `CallerContextBuilder` put into the call context.

    The protocol is known by the method's name: 0.3 methods hold a slash (`message/send`).
    """
    headers = cast(dict[str, str], context.state.get("headers", {}))
    method = str(context.state.get("method", ""))
    return Caller(
        user=context.user.user_name or ANONYMOUS,
        tenant=context.tenant or "",
        protocol="0.3" if "/" in method else "1.0",
        traceparent=headers.get(TRACEPARENT, ""),
        authorization=headers.get("authorization"),
        extensions=frozenset(context.requested_extensions),
        source=headers.get(SOURCE_HEADER, ""),
        root_context=headers.get(ROOT_CONTEXT_HEADER, "")[:MAX_CONTEXT_ID],
    )


def extensions_of(context: ServerCallContext, message: Message) -> frozenset[str]:
    """The extensions that a message's sender activated, in the header or in the message: proxies between A2A dialects
    have been seen to drop the header, and whoever resumes a task after a crash has only the message.
    """
    return caller_of(context).extensions | set(message.extensions)


def wants_findings(context: ServerCallContext, message: Message) -> bool:
    """Whether the sender activated FINDING_EXTENSION."""
    return FINDING_EXTENSION in extensions_of(context, message)


def context_of(owner: str) -> ServerCallContext:
    """A call context for work that no request started, such as resuming a task after a restart."""
    tenant, _, user = owner.partition("/")
    return ServerCallContext(user=CallerUser(user or ANONYMOUS), tenant=tenant)


class CallerContextBuilder(ServerCallContextBuilder):
    """Fills the SDK's call context: the user is whom the authentication middleware found, else `X-User-Id`."""

    def build(self, request: Request) -> ServerCallContext:
        headers = dict(request.headers)
        # Spec 3.6.1 allows the version as a query parameter; the SDK reads only the header.
        version = request.query_params.get(constants.VERSION_HEADER)
        if version and not headers.get("a2a-version"):
            headers["a2a-version"] = version
        named = [
            *request.headers.getlist(HTTP_EXTENSION_HEADER),
            *request.headers.getlist(LEGACY_EXTENSION_HEADER),
        ]
        return ServerCallContext(
            user=_user(request),
            state={"headers": headers},
            requested_extensions=get_requested_extensions(named),
        )


def _user(request: Request) -> CallerUser:
    found = request.scope.get("user")
    if found is not None and found.is_authenticated:
        return CallerUser(str(found.display_name), authenticated=True)
    return CallerUser(request.headers.get(USER_HEADER) or ANONYMOUS)
