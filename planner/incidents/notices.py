"""What webhooks are told, as JSON or in Slack's words. Pure."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

from agents.runtime.findings import Language
from agents.runtime.settings import IncidentEvent, NotificationSettings
from planner.incidents.incident import Incident
from planner.incidents.standing import Standing
from planner.incidents.store import Notice
from planner.incidents.wording import harmless, say

MAX_LISTED = 20
"""Incidents, causes and Actions that a notification names."""


def target_of(settings: NotificationSettings) -> str:
    """A webhook's name in the outbox: its URL is often a secret."""
    return hashlib.sha256(f"{settings.format} {settings.url.get_secret_value()}".encode()).hexdigest()[:16]


def notices_of(
    event: IncidentEvent,
    incidents: Sequence[Incident],
    standing: Standing,
    targets: Sequence[NotificationSettings],
    language: Language,
    link: str,
) -> list[Notice]:
    """One notice per webhook that wants the event: of a plan, however many incidents share it."""
    request_id = incidents[0].request_id
    body = _body(event, incidents, standing, language, f"{link.rstrip('/')}/#{request_id}")
    occasion = f"{request_id}/{event}/{_which(event, standing)}"
    return [
        Notice(occasion, target_of(target), _slack(body, language) if target.format == "slack" else body)
        for target in targets
        if event in target.events
    ]


def _which(event: IncidentEvent, standing: Standing) -> str:
    """What tells one occasion of an event from the next: a plan is understood once, but may ask and repair again."""
    if event in ("understood", "resolved"):
        return ""
    if event == "approval_needed":
        return ",".join(action.proposal.digest for action in standing.actions if action.proposal)
    return str(standing.occasion)


def _body(
    event: IncidentEvent, incidents: Sequence[Incident], standing: Standing, language: Language, link: str
) -> dict[str, Any]:
    worst = min(incidents, key=lambda incident: (incident.rank, incident.created_at))
    more = len(incidents) - 1
    title = say(language, "and_more", title=worst.title, count=more if language == "en" else more + 1)
    listed = [
        incident.model_dump(
            mode="json", include={"id", "title", "severity", "cluster", "namespace", "resource", "firing"}
        )
        for incident in incidents[:MAX_LISTED]
    ]
    causes = [
        {
            "resource": c.resource,
            "fault": c.fault,
            "explanation": harmless(c.explanation, 600),
            "confidence": c.confidence,
        }
        for c in standing.causes[:MAX_LISTED]
    ]
    actions = [
        {"kind": a.kind, "resource": a.resource, "reason": harmless(a.reason, 300), "digest": a.proposal.digest}
        for a in standing.actions[:MAX_LISTED]
        if a.proposal is not None
    ]
    return {
        "event": event,
        "title": say(language, event, title=title if more else worst.title),
        "request_id": worst.request_id,
        "link": link,
        "incident_count": len(incidents),
        "incidents": listed,
        "root_causes": causes,
        "actions": actions,
    }


def _slack(body: dict[str, Any], language: Language) -> dict[str, Any]:
    """An incoming webhook's message in mrkdwn, in which `&`, `<` and `>` are control characters."""
    lines = [f"*{_escaped(body['title'])}*"]
    if body["event"] in ("understood", "approval_needed"):
        lines += [
            f"• `{_escaped(c['resource'])}` ({_escaped(c['fault'])}): {_escaped(c['explanation'])}"
            for c in body["root_causes"]
        ]
        lines += [] if body["root_causes"] else [say(language, "no_cause")]
    if body["event"] == "approval_needed":
        lines += [
            f"→ `{_escaped(a['kind'])}` `{_escaped(a['resource'])}`: {_escaped(a['reason'])}" for a in body["actions"]
        ]
        lines.append(say(language, "decide", id=body["request_id"]))
    lines.append(f"<{_escaped(body['link'])}|{say(language, 'look')}>")
    return {"text": "\n".join(lines)}


def _escaped(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
