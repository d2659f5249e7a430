"""A specialist's turn from instruction to Finding, with or without a language model. Knows no A2A.

The facts of a Finding come from tools. A model may choose the tools and say what they mean. Tools that it left out and
the runbook wants are called afterwards, so a Finding never holds less for having had a model; and whenever the model
fails, the runbook finishes the same turn with the results that are already there.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from google.adk.models.base_llm import BaseLlm

from agents.runtime.definition import AgentDefinition, Turn
from agents.runtime.findings import Finding, Language, Usage
from agents.runtime.loop import Report, Said, prints_tool_calls, run_loop
from agents.runtime.model_errors import ModelError, without_model
from agents.runtime.prompt import system_instruction, turn_message
from agents.runtime.runbook_llm import MAX_ROUNDS, RunbookLlm, open_calls
from agents.runtime.tools import Journal, Tool, turn_tools

logger = logging.getLogger(__name__)

MODEL_SHARE = 0.75
"""Part of a turn's time that the model may use, so that the runbook still has some when the model hangs."""


class TurnFailed(Exception):
    """A turn without an answer; the text is for the person who asked."""


@dataclass(frozen=True)
class Outcome:
    """What a turn brought. `note` says in the asker's language that the model's part is missing, when it is."""

    finding: Finding
    note: str | None = None


@dataclass(frozen=True)
class Workplace:
    """What a specialist works with; the same for all its turns."""

    definition: AgentDefinition
    model: BaseLlm | None
    """None: the runbook."""
    max_model_calls: int


Notice = Callable[[str], Awaitable[None]]
"""Told in a short sentence, in the asker's language, when the turn takes another course."""


async def run_turn(
    place: Workplace, turn: Turn, tools: Sequence[Tool], *, seconds: float, report: Report, notice: Notice
) -> Outcome:
    """Works on a turn until there is a Finding, for at most `seconds`.

    Raises TurnFailed when time is up before any tool answered, or when the runbook itself failed.
    """
    deadline = time.monotonic() + seconds
    turn = replace(turn, tools=tuple(tool.info for tool in tools))
    said, failure = Said(), None
    if place.model is not None and not place.definition.without_model(turn):
        journal = Journal()
        try:
            await _ask_model(place, place.model, turn, tools, journal, said, seconds * MODEL_SHARE, report)
        except ModelError as error:
            failure = error
        turn = replace(turn, results=journal.results)
        if failure is None:
            finding = await _complete(place, turn, tools, deadline - time.monotonic(), report)
            return Outcome(finding.model_copy(update={"text": said.text, "usage": said.usage}))
        logger.warning("%s: %s; the runbook finishes the turn", place.definition.name, failure)
        await notice(without_model(failure, turn.subtask.language))
    finding = await _follow_runbook(place, turn, tools, deadline - time.monotonic(), report)
    return _outcome(finding, failure, said.usage, turn.subtask.language)


def _outcome(finding: Finding, failure: ModelError | None, usage: Usage, language: Language) -> Outcome:
    if failure is None:
        return Outcome(finding)
    note = without_model(failure, language)
    return Outcome(finding.model_copy(update={"missing": [*finding.missing, note], "usage": usage}), note)


async def _ask_model(
    place: Workplace,
    model: BaseLlm,
    turn: Turn,
    tools: Sequence[Tool],
    journal: Journal,
    said: Said,
    seconds: float,
    report: Report,
) -> None:
    """Fills `said` and `journal`. Raises ModelError when there is no answer that can be used."""
    try:
        async with asyncio.timeout(seconds):
            await run_loop(
                model,
                turn_tools(tools, journal),
                name=place.definition.name,
                instruction=system_instruction(place.definition.instruction),
                message=turn_message(turn),
                max_calls=place.max_model_calls,
                said=said,
                report=report,
            )
    except TimeoutError as error:
        raise ModelError("timeout", model.model, f"{seconds:.0f} s") from error
    except ModelError:
        raise
    except Exception as error:
        # Whatever a provider's answer breaks on its way through ADK costs the model's part, not the turn.
        logger.exception("%s: the model's turn broke", place.definition.name)
        raise ModelError("malformed", model.model, type(error).__name__) from error
    if not said.text:
        raise ModelError("malformed", model.model, "empty")
    if prints_tool_calls(said.text):
        raise ModelError("malformed", model.model, "printed_calls")
    if not any(result.error is None for result in journal.results) and place.definition.runbook(turn):
        raise ModelError("malformed", model.model, "no_look")


async def _complete(place: Workplace, turn: Turn, tools: Sequence[Tool], seconds: float, report: Report) -> Finding:
    """The Finding of a turn that a model worked, with the runbook's tools that the model did not think of."""
    asked = frozenset(result.name for result in turn.results if result.error is None)
    if not open_calls(place.definition, turn, asked):
        return _compose(place.definition, turn)
    return await _follow_runbook(place, turn, tools, seconds, report, asked)


async def _follow_runbook(
    place: Workplace,
    turn: Turn,
    tools: Sequence[Tool],
    seconds: float,
    report: Report,
    leave: frozenset[str] = frozenset(),
) -> Finding:
    journal = Journal(turn.results)
    model = RunbookLlm(place.definition, turn, journal, leave)
    try:
        async with asyncio.timeout(max(seconds, 0)):
            await run_loop(
                model,
                turn_tools(tools, journal),
                name=place.definition.name,
                instruction="",
                message=turn.instruction,
                max_calls=MAX_ROUNDS + 1,
                said=Said(),
                report=report,
            )
    except TimeoutError:
        return _partial(place.definition, turn, journal)
    except ModelError as error:
        raise TurnFailed(_broken(place.definition.name, turn.subtask.language)) from (model.failure or error)
    if model.finding is None:
        raise TurnFailed(_broken(place.definition.name, turn.subtask.language))
    return model.finding


def _partial(definition: AgentDefinition, turn: Turn, journal: Journal) -> Finding:
    """What is known when time is up. Raises TurnFailed when that is nothing."""
    language = turn.subtask.language
    if not journal.results:
        late = {"en": f"{definition.name} did not finish in time", "zh": f"{definition.name} 未能在时限内完成"}
        raise TurnFailed(late[language])
    finding = _compose(definition, replace(turn, results=journal.results))
    words = {
        "en": f"{definition.name} ran out of time; {journal.unfinished} tool calls had not come back.",
        "zh": f"{definition.name} 超过时限,有 {journal.unfinished} 个工具调用未返回。",
    }
    return finding.model_copy(update={"missing": [*finding.missing, words[language]]})


def _compose(definition: AgentDefinition, turn: Turn) -> Finding:
    try:
        return definition.compose(turn)
    except Exception as error:
        logger.exception("%s: composing the finding failed", definition.name)
        raise TurnFailed(_broken(definition.name, turn.subtask.language)) from error


def _broken(name: str, language: Language) -> str:
    if language == "zh":
        return f"{name} 在整理结果时出错,详情见该服务的日志。"
    return f"{name} failed while putting its results together; the service's log says why."
