"""The push-notification half of the A2A request handler: creating, reading, listing and deleting webhooks."""

from __future__ import annotations

from abc import abstractmethod

from a2a.server.context import ServerCallContext
from a2a.server.request_handlers import RequestHandler, validate_request_params
from a2a.server.tasks.push_notification_config_store import normalize_push_notification_config
from a2a.types import (
    AgentCard,
    DeleteTaskPushNotificationConfigRequest,
    GetTaskPushNotificationConfigRequest,
    ListTaskPushNotificationConfigsRequest,
    ListTaskPushNotificationConfigsResponse,
    TaskPushNotificationConfig,
)
from a2a.utils.errors import InvalidParamsError, PushNotificationNotSupportedError, TaskNotFoundError

from agents.runtime.context import caller_of
from agents.runtime.push_sender import PushSender
from agents.runtime.push_store import PushStore, PushTarget


class PushMethods(RequestHandler):
    """Abstract: the task handler adds the methods about messages and tasks."""

    def __init__(self, card: AgentCard, push_store: PushStore, push_sender: PushSender) -> None:
        self.card = card
        self.push_store = push_store
        self.push_sender = push_sender

    @abstractmethod
    async def require_task(self, task_id: str, owner: str) -> None:
        """Raises TaskNotFoundError unless the owner has such a task."""

    async def register_push(
        self, task_id: str, owner: str, config: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """Stores a webhook for a task. Raises InvalidParamsError for a URL that the policy forbids."""
        self._supported()
        refusal = await self.push_sender.policy.refusal(config.url, resolve=False)
        if refusal is not None:
            raise InvalidParamsError(message=f"push notifications may not go to {config.url}: {refusal}")
        stored = normalize_push_notification_config(task_id, config)
        await self.push_store.save(PushTarget(stored, caller_of(context).protocol), owner)
        await self.push_sender.load(task_id)
        return stored

    @validate_request_params
    async def on_create_task_push_notification_config(
        self, params: TaskPushNotificationConfig, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """Adds a webhook, or replaces the one with the same id."""
        self._supported()
        owner = caller_of(context).owner
        await self.require_task(params.task_id, owner)
        return await self.register_push(params.task_id, owner, params, context)

    @validate_request_params
    async def on_get_task_push_notification_config(
        self, params: GetTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> TaskPushNotificationConfig:
        """One webhook by its id."""
        for config in await self._of_task(params.task_id, context):
            if config.id == params.id:
                return config
        raise TaskNotFoundError(message=f"task {params.task_id} has no push configuration {params.id!r}")

    @validate_request_params
    async def on_list_task_push_notification_configs(
        self, params: ListTaskPushNotificationConfigsRequest, context: ServerCallContext
    ) -> ListTaskPushNotificationConfigsResponse:
        """All webhooks of a task."""
        return ListTaskPushNotificationConfigsResponse(configs=await self._of_task(params.task_id, context))

    @validate_request_params
    async def on_delete_task_push_notification_config(
        self, params: DeleteTaskPushNotificationConfigRequest, context: ServerCallContext
    ) -> None:
        """Removes a webhook; doing it twice is fine."""
        self._supported()
        await self.require_task(params.task_id, caller_of(context).owner)
        await self.push_store.delete(params.task_id, params.id)
        await self.push_sender.load(params.task_id)

    async def _of_task(self, task_id: str, context: ServerCallContext) -> list[TaskPushNotificationConfig]:
        self._supported()
        await self.require_task(task_id, caller_of(context).owner)
        return [target.config for target in await self.push_store.of_task(task_id)]

    def _supported(self) -> None:
        if not self.card.capabilities.push_notifications:
            raise PushNotificationNotSupportedError(message=f"{self.card.name} does not send push notifications")
