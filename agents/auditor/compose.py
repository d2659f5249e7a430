"""What the auditor's tool results add up to: evidence, and a text that stands on its own. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

from agents.auditor.asked import Asked, asked_of
from agents.auditor.components import Components
from agents.auditor.denials import Denials
from agents.auditor.results import AuditEntry, AuditLog, ContainerLog, EventEntry, EventList, PodLogs
from agents.auditor.wording import say, verb
from agents.cluster.resources import pod_owner_by_name
from agents.cluster.times import iso, parse_time
from agents.runtime.definition import Turn, results_of
from agents.runtime.findings import Change, Evidence, Finding, Language

MAX_EACH = 8
MAX_EXCERPT = 400
_UNSHOWN = ("kind", "apiVersion", "metadata", "status")


def compose(turn: Turn) -> Finding:
    """The Finding: `facts` hold the changes and the last known objects for other subtasks."""
    return _Composition(turn).finding()


class _Composition:
    """One answer in the making."""

    def __init__(self, turn: Turn) -> None:
        self.turn = turn
        self.asked: Asked = asked_of(turn)
        self.language: Language = turn.subtask.language
        self.audits = results_of(turn.results, "query_audit_log", AuditLog)
        self.changes = self._relevant_changes()
        listed = results_of(turn.results, "list_events", EventList)
        self.events = grouped(event for found in listed for event in found.events)
        if named := [event for event in self.events if self.asked.concerns(event.resource)]:
            self.events = named
        pods = results_of(turn.results, "get_pod_logs", PodLogs)
        self.logs = [(found.namespace, log) for found in pods for log in found.containers]
        self.saw_events = bool(listed)
        self.denials = Denials(turn, self.asked)
        self.components = Components(turn)
        # That there was no instance before the last restart is nothing missing.
        unread = [log for _, log in self.logs if log.problem and not log.previous]
        self.unread = [f"{log.pod}/{log.container}: {log.problem}" for log in unread]

    def finding(self) -> Finding:
        sections = [
            self._section("denied_heading", self.denials.lines(MAX_EACH), len(self.denials.requests)),
            self._changes_text(),
            self._events_text(),
            self._section("components_heading", lines := self.components.lines(MAX_EACH), len(lines)),
            self._logs_text(),
        ]
        missing = list(
            dict.fromkeys(
                [
                    *self._failures(),
                    *self.unread,
                    *(problem for log in self.audits for problem in log.problems),
                    *self.denials.problems,
                    *self.components.problems,
                ]
            )
        )
        summary = self._summary()
        return Finding(
            specialist="auditor",
            language=self.language,
            text="\n\n".join(part for part in [summary, *sections, self._missing_text(missing)] if part),
            evidence=[
                *self.denials.evidence(MAX_EACH),
                *self._audit_evidence(),
                *self._event_evidence(),
                *self.components.evidence(MAX_EACH),
                *self._log_evidence(),
            ],
            missing=missing,
            facts=self._facts(),
        )

    def _relevant_changes(self) -> list[AuditEntry]:
        """Changes, newest first, each once; those of the named objects first, or alone when they are the question."""
        entries = {(e.timestamp, e.verb, e.name): e for log in self.audits for e in log.entries if _counts(e)}
        newest = sorted(entries.values(), key=lambda entry: entry.timestamp, reverse=True)
        named = [entry for entry in newest if self.asked.concerns(entry.name)]
        # The cause of trouble may be a change of something that the question does not name.
        return [*named, *(entry for entry in newest if entry not in named)] if self.asked.trouble else named or newest

    # The text

    def _summary(self) -> str:
        lines = [*self.denials.summary(), *self.components.summary()]
        if self.asked.deletions and self.changes:
            lines += [line for entry in self.changes[:3] for line in self._deletion(entry)]
        elif self.changes and (self.asked.changes or not self.events):
            lines.append(self._latest_change())
        if self.asked.trouble and self.events:
            top = self.events[0]
            about = {"reason": top.reason, "resource": top.resource, "times": top.count, "message": top.message}
            lines.append(say("events", self.language, count=len(self.events), **about))
        elif self.asked.trouble and self.saw_events:
            lines.append(say("no_events", self.language, place=self._place()))
        if self.asked.changes and self.audits and not self.changes:
            lines.append(say("no_changes", self.language, query=self.audits[0].query))
            if begins := min((log.log_begins_at for log in self.audits if log.log_begins_at), default=None):
                lines.append(say("log_begins", self.language, time=iso(begins)))
        return "\n".join(lines) or say("nothing", self.language)

    def _latest_change(self) -> str:
        entry = self.changes[0]
        window = "window_since" if parse_time(self.asked.start) else "window_ago"
        return say(
            "changed",
            self.language,
            count=len(self.changes),
            window=say(window, self.language, start=self.asked.start),
            user=entry.user,
            verb=verb(entry.verb, self.language),
            resource=entry.name,
            time=iso(entry.timestamp),
            fields=f" ({self._fields(entry)})" if entry.fields else "",
        )

    def _deletion(self, entry: AuditEntry) -> list[str]:
        about: dict[str, Any] = {"user": entry.user, "resource": entry.name, "time": iso(entry.timestamp)}
        if not entry.verb.startswith("delete"):
            return []
        if entry.last_known_object:
            known = say("last_known", self.language, facts=facts_of(entry.last_known_object), **about)
        else:
            known = say("last_unknown", self.language, **about)
        return [say("deleted", self.language, **about), known]

    def _changes_text(self) -> str:
        lines = [
            f"- {iso(entry.timestamp)} **{entry.user}** {verb(entry.verb, self.language)} `{entry.name}`"
            + (f": {self._fields(entry)}" if entry.fields else "")
            for entry in self.changes[:MAX_EACH]
        ]
        return self._section("changes_heading", lines, len(self.changes))

    def _events_text(self) -> str:
        lines = [
            f"- {event.reason} `{event.resource}` ({event.count}x, {iso(event.last_seen)}): {event.message}"
            for event in self.events[:MAX_EACH]
        ]
        return self._section("events_heading", lines, len(self.events))

    def _logs_text(self) -> str:
        lines: list[str] = []
        for _, log in self._telling_logs():
            key, line = decisive(log)
            previous = say("previous", self.language) if log.previous else ""
            about = {"pod": log.pod, "container": log.container, "previous": previous, "line": line}
            lines.append("- " + say(key, self.language, **about))
        return self._section("logs_heading", lines, len(lines))

    def _missing_text(self, missing: list[str]) -> str:
        return self._section("missing_heading", [f"- {text}" for text in missing[:MAX_EACH]], len(missing))

    def _section(self, heading: str, lines: list[str], total: int) -> str:
        if not lines:
            return ""
        if total > len(lines):
            lines = [*lines, f"- {say('more', self.language, count=total - len(lines))}"]
        return "\n".join((f"### {say(heading, self.language)}", *lines))

    def _fields(self, entry: AuditEntry) -> str:
        removed = say("removed", self.language)
        return ", ".join(f"{field} = {removed if value == 'null' else value}" for field, value in entry.fields.items())

    def _place(self) -> str:
        return say("in_namespace", self.language, namespace=self.asked.namespace) if self.asked.namespace else ""

    # The evidence

    def _audit_evidence(self) -> Iterable[Evidence]:
        for entry in self.changes[:MAX_EACH]:
            fields = f": {self._fields(entry)}" if entry.fields else ""
            known = f"; {facts_of(entry.last_known_object)}" if entry.last_known_object else ""
            kind = entry.resource_type.partition("/")[0]
            query = f"audit log: verbs={entry.verb} resource_types={kind} resource_name={entry.resource_name or ''}"
            yield Evidence(
                source="audit log",
                query=f"{query} namespace={entry.namespace}" if entry.namespace else query,
                observed_at=entry.timestamp,
                excerpt=f"{entry.user} {entry.verb} {entry.name}{fields}{known}"[:MAX_EXCERPT],
            )

    def _event_evidence(self) -> Iterable[Evidence]:
        for event in self.events[:MAX_EACH]:
            namespace, _, name = ["", *event.resource.split("/")][-3:]
            place = f"-n {namespace} " if namespace else ""
            yield Evidence(
                source="events",
                query=f"kubectl {place}get events --field-selector involvedObject.name={name}",
                observed_at=event.last_seen,
                excerpt=f"{event.reason} ({event.count}x) {event.resource}: {event.message}"[:MAX_EXCERPT],
            )

    def _log_evidence(self) -> Iterable[Evidence]:
        read_at = max((result.at for result in self.turn.results if result.at), default=datetime.now(UTC))
        for namespace, log in self._telling_logs():
            previous = " --previous" if log.previous else ""
            yield Evidence(
                source="logs",
                query=f"kubectl -n {namespace} logs {log.pod} -c {log.container}{previous}",
                observed_at=read_at,
                excerpt=decisive(log)[1][:MAX_EXCERPT],
            )

    def _telling_logs(self) -> list[tuple[str, ContainerLog]]:
        """One log per workload and container: with errors before without, of a dead instance before a living one."""
        best: dict[tuple[str, str, str], tuple[str, ContainerLog]] = {}
        for namespace, log in sorted(self.logs, key=lambda item: (not item[1].errors, not item[1].previous)):
            if log.last_lines or log.errors:
                best.setdefault((namespace, pod_owner_by_name(log.pod), log.container), (namespace, log))
        return list(best.values())[:MAX_EACH]

    def _facts(self) -> dict[str, Any]:
        changes = [
            Change(
                resource=entry.name,
                field=field,
                after=None if value == "null" else value,
                at=entry.timestamp,
                by=entry.user,
                source="audit log",
            ).model_dump(mode="json")
            for entry in self.changes[:MAX_EACH]
            for field, value in (entry.fields or {"": ""}).items()
            if field
        ]
        deleted = {e.name: e.last_known_object for e in self.changes[:MAX_EACH] if e.last_known_object}
        found = {"changes": changes, "deleted": deleted}
        return {key: value for key, value in found.items() if value}

    def _failures(self) -> list[str]:
        return [f"{result.name}: {result.error}" for result in self.turn.results if result.error]


def grouped(events: Iterable[EventEntry]) -> list[EventEntry]:
    """Events of one workload's pods with the same reason as one, most frequent first."""
    found: dict[tuple[str, str], EventEntry] = {}
    for event in events:
        namespace, kind, name = ["", *event.resource.split("/")][-3:]
        key = f"{namespace}/{kind}/{pod_owner_by_name(name) if kind == 'Pod' else name}", event.reason
        other = found.get(key)
        if other is None:
            found[key] = event
        else:
            newer = event if event.last_seen >= other.last_seen else other
            found[key] = newer.model_copy(update={"count": event.count + other.count})
    return sorted(found.values(), key=lambda event: (event.type != "Warning", -event.count))


def decisive(log: ContainerLog) -> tuple[str, str]:
    """The sentence to use and the line to quote: the most frequent error, else what the program said last."""
    if log.errors:
        return "log_errors", log.errors[0]
    return "log_end", log.last_lines[-1] if log.last_lines else ""


def facts_of(found: dict[str, Any]) -> str:
    """The decisive parts of an object in a line: ports of a Service, images of a workload, else its spec."""
    spec = found.get("spec") or {}
    parts: list[str] = []
    for port in spec.get("ports") or []:
        name = f" ({port['name']})" if port.get("name") else ""
        target = f" -> {port['targetPort']}" if port.get("targetPort") else ""
        parts.append(f"port {port.get('port')}{target}/{port.get('protocol', 'TCP')}{name}")
    if selector := spec.get("selector"):
        labels = selector.get("matchLabels", selector)
        parts.append("selector " + ",".join(f"{key}={value}" for key, value in labels.items()))
    for key in ("type", "clusterIP", "replicas"):
        if spec.get(key) is not None:
            parts.append(f"{key} {spec[key]}")
    for box in ((spec.get("template") or {}).get("spec") or spec).get("containers") or []:
        parts.append(f"image {box.get('image')}")
    if not parts:
        rest = {key: value for key, value in found.items() if key not in _UNSHOWN} or spec
        parts = [f"{key} {value}" for key, value in rest.items()]
    return ", ".join(parts)[:MAX_EXCERPT]


def _counts(entry: AuditEntry) -> bool:
    """Whether an entry is a change; other servers do not say, then the verb does."""
    changing = entry.verb in ("create", "update", "patch", "delete", "deletecollection")
    return entry.is_change or (not entry.resource and changing and (entry.response_code or 200) < 400)
