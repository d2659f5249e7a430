"""`POST /audit`: the webhook backend of the API server's audit log (`--audit-webhook-config-file`).

The API server posts an `EventList` per batch, and comes again with growing pauses after 429 and 5xx.
Reference: https://kubernetes.io/docs/tasks/debug/debug-cluster/audit/#webhook-backend
"""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from typing import Any

from fastapi import APIRouter, FastAPI, HTTPException, Request

from agents.auditor.audit_store import AuditStore, AuditStoreError
from agents.runtime.definition import Extras
from agents.runtime.settings import AuditSettings, AuditWebhookSettings, Settings

EXPIRE_SECONDS = 300.0
log = logging.getLogger(__name__)


def extras(settings: Settings) -> Extras:
    """The routes and the store behind them; nothing when no webhook is configured."""
    webhooks = webhooks_of(settings.audit)
    if not webhooks:
        return Extras()
    store = AuditStore(settings.store)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncGenerator[None]:
        async with store.lifespan():
            expiring = asyncio.create_task(_expire_for_ever(store, webhooks))
            try:
                yield
            finally:
                expiring.cancel()
                with suppress(asyncio.CancelledError):
                    await expiring

    return Extras(routers=[intake(store, webhooks)], lifespans=[lifespan])


def webhooks_of(settings: AuditSettings) -> dict[str, AuditWebhookSettings]:
    """The webhooks by cluster id; the empty id is that of `POST /audit`."""
    found = {"": settings.webhook, **{name: source.webhook for name, source in settings.clusters.items()}}
    return {name: webhook for name, webhook in found.items() if webhook is not None}


def intake(store: AuditStore, webhooks: Mapping[str, AuditWebhookSettings]) -> APIRouter:
    """`POST /audit` for the cluster that the settings do not name, `POST /audit/{cluster}` for those they do."""
    router = APIRouter()
    doors = {name: _Door(name, webhook, store) for name, webhook in webhooks.items()}

    @router.post("/audit", status_code=200)
    async def audit(request: Request) -> dict[str, int]:
        return await _door(doors, "").take(request)

    @router.post("/audit/{cluster}", status_code=200)
    async def audit_of(cluster: str, request: Request) -> dict[str, int]:
        return await _door(doors, cluster).take(request)

    return router


class _Door:
    """One cluster's way in. Holds a bounded number of batches; what it answered 200 is in the database."""

    def __init__(self, cluster: str, settings: AuditWebhookSettings, store: AuditStore) -> None:
        self._cluster, self._settings, self._store = cluster, settings, store
        self._inside = 0

    async def take(self, request: Request) -> dict[str, int]:
        await self._check(request)
        if self._inside >= self._settings.max_waiting:
            raise HTTPException(429, "too many batches are waiting to be written", {"Retry-After": "1"})
        self._inside += 1
        try:
            items = await asyncio.to_thread(_items, await self._body(request))
            taken = await self._store.add(self._cluster, items)
        except AuditStoreError as error:
            log.error("audit events were not stored: %s", error)
            raise HTTPException(503, "the store of audit events is not available", {"Retry-After": "5"}) from error
        finally:
            self._inside -= 1
        return {"events": taken}

    async def _check(self, request: Request) -> None:
        wanted = f"Bearer {await asyncio.to_thread(self._token)}"
        given = request.headers.get("authorization", "")
        if not hmac.compare_digest(given.encode(), wanted.encode()):
            raise HTTPException(401, "the bearer token is missing or wrong", {"WWW-Authenticate": "Bearer"})

    def _token(self) -> str:
        if self._settings.token is not None:
            return self._settings.token.get_secret_value()
        assert self._settings.token_file is not None
        try:
            token = self._settings.token_file.expanduser().read_text(encoding="utf-8").strip()
        except OSError as error:
            log.error("the token of the audit webhook cannot be read: %s", error)
            raise HTTPException(503, "the token of the audit webhook cannot be read") from error
        if not token:
            raise HTTPException(503, "the token of the audit webhook is empty")
        return token

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._settings.max_body_bytes:
                raise HTTPException(413, f"a batch may have {self._settings.max_body_bytes} bytes at most")
        return bytes(body)


def _door(doors: Mapping[str, _Door], cluster: str) -> _Door:
    if cluster not in doors:
        raise HTTPException(404, "no audit webhook is configured for this cluster")
    return doors[cluster]


def _items(body: bytes) -> list[Any]:
    try:
        found = json.loads(body)
    except ValueError as error:
        raise HTTPException(400, "the body is not JSON") from error
    items = found.get("items") if isinstance(found, dict) else None
    if not isinstance(items, list) or found.get("kind") != "EventList":
        raise HTTPException(400, "the body is no audit.k8s.io/v1 EventList")
    # In a list the API server leaves kind and apiVersion out of the items.
    return [{"kind": "Event", **item} if isinstance(item, dict) else item for item in items]


async def _expire_for_ever(store: AuditStore, webhooks: Mapping[str, AuditWebhookSettings]) -> None:
    while True:
        for cluster, settings in webhooks.items():
            try:
                if gone := await store.expire(cluster, settings, datetime.now(UTC)):
                    log.info("%s audit events were older than their retention and are gone", gone)
            except AuditStoreError as error:
                log.error("old audit events were not removed: %s", error)
        await asyncio.sleep(EXPIRE_SECONDS)
