"""One API server, as HTTP: a shared connection pool, credentials, timeouts, retries and typed errors.

Uses the configuration, credentials and connection pool of `kubernetes.aio`, but reads bodies as raw JSON: building the
client's model objects costs about ten times as much as parsing, and nothing here needs them.
"""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

import aiohttp
from kubernetes.aio.client import Configuration
from kubernetes.aio.client.rest import RESTClientObject

from agents.cluster.errors import ClusterError, TimedOut, Unavailable, error_of

READ_ATTEMPTS = 4
RETRIED = frozenset({429, 500, 502, 503, 504})
CONNECT_SECONDS = 5.0
MAX_LINE = 64 * 1024
"""Longer lines of a log are cut into pieces of about this size."""


@dataclass
class Traffic:
    """What talking to the API has cost so far."""

    calls: int = 0
    bytes_read: int = 0


class Connection:
    """Requests to one API server. Reads (GET) are repeated after 429, 5xx and broken connections; writes never are."""

    def __init__(self, cluster: str, configuration: Configuration, timeout_seconds: float) -> None:
        self.cluster = cluster
        self.timeout_seconds = timeout_seconds
        self.traffic = Traffic()
        self._configuration = configuration
        self._http: RESTClientObject | None = None

    @property
    def host(self) -> str:
        """The API server's URL."""
        return str(self._configuration.host)

    async def json(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        content_type: str = "application/json",
        accept: str = "application/json",
    ) -> Any:
        """Sends a request and parses the JSON answer. Raises a ClusterError."""
        headers = {"Accept": accept, "Content-Type": content_type}
        async with self._answered(method, path, query, body, headers) as response:
            data = await response.read()
        self.traffic.bytes_read += len(data)
        if not data:
            return {}
        try:
            return json.loads(data)
        except ValueError as error:
            raise Unavailable(self.cluster, f"{method} {path} answered something that is not JSON ({error})") from error

    async def lines(self, path: str, *, query: Mapping[str, Any] | None = None) -> AsyncIterator[bytes]:
        """Streams the lines of a text answer, without their line ends. Lines are bounded only by `MAX_LINE`."""
        headers = {"Accept": "*/*", "Content-Type": "application/json"}
        async with self._answered("GET", path, query, None, headers) as response:
            rest = b""
            async for chunk in response.content.iter_any():
                self.traffic.bytes_read += len(chunk)
                *whole, rest = (rest + chunk).split(b"\n")
                for line in whole:
                    yield line
                if len(rest) > MAX_LINE:
                    yield rest
                    rest = b""
            if rest:
                yield rest

    async def close(self) -> None:
        """Closes the pool; a later request opens it anew."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    @asynccontextmanager
    async def _answered(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> AsyncGenerator[aiohttp.ClientResponse]:
        """A response with a good status. Errors while the caller reads its body are translated as well."""
        try:
            response = await self._send(method, path, query, body, headers)
            try:
                yield response
            finally:
                response.release()
        except TimeoutError as error:
            raise TimedOut(self.cluster, f"{method} {path}", self.timeout_seconds) from error
        except aiohttp.ClientError as error:
            raise Unavailable(self.cluster, f"{self.host}: {error or type(error).__name__}") from error
        except OSError as error:
            raise Unavailable(self.cluster, f"{self.host}: {error}") from error

    async def _send(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, headers: dict[str, str]
    ) -> aiohttp.ClientResponse:
        url = self.host + path
        if query:
            url += "?" + urlencode({name: _text(value) for name, value in query.items() if value is not None})
        attempts = READ_ATTEMPTS if method == "GET" else 1
        for attempt in range(1, attempts + 1):
            last = attempt == attempts
            try:
                response = await self._once(method, url, body, headers)
            except (aiohttp.ClientConnectionError, aiohttp.ServerDisconnectedError):
                if last:
                    raise
                await asyncio.sleep(_pause(attempt, None))
                continue
            if response.status < 400:
                return response
            if last or response.status not in RETRIED:
                raise await self._error(method, path, response)
            response.release()
            await asyncio.sleep(_pause(attempt, response.headers.get("Retry-After")))
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, method: str, url: str, body: Any, headers: dict[str, str]) -> aiohttp.ClientResponse:
        if self._http is None:
            self._http = RESTClientObject(self._configuration)
        self.traffic.calls += 1
        sent = dict(headers)
        # The hook behind this call re-reads projected service account tokens, which expire after about an hour.
        token = await self._configuration.get_api_key_with_prefix("BearerToken", alias="authorization")
        if token:
            sent["Authorization"] = token
        timeout = aiohttp.ClientTimeout(total=self.timeout_seconds, sock_connect=CONNECT_SECONDS)
        answer = await self._http.request(method, url, headers=sent, body=body, _request_timeout=timeout)
        return answer.response

    async def _error(self, method: str, path: str, response: aiohttp.ClientResponse) -> ClusterError:
        data = await response.read()
        response.release()
        self.traffic.bytes_read += len(data)
        try:
            status: dict[str, Any] = json.loads(data)
        except ValueError:
            status = {}
        message = status.get("message") or data[:300].decode(errors="replace").strip() or str(response.reason)
        return error_of(self.cluster, f"{method} {path}", response.status, message, status)


def _pause(attempt: int, retry_after: str | None) -> float:
    """Seconds to wait: what the server asks for, up to 5 s, else 0.1, 0.2, 0.4 with jitter."""
    if retry_after and retry_after.isdigit():
        return min(float(retry_after), 5.0)
    return 0.1 * 2 ** (attempt - 1) * random.uniform(0.5, 1.5)


def _text(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
