"""Where callers want to be told about their tasks: push configurations, in the task store's database."""

from __future__ import annotations

from dataclasses import dataclass

from a2a.types import TaskPushNotificationConfig
from sqlalchemy import delete, select

from agents.runtime import task_tables as t
from agents.runtime.context import Protocol
from agents.runtime.database import Database


@dataclass(frozen=True)
class PushTarget:
    """One webhook of one task, and the protocol that it was registered over, in which it is told."""

    config: TaskPushNotificationConfig
    protocol: Protocol


class PushStore:
    """The push configurations of one service."""

    def __init__(self, database: Database, service: str) -> None:
        self._database = database
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
        statement = t.upsert(self._database.dialect, t.push_configs)
        await self._database.write(lambda connection: connection.execute(statement, [row]))

    async def of_task(self, task_id: str) -> list[PushTarget]:
        """All of a task's, in a stable order. Who may see the task may see them."""
        table = t.push_configs
        query = (
            select(table.c.blob, table.c.protocol)
            .where(table.c.service == self._service, table.c.task_id == task_id)
            .order_by(table.c.id)
        )
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [PushTarget(TaskPushNotificationConfig.FromString(row.blob), row.protocol) for row in rows]

    async def delete(self, task_id: str, config_id: str) -> None:
        """Removes one; nothing happens when it is not there."""
        table = t.push_configs
        statement = delete(table).where(
            table.c.service == self._service, table.c.task_id == task_id, table.c.id == config_id
        )
        await self._database.write(lambda connection: connection.execute(statement))
