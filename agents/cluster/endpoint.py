"""A monitoring server's HTTP API (Prometheus, Loki): credentials, TLS, timeouts, bounded answers, errors in words."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from agents.cluster.errors import ClusterError
from agents.cluster.redaction import redact
from agents.runtime.settings import EndpointSettings

MAX_BYTES = 32 * 2**20
"""A longer answer is refused: it would be cut to a page anyway, and must not fill the memory."""
ATTEMPTS = 3
RETRIED = frozenset({429, 502, 503, 504})
CONNECT_SECONDS = 5.0


class SourceError(ClusterError):
    """A monitoring server could not be asked, or refused; `status` is the HTTP code, 0 when there was no answer."""

    def __init__(self, message: str, status: int = 0) -> None:
        self.status = status
        super().__init__(message)


class Endpoint:
    """One server. Opens its connections when first used; `lifespan` closes them when nobody is inside any more."""

    def __init__(self, name: str, settings: EndpointSettings) -> None:
        self.name = name
        """What messages call it: `Prometheus`."""
        self.url = settings.url.rstrip("/")
        self._settings = settings
        self._http: aiohttp.ClientSession | None = None
        self._users = 0

    @asynccontextmanager
    async def lifespan(self) -> AsyncGenerator[None]:
        """Keeps connections while anybody is inside."""
        self._users += 1
        try:
            yield
        finally:
            self._users -= 1
            if self._users == 0:
                await self.close()

    async def close(self) -> None:
        """Closes the connections; they open anew when used again."""
        if self._http is not None:
            http, self._http = self._http, None
            await http.close()

    async def get(self, path: str, query: Mapping[str, str]) -> Any:
        """The JSON answer to a GET. Raises SourceError."""
        data = await self._read(path, query)
        try:
            return json.loads(data)
        except ValueError as error:
            raise SourceError(
                f"{self.name} at {self._place} answered {path} with something that is not JSON"
            ) from error

    async def _read(self, path: str, query: Mapping[str, str]) -> bytes:
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return await self._once(path, query)
            except SourceError as error:
                if attempt == ATTEMPTS or error.status not in RETRIED:
                    raise
            await asyncio.sleep(0.2 * attempt)
        raise AssertionError("the last attempt returns or raises")

    async def _once(self, path: str, query: Mapping[str, str]) -> bytes:
        try:
            headers = await asyncio.to_thread(self._headers)
            async with self._session().get(self.url + path, params=query, headers=headers) as response:
                data = await _bounded(response)
                if response.status >= 400:
                    raise SourceError(self._refusal(response.status, data), response.status)
                if len(data) > MAX_BYTES:
                    raise SourceError(f"{self.name} answered with more than {MAX_BYTES >> 20} MiB; ask for less")
                return data
        except TimeoutError as error:
            seconds = self._settings.timeout_seconds
            raise SourceError(f"{self.name} at {self._place} did not answer within {seconds:g} s") from error
        except (aiohttp.ClientError, OSError) as error:
            text = redact(str(error)) or type(error).__name__
            raise SourceError(f"{self.name} at {self._place} cannot be reached: {text}") from error

    def _session(self) -> aiohttp.ClientSession:
        if self._http is None:
            context: ssl.SSLContext | bool = True
            if self._settings.ca_file is not None:
                context = ssl.create_default_context(cafile=self._settings.ca_file.expanduser())
            timeout = aiohttp.ClientTimeout(total=self._settings.timeout_seconds, sock_connect=CONNECT_SECONDS)
            self._http = aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context), timeout=timeout)
        return self._http

    def _headers(self) -> dict[str, str]:
        settings = self._settings
        headers = {name: value.get_secret_value() for name, value in settings.headers.items()}
        if settings.bearer_token is not None:
            headers["Authorization"] = f"Bearer {settings.bearer_token.get_secret_value()}"
        elif settings.bearer_token_file is not None:
            token = settings.bearer_token_file.expanduser().read_text(encoding="utf-8").strip()
            headers["Authorization"] = f"Bearer {token}"
        elif settings.username is not None and settings.password is not None:
            headers["Authorization"] = aiohttp.encode_basic_auth(
                settings.username, settings.password.get_secret_value(), encoding="utf-8"
            )
        return headers

    @property
    def _place(self) -> str:
        """The URL as messages may show it."""
        return redact(self.url)

    def _refusal(self, status: int, data: bytes) -> str:
        if status in (401, 403):
            return f"{self.name} at {self._place} does not accept the credentials ({status})"
        try:
            body = json.loads(data)
            said = str(body.get("error") or body) if isinstance(body, dict) else str(body)
        except ValueError:
            said = data.decode(errors="replace")
        return f"{self.name} refused ({status}): {redact(said.strip())[:400]}"


async def _bounded(response: aiohttp.ClientResponse) -> bytes:
    chunks: list[bytes] = []
    size = 0
    async for chunk in response.content.iter_chunked(2**16):
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_BYTES:
            break
    return b"".join(chunks)
