"""Deterministic planning: who is asked what, by the words of the question and the members' cards. Pure."""

from __future__ import annotations

import re

from agents.runtime.findings import Language
from agents.runtime.report_facts import REPORT
from planner.plan import Intent, Plan, Subtask, new_plan_id
from planner.proposals import EXECUTOR
from planner.report.wording import say
from planner.request import Request
from planner.strategy.intent import Wish, about_usage, asks_for_numbers, in_trouble, order_in, wish_of
from planner.team import Profile, Team, matching

MAX_FURTHER = 3
"""Members beyond the built-in ones that one question may involve by the words of their cards."""

_ROLES: dict[Wish, tuple[str, ...]] = {
    "diagnose": ("diagnoser", "auditor", "metrics"),
    "repair": ("diagnoser", "auditor", "metrics"),
    "health": ("diagnoser", "auditor", "metrics"),
    "nodes": ("diagnoser", "metrics"),
    "change": ("executor",),
    "metrics": ("metrics", "diagnoser"),
    "audit": ("auditor", "diagnoser"),
    "inventory": ("diagnoser",),
}
"""Facts are asked for because something is wrong more often than not, so the diagnoser looks, too. Only a plain
question for numbers goes to the metrics analyst alone, and an order without told trouble to the executor alone."""

_INTENTS: dict[Wish, Intent] = {
    "diagnose": "diagnose",
    "repair": "repair",
    "health": "diagnose",
    "nodes": "diagnose",
    "change": "change",
    "metrics": "facts",
    "audit": "facts",
    "inventory": "facts",
}
_IDS = {"diagnoser": "diagnose", "auditor": "audit", "metrics": "measure", "executor": "prepare"}

_REPORTERS = {"diagnoser": "diagnose_title", "metrics": "measure_title"}
"""Who adds to a health report, and the key of what they add."""

_WORDS: dict[Language, dict[str, tuple[str, str]]] = {
    "en": {
        "diagnoser": ("find the root causes", "Find the root causes of what is reported, with evidence: {question}"),
        "auditor": (
            "what changed and what was logged",
            "Say what changed before the trouble began, by whom, and what events and logs show: {question}",
        ),
        "metrics": (
            "measure what is affected",
            "Measure CPU and memory of what is affected, against requests and limits: {question}",
        ),
        "executor": (
            "prepare the change as a dry run",
            "Prepare this change as a dry run with its diff and the way back, and apply nothing: {question}",
        ),
    },
    "zh": {
        "diagnoser": ("查找根因", "根据证据查找所报告问题的根因：{question}"),
        "auditor": (
            "查看变更、事件和日志",
            "查明问题出现之前改动了什么、由谁改动，以及事件和日志说明了什么：{question}",
        ),
        "metrics": ("测量相关资源用量", "测量受影响对象的 CPU 和内存用量，并与请求值和限制值对比：{question}"),
        "executor": ("以试运行方式准备变更", "以试运行方式准备这个变更，给出差异和回退方法，不要实际执行：{question}"),
    },
}


def plan_by_runbook(request: Request, team: Team) -> Plan:
    """The plan for a request. A request that is clearly for one specialist becomes one subtask."""
    if request.purpose == "report":
        return _plan(request, "report", [_report_part(name, request) for name in _REPORTERS if name in team])
    if request.purpose == "incident":
        names = [name for name in _ROLES["repair"] if name in team] or list(team)[:1]
        return _plan(request, "repair", [_subtask(name, request, "repair") for name in names])
    text = request.text
    addressed = _addressed(text, team)
    if addressed is not None:
        return _plan(request, "change" if addressed.name == EXECUTOR else "facts", [_direct(addressed, request)])
    wish = wish_of(text)
    further = _further(text, team)
    if wish == "diagnose" and further and not in_trouble(text):
        return _plan(request, "facts", [_direct(member, request) for member in further])
    names = [name for name in _ROLES[wish] if name in team]
    if wish == "metrics" and asks_for_numbers(text):
        names = names[:1]
    if wish == "inventory" and about_usage(text) and "metrics" in team:
        names = ["metrics", *names]
    if wish == "change" and in_trouble(text) and "diagnoser" in team:
        names = ["diagnoser", *names]
    subtasks = [_subtask(name, request, wish) for name in names]
    if wish not in ("change",):
        subtasks += [_direct(member, request) for member in further]
    if not subtasks:
        subtasks = [_direct(member, request) for member in list(team.values())[:1]]
    return _plan(request, _INTENTS[wish], subtasks)


def _plan(request: Request, intent: Intent, subtasks: list[Subtask]) -> Plan:
    return Plan(
        id=new_plan_id(request.id),
        request_id=request.id,
        goal=goal_of(request.question),
        intent=intent,
        subtasks=tuple(subtasks),
    )


def goal_of(question: str) -> str:
    """The question on one line, as the plan's goal."""
    line = " ".join(question.split())
    return line if len(line) <= 160 else line[:159] + "…"


def _subtask(name: str, request: Request, wish: Wish) -> Subtask:
    """A built-in member's part. A question for that member alone is passed on in the person's own words."""
    title, instruction = _WORDS[request.language][name]
    told = order_in(request.text) if name == EXECUTOR else request.text
    alone = wish in ("metrics", "audit", "inventory", "change") and name == _ROLES[wish][0]
    return Subtask(
        id=_IDS[name],
        specialist=name,
        title=goal_of(request.question) if alone and wish != "change" else title,
        instruction=told if alone else instruction.format(question=request.text),
        inputs={**request.inputs, "wish": wish, **({"asked_by": request.user} if name == EXECUTOR else {})},
    )


def _report_part(name: str, request: Request) -> Subtask:
    return Subtask(
        id=_IDS[name],
        specialist=name,
        title=say(request.language, _REPORTERS[name]),
        instruction=f"{request.text}: {say(request.language, _REPORTERS[name])}",
        inputs={"wish": REPORT},
    )


def _direct(member: Profile, request: Request) -> Subtask:
    id = _IDS.get(member.name, re.sub(r"[^a-z0-9-]+", "-", member.name.lower()).strip("-") or "ask")
    return Subtask(id=id, specialist=member.name, title=goal_of(request.question), instruction=request.text)


def _addressed(text: str, team: Team) -> Profile | None:
    """`@auditor …`, `ask the metrics analyst …`, `让诊断员 …`: the person says whom to ask."""
    for name, member in team.items():
        if re.search(rf"(?:^|\s)@{re.escape(name)}\b", text, re.I):
            return member
        if re.match(rf"(?:please\s+)?ask (?:the )?{re.escape(name)}\b", text.strip(), re.I):
            return member
        if re.match(rf"(?:请)?(?:让|请|问问?)\s*{re.escape(name)}\b", text.strip(), re.I):
            return member
    return None


def _further(text: str, team: Team) -> list[Profile]:
    others = [member for member in team.values() if not member.built_in]
    return [member for member, _ in matching(text, others)[:MAX_FURTHER]]
