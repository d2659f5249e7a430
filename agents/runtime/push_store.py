"""Where callers want to be told about their tasks: push configurations, in the task store's database."""

from __future__ import annotations

from dataclasses import dataclass

from a2a.types import TaskPushNotificationConfig
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncEngine

from agents.runtime import task_tables as t
from agents.runtime.context import Protocol


@dataclass(frozen=True)
class PushTarget:
    """One webhook of one task, and the protocol that it was registered over, in which it is told."""

    config: TaskPushNotificationConfig
    protocol: Protocol


class PushStore:
    """The push configurations of one service."""

    def __init__(self, engine: AsyncEngine, service: str) -> None:
        self._engine = engine
        self._service = service

    async def save(self, target: PushTarget, owner: str) -> None:
        """Adds or replaces one."""
        config = target.config
        row = {
            "service": self._service,
            "task_id": config.task_id,
            "id": config.id,
            "owner": owner,
            "protocol": target.protocol,
            "blob": config.SerializeToString(),
        }
        async with self._engine.begin() as connection:
            await connection.execute(t.upsert(self._engine, t.push_configs), [row])

    async def of_task(self, task_id: str) -> list[PushTarget]:
        """All of a task's, in a stable order. Who may see the task may see them."""
        table = t.push_configs
        query = (
            select(table.c.blob, table.c.protocol)
            .where(table.c.service == self._service, table.c.task_id == task_id)
            .order_by(table.c.id)
        )
        async with self._engine.connect() as connection:
            rows = (await connection.execute(query)).all()
        return [PushTarget(TaskPushNotificationConfig.FromString(row.blob), row.protocol) for row in rows]

    async def delete(self, task_id: str, config_id: str) -> None:
        """Removes one; nothing happens when it is not there."""
        table = t.push_configs
        async with self._engine.begin() as connection:
            await connection.execute(
                delete(table).where(
                    table.c.service == self._service, table.c.task_id == task_id, table.c.id == config_id
                )
            )
