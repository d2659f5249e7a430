"""The one place that calls LiteLLM: imported on first use, retried here, and its errors turned into ModelErrors."""

from __future__ import annotations

import asyncio
import copy
import inspect
import logging
import os
import random
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any

from agents.runtime.breaker import Breaker
from agents.runtime.model_errors import ModelError, ModelErrorKind
from agents.runtime.prepared_call import prepared_call
from agents.runtime.settings import ModelSettings

if TYPE_CHECKING:
    from types import ModuleType

logger = logging.getLogger(__name__)

RETRIED: tuple[ModelErrorKind, ...] = ("rate_limited", "server", "unreachable")
AWAY: tuple[ModelErrorKind, ...] = (*RETRIED, "timeout")
"""Failures that say something about the model rather than about the request."""
FAILURES = 3
"""So many calls in a row, retries included: then the model is left alone."""
REST_SECONDS = 15.0
MAX_WAIT_SECONDS = 20.0
"""Longest wait between two tries; a server that asks for more is given up."""
_MAX_DETAIL = 160


async def import_litellm() -> ModuleType:
    """LiteLLM, quiet. The first import takes seconds of CPU, so it happens in a thread, and others wait there too."""
    return _import() if _import.cache_info().currsize else await asyncio.to_thread(_import)


@cache
def _import() -> ModuleType:
    import litellm

    # No "Give Feedback" banner on errors; our own logging says what happened, once.
    litellm.suppress_debug_info = True
    logging.getLogger("LiteLLM").setLevel(logging.CRITICAL)
    return litellm


def connection(settings: ModelSettings) -> dict[str, Any]:
    """How LiteLLM reaches the model, with nothing left to its defaults (6,000 s of patience, retries of its own)."""
    key = settings.api_key.get_secret_value() if settings.api_key else None
    if key is None and settings.base_url and "OPENAI_API_KEY" not in os.environ:
        # Servers at one's own address often want no key, but the client insists on sending one.
        key = "none"
    arguments: dict[str, Any] = {
        "api_base": settings.base_url,
        "api_key": key,
        "timeout": settings.timeout_seconds,
        "max_retries": 0,
        "num_retries": 0,
        "drop_params": True,
        "max_tokens": settings.max_output_tokens,
        "temperature": settings.temperature,
    }
    return {name: value for name, value in arguments.items() if value is not None}


async def call(settings: ModelSettings, **request: Any) -> Any:
    """One completion, with retries. `request` is for `litellm.acompletion`.

    Raises ModelError when the last try failed, or at once when another try cannot help. A model that has failed several
    calls in a row is left alone for a while: those who would wait for it in vain go on without it.
    """
    litellm = await import_litellm()
    breaker = _breaker(settings.name, settings.base_url)
    if breaker.rest():
        raise ModelError("unreachable", settings.name, "resting")
    began = time.monotonic()
    try:
        answer = await _tried(litellm, settings, request, retries=0 if breaker.tripped else settings.retries)
    except ModelError as failure:
        breaker.heard(ok=failure.kind not in AWAY)
        raise
    except asyncio.CancelledError:
        if time.monotonic() - began > settings.timeout_seconds / 2:  # whoever asked ran out of time before we did
            breaker.heard(ok=False)
        raise
    breaker.heard(ok=True)
    return answer


@cache
def _breaker(name: str, base_url: str | None) -> Breaker:
    """What is known of a model, for all who use it in this process."""
    return Breaker(failures=FAILURES, rest_seconds=REST_SECONDS)


async def _tried(litellm: ModuleType, settings: ModelSettings, request: dict[str, Any], retries: int) -> Any:
    for tries_left in range(retries, -1, -1):
        try:
            async with asyncio.timeout(settings.timeout_seconds):
                return await _complete(litellm, request)
        except Exception as error:
            failure = model_error(error, settings)
            wait = _wait(error, retries - tries_left)
            if failure.kind not in RETRIED or not tries_left or wait > MAX_WAIT_SECONDS:
                raise failure from error
            logger.info("%s; another try in %.1f s", failure, wait)
            await asyncio.sleep(wait)
    raise AssertionError("unreachable: the last try returns or raises")


async def _complete(litellm: ModuleType, request: dict[str, Any]) -> Any:
    """`litellm.acompletion` without the decorator around it, which keeps accounts that nobody reads here: prices,
    callbacks, caches, budgets. That was half of a call's CPU time, and a thread hop.
    """
    model, api_base = request["model"], request.get("api_base")
    try:
        prepared = prepared_call(litellm, request)
        if prepared is not None:
            return await prepared.complete(litellm, request, _no_progress(litellm, model))
        # Some providers' translations change the tools that they are given, and these are for the next call as well.
        request = {**request, "tools": copy.deepcopy(request.get("tools"))}
        progress = _no_accounts(litellm, model, request["messages"])
        pending = _undecorated(litellm)(**request, acompletion=True, litellm_logging_obj=progress)
        return await pending if inspect.isawaitable(pending) else pending
    except Exception as error:
        provider = litellm.get_llm_provider(model, api_base=api_base)[1]
        raise litellm.exception_type(model=model, original_exception=error, custom_llm_provider=provider) from error


@cache
def _undecorated(litellm: ModuleType) -> Callable[..., Any]:
    """What does the work: given `acompletion=True` it returns an awaitable."""
    return inspect.unwrap(litellm.completion)


@cache
def _no_progress(litellm: ModuleType, model: str) -> Any:
    """For all calls that take the short way, on which nothing is noted."""
    return _no_accounts(litellm, model, [])


def _no_accounts(litellm: ModuleType, model: str, messages: list[Any]) -> Any:
    """The object that LiteLLM's innards note their progress in."""
    return _silent(litellm)(
        model=model,
        messages=messages,
        stream=False,
        call_type="acompletion",
        start_time=datetime.now(),
        litellm_call_id="",
        function_id="",
    )


@cache
def _silent(litellm: ModuleType) -> type[Any]:
    """LiteLLM's `Logging`, to which the end of a call means nothing."""

    class Silent(litellm.Logging):
        def pre_call(self, *_: object, **__: object) -> None: ...
        def post_call(self, *_: object, **__: object) -> None: ...
        def success_handler(self, *_: object, **__: object) -> None: ...
        def failure_handler(self, *_: object, **__: object) -> None: ...
        async def async_success_handler(self, *_: object, **__: object) -> None: ...
        async def async_failure_handler(self, *_: object, **__: object) -> None: ...

    return Silent


def _wait(error: Exception, tries: int) -> float:
    """Seconds until the next try: what the server asks for, else 0.25 s, doubled each time, with jitter."""
    headers = getattr(error, "litellm_response_headers", None) or {}
    asked = str(headers.get("retry-after", ""))
    if asked.replace(".", "", 1).isdigit():
        return float(asked)
    return 0.25 * 2**tries * random.uniform(0.8, 1.2)


def model_error(error: Exception, settings: ModelSettings) -> ModelError:
    """What a LiteLLM exception means. `asyncio.timeout` and LiteLLM's own timeouts are one kind."""
    if isinstance(error, ModelError):
        return error
    if isinstance(error, TimeoutError):
        return ModelError("timeout", settings.name, f"{settings.timeout_seconds:g} s")
    kind = _kind(error)
    detail = _detail(error, settings) if kind == "rejected" else ""
    return ModelError(kind, settings.name, detail)


def _kind(error: Exception) -> ModelErrorKind:
    causes = list(_causes(error))
    names = {cls.__name__ for cause in causes for cls in type(cause).__mro__}
    status = getattr(error, "status_code", None)
    if "Timeout" in names or status == 408:
        return "timeout"
    if "ContextWindowExceededError" in names:
        return "context_overflow"
    # LiteLLM calls both of these a server error: no connection, and an answer that it cannot read.
    if "APIConnectionError" in names or "ConnectError" in names:
        return "unreachable"
    if not isinstance(status, int) or status < 400 or type(causes[-1]).__module__.startswith("litellm"):
        return "malformed"
    if status in (401, 403):
        return "auth"
    if status == 429:
        return "rate_limited"
    return "server" if status >= 500 else "rejected"


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    """The error and what it was made of, outermost first. Some libraries raise an error from itself."""
    cause, seen = error, set[int]()
    while cause is not None and id(cause) not in seen:
        yield cause
        seen.add(id(cause))
        cause = cause.__cause__ or cause.__context__


def _detail(error: Exception, settings: ModelSettings) -> str:
    """The provider's reason in one short line, without the key that some providers echo."""
    text = str(getattr(error, "message", "") or error).split("\n", 1)[0]
    if settings.api_key and settings.api_key.get_secret_value():
        text = text.replace(settings.api_key.get_secret_value(), "***")
    return text.rpartition("Exception - ")[2][:_MAX_DETAIL]
