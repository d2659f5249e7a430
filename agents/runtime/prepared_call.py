"""The short way to a server of OpenAI's dialect at one's own address.

For every call `litellm.completion` finds out anew which provider, address, headers and parameters a model has: half of
a call's CPU. For such a server they are always the same, so they are found out once, by LiteLLM's own functions; its
translation and its HTTP do the rest, as they do the long way. `tests/runtime/test_prepared_call.py` compares what a
server gets either way.
"""

from __future__ import annotations

import asyncio
import atexit
import inspect
import json
import os
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import httpx
from pydantic_core import to_json

from agents.runtime.plain_answer import plain_answer

if TYPE_CHECKING:
    from types import ModuleType

    from aiohttp import ClientTimeout
    from multidict import CIMultiDict
    from yarl import URL

FIXED = ("model", "api_base", "api_key", "timeout", "max_retries", "num_retries", "drop_params")
"""Arguments that are the same for all calls of a model, beside the parameters below."""
PARAMETERS = ("max_tokens", "temperature")
OWN = ("messages", "tools", "response_format")
"""Arguments that each call brings itself."""

_DIALECT = "litellm.llms.openai.chat.gpt_transformation"
"""Where the plain dialect lives; models with ways of their own (gpt-5, o3) have other modules."""


@dataclass(frozen=True)
class PreparedCall:
    """Everything about calls of one model but their messages, tools and answer schemas. Of LiteLLM's types."""

    config: Any
    reader: _Reader
    handler: Any
    client: Any
    model: str
    url: str
    headers: Mapping[str, Any]
    parameters: Mapping[str, Any]
    about: Mapping[str, Any]
    timeout: float
    known_tools: list[list[Any]] = field(default_factory=list[list[Any]])
    """Those of the last call: as they came, and as they were sent."""

    async def complete(self, litellm: ModuleType, request: Mapping[str, Any], progress: Any) -> Any:
        """One call: a PlainAnswer or a `litellm.ModelResponse`. Raises what LiteLLM's handler raises."""
        brought = {name: request[name] for name in ("tools", "response_format") if request.get(name)}
        parameters = {**self.parameters, **brought}
        messages = litellm.utils.validate_and_fix_openai_messages(request["messages"])
        body = self._body(messages, {name: value for name, value in parameters.items() if name != "tools"})
        if "tools" in brought:
            body["tools"] = self._sent_tools(brought["tools"])
        return await self.handler.async_completion(
            custom_llm_provider="openai",
            provider_config=self.reader,
            api_base=self.url,
            headers=dict(self.headers),
            data=body,
            timeout=self.timeout,
            model=self.model,
            model_response=None,
            logging_obj=progress,
            messages=messages,
            optional_params=parameters,
            litellm_params=dict(self.about),
            encoding=None,
            client=self.client,
            signed_json_body=_written(body),
        )

    def _sent_tools(self, tools: list[Any]) -> list[Any]:
        """The tools as the server wants them. Mostly they are those of the call before."""
        if not self.known_tools or self.known_tools[0] is not tools:
            self.known_tools[:] = tools, self._body([], {"tools": tools})["tools"]
        return self.known_tools[1]

    def _body(self, messages: list[Any], parameters: dict[str, Any]) -> dict[str, Any]:
        return self.config.transform_request(
            model=self.model,
            messages=messages,
            optional_params=parameters,
            litellm_params=self.about,
            headers=self.headers,
        )


def _written(body: dict[str, Any]) -> bytes | None:
    """As JSON, three times as fast as LiteLLM writes it; None when that has to, such as for half of a character."""
    try:
        return to_json(body)
    except ValueError:
        return None


def prepared_call(litellm: ModuleType, request: Mapping[str, Any]) -> PreparedCall | None:
    """The short way for a request, arguments of `litellm.acompletion`; None when it has to take the long one."""
    given = {name: value for name, value in request.items() if value is not None}
    if given.get("api_base") is None or given.keys() - {*FIXED, *PARAMETERS, *OWN} or _adds_headers(litellm):
        return None
    if "@" in given["api_base"]:  # a login, which is httpx's to read
        return None
    fixed = tuple((name, given[name]) for name in (*FIXED, *PARAMETERS) if name in given)
    return _prepare(litellm, fixed)


def _adds_headers(litellm: ModuleType) -> bool:
    """Whether LiteLLM was told, by its own ways, to send more than the settings say."""
    named = any(name in os.environ for name in ("OPENAI_ORGANIZATION", "OPENAI_PROJECT_ID"))
    return named or bool(litellm.organization or litellm.headers)


@cache
def _prepare(litellm: ModuleType, fixed: tuple[tuple[str, Any], ...]) -> PreparedCall | None:
    given = dict(fixed)
    model, provider, key, base = litellm.get_llm_provider(
        model=given["model"], api_base=given["api_base"], api_key=given.get("api_key")
    )
    if provider != "openai" or litellm.main.responses_api_bridge_check(model, provider)[0].get("mode") == "responses":
        return None
    config = litellm.ProviderConfigManager.get_provider_chat_config(model=model, provider=litellm.LlmProviders.OPENAI)
    if type(config).__module__ != _DIALECT:
        return None
    about = {"custom_llm_provider": provider, "api_base": base}
    chosen = {name: given[name] for name in PARAMETERS if name in given}
    parameters = litellm.utils.get_optional_params(
        model=model, custom_llm_provider=provider, drop_params=given.get("drop_params"), stream=None, **chosen
    )
    parameters.pop("extra_body", None)
    key = key or given.get("api_key") or os.environ.get("OPENAI_API_KEY")
    headers = config.validate_environment(
        headers=dict(config.get_attribution_headers()),
        model=model,
        messages=[],
        optional_params=parameters,
        litellm_params=about,
        api_key=key,
        api_base=base,
    )
    url = config.get_complete_url(
        api_base=base, api_key=key, model=model, optional_params=parameters, litellm_params=about
    )
    return PreparedCall(
        config=config,
        reader=_Reader(litellm, config),
        handler=litellm.main.base_llm_http_handler,
        client=_client(litellm),
        model=model,
        url=url,
        headers=headers,
        parameters=parameters,
        about=about,
        timeout=given["timeout"],
    )


class _Reader:
    """LiteLLM's translation, but for answers that need none."""

    def __init__(self, litellm: ModuleType, config: Any) -> None:
        self._litellm, self._config = litellm, config

    def __getattr__(self, name: str) -> Any:
        return getattr(self._config, name)

    def transform_response(self, *, raw_response: Any, model_response: None, **given: Any) -> Any:
        """A PlainAnswer or a `litellm.ModelResponse`. Raises what LiteLLM's translation raises."""
        plain = plain_answer(raw_response.content, tools="tools" in given["optional_params"])
        if plain is not None:
            return plain
        empty = self._litellm.ModelResponse(choices=[])
        return self._config.transform_response(raw_response=raw_response, model_response=empty, **given)


@cache
def _client(litellm: ModuleType) -> Any:
    """LiteLLM's HTTP client, less what costs as much as the request: its decorator reports every call's time to nobody,
    and httpx makes objects of its own for what aiohttp sends and gets.
    """
    handler: type[Any] = litellm.llms.custom_httpx.http_handler.AsyncHTTPHandler

    class Quiet(handler):
        post = inspect.unwrap(handler.post)

    client = Quiet()
    client.client = _Direct(client.client)
    atexit.register(lambda: asyncio.run(client.client.close()))
    return client


class _Call(NamedTuple):
    """A request, as LiteLLM's client builds it and then sends it."""

    url: str
    headers: tuple[tuple[str, str], ...]
    content: str | bytes
    seconds: float


class _Head(NamedTuple):
    """What is the same for all requests to one address."""

    request: httpx.Request
    url: URL
    headers: CIMultiDict[str]
    transport: Any
    """LiteLLM's, on an aiohttp session; None when there is another."""
    as_httpx: Callable[[], AbstractContextManager[None]]
    """Makes httpx's errors of aiohttp's."""


@dataclass(frozen=True)
class _Answer:
    """A good answer, as far as LiteLLM reads one."""

    status_code: int
    headers: Mapping[str, str]
    content: bytes

    @property
    def text(self) -> str:
        return self.content.decode(errors="replace")

    def json(self) -> Any:
        return json.loads(self.content)

    def raise_for_status(self) -> _Answer:
        return self


class _Direct:
    """The part of `httpx.AsyncClient` that LiteLLM's client uses, on the aiohttp session that LiteLLM puts under it.

    Proxies and certificates are the client's own, and it does itself what is out of the ordinary.
    """

    def __init__(self, client: Any) -> None:
        self._client = client
        self._head = lru_cache(maxsize=16)(self._make_head)

    def build_request(self, _method: str, url: str, **given: Any) -> _Call:
        return _Call(url, tuple(given["headers"].items()), given["content"], given["timeout"])

    async def send(self, call: _Call, **_: Any) -> httpx.Response | _Answer:
        request, url, headers, transport, as_httpx = self._head(call.url, call.headers)
        if transport is None:
            return await self._client.send(self._whole(call))
        with as_httpx():
            async with transport.get_valid_client_session().post(
                url,
                data=call.content,
                headers=headers,
                timeout=_timeout(call.seconds),
                proxy=await transport._get_proxy_settings(request),
                allow_redirects=False,
                auto_decompress=False,
                ssl=True if transport._ssl_verify is None else transport._ssl_verify,
            ) as response:
                body = await response.read()
        if response.status == 200 and "content-encoding" not in response.headers:
            said = {name.lower(): value for name, value in response.headers.items()}
            return _Answer(200, said, body)
        answer = httpx.Response(response.status, headers=response.raw_headers, content=body, request=self._whole(call))
        return await self._client.send(answer.request) if answer.has_redirect_location else answer

    def _make_head(self, url: str, headers: tuple[tuple[str, str], ...]) -> _Head:
        from litellm.llms.custom_httpx.aiohttp_transport import LiteLLMAiohttpTransport, map_aiohttp_exceptions
        from multidict import CIMultiDict
        from yarl import URL

        request = self._client.build_request("POST", url, headers=dict(headers))
        del request.headers["Content-Length"]
        transport = self._client._transport_for_url(request.url)
        return _Head(
            request,
            URL(str(request.url), encoded=True),
            CIMultiDict(request.headers.multi_items()),
            transport if isinstance(transport, LiteLLMAiohttpTransport) else None,
            map_aiohttp_exceptions,
        )

    def _whole(self, call: _Call) -> httpx.Request:
        return self._client.build_request(
            "POST", call.url, headers=dict(call.headers), content=call.content, timeout=call.seconds
        )

    async def close(self) -> None:
        await self._client.aclose()


@cache
def _timeout(seconds: float) -> ClientTimeout:
    from aiohttp import ClientTimeout

    return ClientTimeout(sock_connect=seconds, sock_read=seconds, connect=seconds)
