"""Planning and synthesis by a language model. What it says is checked; the runbook's word stands when it fails.

A model chooses whom to ask and explains what was found. Root causes, evidence, Actions and what is missing are the
findings' own, whatever the model writes.
"""

from __future__ import annotations

import json
from collections.abc import Mapping

from pydantic import BaseModel, Field

from agents.runtime.findings import Finding, Language, Usage
from agents.runtime.models import ChatMessage, ModelError, complete
from agents.runtime.settings import LimitSettings, ModelSettings
from planner.answer import Answer
from planner.plan import ORDERS, Intent, Plan, PlanError, Subtask, check, new_plan_id
from planner.proposals import applying
from planner.request import Request, now
from planner.strategy.runbook import goal_of, plan_by_runbook
from planner.synthesis import appendix, synthesise
from planner.team import Profile, Team

MAX_PROPOSED = 40
"""Subtasks that a model may propose: more is a runaway, not a plan."""

_PLANNING = """You plan for a team of specialists that operates Kubernetes. Break the request into subtasks, one
specialist each. Subtasks without dependencies run in parallel, so add a dependency only where one needs the other's
result. Ask only specialists that can contribute. Write each instruction so that it can be understood on its own, and
keep the person's own names of things. Write instructions, titles and goal in {language}. The intent is "diagnose" to
find causes, "repair" to find them and prepare what ends them, "facts" to look something up, "change" to prepare a
change. Nothing is ever changed without approval.

The team:
{team}"""
_SYNTHESIS = """You write the answer of a team that operates Kubernetes, in {language}, as Markdown, summary first.
Use only what the draft and the findings say: never add causes, numbers, names or times. Name every root cause's
resource exactly as written, why, and since when. Keep the citations [n] with the claims that they support. Do not
write sections about what to do, evidence, or what is missing: they are appended to your text as they are."""
_LANGUAGES: dict[Language, str] = {"en": "English", "zh": "Chinese"}
_NOTES: dict[Language, dict[str, str]] = {
    "en": {
        "plan": "The model's plan could not be used ({reason}); the runbook planned instead.",
        "answer": "The model's explanation could not be used ({reason}); this is the runbook's answer.",
        "silent": "it left out {resource}",
    },
    "zh": {
        "plan": "模型给出的计划无法使用（{reason}），改由内置流程制定计划。",
        "answer": "模型给出的说明无法使用（{reason}），以下是内置流程的回答。",
        "silent": "它遗漏了 {resource}",
    },
}


class ProposedSubtask(BaseModel):
    """A subtask as a model proposes it."""

    id: str = Field(min_length=1, max_length=60, description="short, unique, such as diagnose-api")
    specialist: str
    title: str = Field("", max_length=200)
    instruction: str = Field(min_length=1, max_length=8000)
    depends_on: list[str] = Field(default_factory=list, description="ids of subtasks whose results it needs")


class ProposedPlan(BaseModel):
    """A plan as a model proposes it."""

    goal: str = Field("", max_length=400)
    intent: Intent = "diagnose"
    subtasks: list[ProposedSubtask] = Field(min_length=1, max_length=MAX_PROPOSED)


class ModelStrategy:
    """A language model plans and explains."""

    def __init__(self, model: ModelSettings, limits: LimitSettings) -> None:
        self._model, self._limits = model, limits

    async def plan(self, request: Request, team: Team) -> tuple[Plan, Usage, list[str]]:
        """The model's plan, or the runbook's when that is one subtask anyway or the model's is no good.

        Raises PlanError when nobody is on the team.
        """
        runbook = plan_by_runbook(request, team)
        check(runbook, team, max_subtasks=self._limits.max_subtasks, max_depth=self._limits.max_depth)
        if len(runbook.subtasks) == 1 or request.purpose != "question":
            return runbook, Usage(), []
        usage = Usage()
        try:
            completion = await complete(self._model, planning_messages(request, team), ProposedPlan)
            usage = completion.usage
            plan = plan_of(completion.value, request, self._model.name)
            if runbook.intent in ORDERS:  # what was ordered is put before a person, whatever the model made of it
                plan = plan.model_copy(update={"intent": runbook.intent})
            check(plan, team, max_subtasks=self._limits.max_subtasks, max_depth=self._limits.max_depth)
            return plan, usage, []
        except ModelError as error:
            return runbook, error.usage, [_note(request.language, "plan", error.describe(request.language))]
        except PlanError as error:
            return runbook, usage, [_note(request.language, "plan", "; ".join(error.problems))]

    async def answer(
        self, request: Request, plan: Plan, findings: Mapping[str, Finding]
    ) -> tuple[Answer, Usage, list[str]]:
        """The model's explanation over the findings' facts. One finding without causes has its own words already, and
        what was done is told in the executor's."""
        moment = now()
        draft = synthesise(request, plan, findings, moment)
        if not findings or (len(findings) == 1 and not draft.root_causes) or applying(plan) or plan.intent == "report":
            return draft, Usage(), []
        usage = Usage()
        try:
            supplement = appendix(request, plan, findings, moment)
            completion = await complete(self._model, synthesis_messages(request, draft, supplement, findings))
            usage = completion.usage
            reason = _left_out(request.language, completion.text, draft)
        except ModelError as error:
            usage, reason = error.usage, error.describe(request.language)
        else:
            if reason is None:
                text = "\n\n".join(filter(None, (completion.text.strip(), supplement)))
                return draft.model_copy(update={"text": text}), usage, []
        note = _note(request.language, "answer", reason)
        noted = request.model_copy(update={"notes": (*request.notes, note)})
        return synthesise(noted, plan, findings, moment), usage, [note]


def planning_messages(request: Request, team: Team) -> list[ChatMessage]:
    """What the model is asked for a plan."""
    lines = "\n".join(_card_line(member) for member in team.values())
    system = _PLANNING.format(language=_LANGUAGES[request.language], team=lines)
    return [{"role": "system", "content": system}, {"role": "user", "content": request.text}]


def synthesis_messages(
    request: Request, draft: Answer, supplement: str, findings: Mapping[str, Finding]
) -> list[ChatMessage]:
    """What the model is asked for an answer: the question, the runbook's draft up to its `supplement`, and those of
    the findings' own words that the draft leaves out. Nothing is said twice: every token is paid for."""
    system = _SYNTHESIS.format(language=_LANGUAGES[request.language])
    body = draft.text.removesuffix(supplement).strip()
    said = {
        id: finding.text[:4000]
        for id, finding in findings.items()
        if finding.text and not finding.root_causes and finding.text.strip() not in body
    }
    content = f"Question:\n{request.text}\n\nDraft:\n{body}"
    if said:
        content += f"\n\nWhat the specialists said:\n{json.dumps(said, ensure_ascii=False)}"
    return [{"role": "system", "content": system}, {"role": "user", "content": content}]


def plan_of(proposed: ProposedPlan, request: Request, model: str) -> Plan:
    """The proposal as a Plan, not yet checked."""
    return Plan(
        id=new_plan_id(request.id),
        request_id=request.id,
        goal=proposed.goal.strip() or goal_of(request.question),
        intent=proposed.intent,
        strategy=model,
        subtasks=tuple(
            Subtask(
                id=item.id,
                specialist=item.specialist,
                title=item.title or goal_of(item.instruction),
                instruction=item.instruction,
                depends_on=tuple(dict.fromkeys(item.depends_on)),
            )
            for item in proposed.subtasks
        ),
    )


def _card_line(member: Profile) -> str:
    skills = "; ".join(f"{skill.name or skill.id}: {skill.description}" for skill in member.skills)
    return f"- {member.name}: {member.description} {skills}".strip()


def _left_out(language: Language, text: str, draft: Answer) -> str | None:
    for cause in draft.root_causes:
        if cause.resource not in text:
            return _NOTES[language]["silent"].format(resource=cause.resource)
    return None


def _note(language: Language, key: str, reason: object) -> str:
    return _NOTES[language][key].format(reason=" ".join(str(reason).split())[:300])
