"""Puts the record of one service's tasks together: its table, its way to the controller, its outbox."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

import httpx

from agents.runtime.kagent.controller import Controller
from agents.runtime.kagent.outbox import Outbox
from agents.runtime.kagent.outbox_table import OutboxTable
from agents.runtime.kagent.style import Style
from agents.runtime.settings import Settings
from agents.runtime.task_store import TaskStore


@asynccontextmanager
async def open_record(name: str, settings: Settings, store: TaskStore, style: Style) -> AsyncGenerator[Outbox]:
    """The outbox of a service, at work; `store` is open."""
    kagent = settings.kagent
    async with httpx.AsyncClient(timeout=kagent.timeout_seconds) as http:
        controller = Controller(kagent, kagent.name or name, http)
        table = OutboxTable(store.database, name)
        outbox = Outbox(name, table, controller, store.get, style, backlog=kagent.backlog)
        async with outbox.lifespan():
            yield outbox
