"""Our rule about required fields is the SDK's, to the word."""

from __future__ import annotations

from typing import Any

import pytest
from a2a.types import (
    AgentCard,
    Message,
    Part,
    Role,
    SendMessageConfiguration,
    SendMessageRequest,
    TaskPushNotificationConfig,
)
from a2a.utils.errors import InvalidParamsError
from a2a.utils.proto_utils import validate_proto_required_fields

from agents.runtime import wire
from agents.runtime.cards import load_card
from agents.runtime.findings import SubtaskInput
from agents.runtime.required_fields import require_all
from agents.runtime.settings import Settings


def _message(**changes: Any) -> Message:
    return Message(**{"message_id": "m", "role": Role.ROLE_USER, "parts": [Part(text="why?")], **changes})


def _card(**changes: Any) -> AgentCard:
    card = load_card("diagnoser", Settings())
    for name, value in changes.items():
        card.ClearField(name)
        if value is not None:
            setattr(card, name, value)
    return card


MESSAGES = [
    SendMessageRequest(),
    SendMessageRequest(message=Message()),
    SendMessageRequest(message=_message()),
    SendMessageRequest(message=_message(message_id="")),
    SendMessageRequest(message=_message(role=Role.ROLE_UNSPECIFIED)),
    SendMessageRequest(message=_message(parts=[])),
    SendMessageRequest(message=_message(parts=[Part()])),
    SendMessageRequest(message=_message(parts=[Part(text="a"), wire.data_part({"x": None}, {"y": 1})])),
    SendMessageRequest(message=wire.instruction_message("why?", SubtaskInput(question="why?", language="en"))),
    SendMessageRequest(
        message=_message(),
        configuration=SendMessageConfiguration(task_push_notification_config=TaskPushNotificationConfig(id="x")),
    ),
    _card(),
    _card(name=None),
    _card(skills=None),
]


@pytest.mark.parametrize("message", MESSAGES)
def test_the_same_is_missing_as_for_the_sdk(message: Any) -> None:
    def missing(check: Any) -> Any:
        try:
            check(message)
        except InvalidParamsError as error:
            return error.data
        return None

    assert missing(require_all) == missing(validate_proto_required_fields)


def test_some_are_whole_and_some_are_not() -> None:
    refused = 0
    for message in MESSAGES:
        try:
            require_all(message)
        except InvalidParamsError:
            refused += 1
    assert 4 < refused < len(MESSAGES) - 3
