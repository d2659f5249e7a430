"""Follow-ups: what findings make worth asking next, within the plan's bounds. Pure.

A function of the whole plan and all findings, so that going on after a crash leads to the same subtasks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from agents.runtime.findings import Action, Finding, Language, RootCause
from agents.runtime.settings import LimitSettings
from planner.merge import action_key, changes_in, merged_causes
from planner.plan import Plan, Subtask, numbered
from planner.proposals import APPROVALS, EXECUTOR, applying, outcomes_in
from planner.request import Request
from planner.team import Team
from planner.wording import action_phrase

MAX_ACTIONS = 10
"""Remedies prepared for one request: more than anybody reads."""
MAX_TRACED = 5
"""Root causes whose author is looked for."""

_PREPARE: dict[Language, tuple[str, str]] = {
    "en": (
        "dry-run the remedies",
        "Prepare these changes as dry runs with diff and way back, apply nothing:\n{lines}",
    ),
    "zh": ("试运行修复方案", "以试运行方式准备以下变更，给出差异和回退方法，不要实际执行：\n{lines}"),
}
_AGAIN: dict[Language, tuple[str, str]] = {
    "en": ("diagnose again", "A change was applied. Is anything of this still wrong? {question}"),
    "zh": ("再次诊断", "变更已执行。以下问题是否仍然存在？{question}"),
}
_TRACE: dict[Language, tuple[str, str]] = {
    "en": ("who changed it", "Who changed these objects, what and when:\n{lines}"),
    "zh": ("谁改动了它", "谁在什么时候改动了以下对象、改了什么：\n{lines}"),
}


def follow_ups(
    request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team, limits: LimitSettings
) -> list[Subtask]:
    """The subtasks to add now; none when nothing is worth asking or a bound is reached."""
    added = _look_again(request, plan, findings, team)
    if plan.intent in ("diagnose", "repair"):
        added += [*_prepare(request, plan, findings, team), *_trace(request, plan, findings, team)]
    room = max(0, limits.max_subtasks - len(plan.subtasks))
    return [subtask for subtask in added if subtask.depth <= limits.max_depth][:room]


def leads_on(subtask: Subtask, finding: Finding) -> bool:
    """Whether a new finding can change what `follow_ups` says; looking costs as much as the plan is large."""
    return (
        bool(finding.root_causes or finding.actions) or subtask.specialist == "auditor" or APPROVALS in subtask.inputs
    )


def _prepare(request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team) -> list[Subtask]:
    """Short-term remedies that no executor subtask has prepared yet."""
    if EXECUTOR not in team:
        return []
    before = [s for s in plan.subtasks if s.specialist == EXECUTOR]
    known = {action_key(Action.model_validate(item)) for s in before for item in s.inputs.get("actions", ())}
    source = _proposers(plan, findings)
    causes = merged_causes(findings[s.id] for s in source)
    proposed = [a for c in causes for a in c.remedies if a.term == "short"]
    proposed += [a for s in source for a in findings[s.id].actions]
    fresh = list({action_key(action): action for action in proposed if action_key(action) not in known}.values())
    if not fresh:
        return []
    return [prepare_subtask(request, plan, fresh[:MAX_ACTIONS], source)]


def prepare_subtask(request: Request, plan: Plan, actions: Sequence[Action], source: Sequence[Subtask] = ()) -> Subtask:
    """Dry runs of Actions: after a diagnosis, or anew when earlier ones are too old to be approved."""
    title, instruction = _PREPARE[request.language]
    lines = "\n".join(f"- {action_phrase(action, request.language)}" for action in actions)
    wanted = [action.model_dump(mode="json", include=set(Action.model_fields)) for action in actions]
    return Subtask(
        id=numbered("prepare", plan),
        specialist=EXECUTOR,
        title=title,
        instruction=instruction.format(lines=lines),
        inputs={"actions": wanted, "asked_by": request.user},
        depends_on=tuple(s.id for s in source),
        depth=max((s.depth + 1 for s in source), default=0),
    )


def _look_again(request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team) -> list[Subtask]:
    """A new diagnosis after everything that was applied, so that the answer says what is seen afterwards."""
    last = next(reversed(applying(plan)), None)
    if "diagnoser" not in team or last is None or last.id not in findings:
        return []
    if any(s.after_change and last.id in s.depends_on for s in plan.subtasks):
        return []
    changed = [key[1] for key, outcome in outcomes_in(findings[last.id]).items() if outcome.status == "applied"]
    if not changed:
        return []
    title, instruction = _AGAIN[request.language]
    return [
        Subtask(
            id=numbered("check", plan),
            specialist="diagnoser",
            title=title,
            instruction=instruction.format(question=request.text),
            inputs={"resource": changed[0]} if len(changed) == 1 else {},
            depends_on=(last.id,),
            depth=last.depth,
            after_change=True,
        )
    ]


def _trace(request: Request, plan: Plan, findings: Mapping[str, Finding], team: Team) -> list[Subtask]:
    """Root causes whose author nobody has told, once the auditor has had its first look and answered at all."""
    audits = [s for s in plan.subtasks if s.specialist == "auditor"]
    if "auditor" not in team or any(not s.over or s.status == "failed" for s in audits):
        return []
    if any(s.id.startswith("trace") for s in audits):
        return []
    source = _sources(plan, findings)
    seen = [findings[s.id] for s in audits if s.id in findings]
    causes = [c for c in merged_causes(findings[s.id] for s in source) if not _author_known(c, seen)][:MAX_TRACED]
    if not causes:
        return []
    title, instruction = _TRACE[request.language]
    since = min((cause.since for cause in causes if cause.since is not None), default=None)
    inputs: dict[str, Any] = {"names": [cause.resource.rsplit("/", 1)[-1] for cause in causes]}
    if len(causes) == 1:
        inputs["resource"] = causes[0].resource
    return [
        Subtask(
            id="trace",
            specialist="auditor",
            title=title,
            instruction=instruction.format(lines="\n".join(f"- {cause.resource}" for cause in causes)),
            inputs=inputs | ({"since": since.isoformat()} if since else {}),
            depends_on=tuple(s.id for s in source),
            depth=max(s.depth for s in source) + 1,
        )
    ]


def _proposers(plan: Plan, findings: Mapping[str, Finding]) -> list[Subtask]:
    """The subtasks that found root causes, or propose something without one."""
    return [s for s in _lookers(plan, findings) if findings[s.id].root_causes or findings[s.id].actions]


def _sources(plan: Plan, findings: Mapping[str, Finding]) -> list[Subtask]:
    """The subtasks that found root causes."""
    return [s for s in _lookers(plan, findings) if findings[s.id].root_causes]


def _lookers(plan: Plan, findings: Mapping[str, Finding]) -> list[Subtask]:
    return [s for s in plan.subtasks if s.id in findings and not s.after_change and s.specialist != EXECUTOR]


def _author_known(cause: RootCause, audits: list[Finding]) -> bool:
    if any(change.by for change in cause.changes):
        return True
    name = cause.resource.rsplit("/", 1)[-1]
    told = (change for finding in audits for change in changes_in(finding))
    seen = (f"{item.query} {item.excerpt}" for finding in audits for item in finding.evidence if "audit" in item.source)
    return any(change.resource == cause.resource for change in told) or any(name in text for text in seen)
