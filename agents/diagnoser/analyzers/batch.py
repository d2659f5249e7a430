"""Jobs that gave up, and CronJobs that never start one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from zoneinfo import available_timezones

from agents.diagnoser.containers import containers_of
from agents.diagnoser.cron import complaint
from agents.diagnoser.evidence import from_event, from_log, from_object
from agents.diagnoser.facts import workload_facts
from agents.diagnoser.fields import (
    Obj,
    condition,
    created,
    flag,
    is_deleting,
    kind_of,
    moment,
    name_of,
    number,
    resource_of,
    text,
)
from agents.diagnoser.intent import declared_purpose
from agents.diagnoser.log_signs import LogSign, why_it_ended
from agents.diagnoser.observation import Observation
from agents.diagnoser.snapshot import Snapshot
from agents.runtime.findings import Evidence

_SCHEDULE_EVENTS = (
    "UnknownTimeZone",
    "UnparseableSchedule",
    "InvalidSchedule",
    "TooManyMissedTimes",
    "UnparseableCronJobSchedule",
)
_SHORTEST_DEADLINE = 10
"""Seconds between two looks of the CronJob controller: with a shorter startingDeadlineSeconds no run may start."""


def analyze(snapshot: Snapshot) -> Iterable[Observation]:
    """Failed Jobs (of a CronJob only its latest), then CronJobs that are suspended or whose schedule never comes."""
    for job in snapshot.kind("Job"):
        yield from _failed(snapshot, job)
    for cron in snapshot.kind("CronJob"):
        if not is_deleting(cron):
            yield from _schedule(snapshot, cron)


def _failed(snapshot: Snapshot, job: Obj) -> Iterator[Observation]:
    state = condition(job, "Failed")
    top = snapshot.top(job)
    above = snapshot.owner(job)
    if text(state, "status") != "True" or is_deleting(job) or (above is not None and kind_of(above) != "CronJob"):
        return
    ended = moment(state, "lastTransitionTime")
    succeeded = moment(top, "status", "lastSuccessfulTime")
    if kind_of(top) == "CronJob" and (
        snapshot.latest_job(top) is not job or (ended and succeeded and succeeded > ended)
    ):
        return
    reason, lines = text(state, "reason"), list(_last_words(snapshot, job))
    facts = {
        **workload_facts(top),
        "job": name_of(job),
        "reason": reason,
        "message": text(state, "message"),
        "failed": number(job, "status", "failed") or "",
        "backoff_limit": str(number(job, "spec", "backoffLimit")) if reason == "BackoffLimitExceeded" else "",
        "deadline": number(job, "spec", "activeDeadlineSeconds") if reason == "DeadlineExceeded" else "",
        "log": lines[0][1].line if lines else "",
        "last_success": text(top, "status", "lastSuccessfulTime"),
    }
    yield Observation(
        resource=resource_of(top),
        fault="job_failed",
        facts=facts,
        evidence=(
            from_object(snapshot, job, f"Failed: {reason}: {facts['message']}", "Job status"),
            *(evidence for evidence, _ in lines[:1]),
        ),
        role="symptom",
        since=ended,
        confidence=0.9,
    )


def _last_words(snapshot: Snapshot, job: Obj) -> Iterator[tuple[Evidence, LogSign]]:
    """What the pods of a Job said before they ended, the latest pod first."""
    pods = sorted(snapshot.owned(job, "Pod"), key=lambda p: str(created(p)), reverse=True)
    for pod in pods:
        for view in containers_of(pod):
            log = snapshot.log(view)
            sign = why_it_ended(log)
            last = next((line for line in reversed(log.splitlines()) if line.strip()), "")
            found = sign or (LogSign("error", last.strip()) if last else None)
            if found is not None:
                yield from_log(snapshot, view, found.line), found


def _schedule(snapshot: Snapshot, cron: Obj) -> Iterator[Observation]:
    schedule, zone = text(cron, "spec", "schedule"), text(cron, "spec", "timeZone")
    facts = {
        **workload_facts(cron),
        "schedule": schedule,
        "time_zone": zone,
        "last_run": text(cron, "status", "lastScheduleTime"),
        "last_success": text(cron, "status", "lastSuccessfulTime"),
    }
    if flag(cron, "spec", "suspend"):
        if not declared_purpose(cron) and (facts["last_run"] or snapshot.owned(cron, "Job")):
            yield Observation(
                resource=resource_of(cron),
                fault="cronjob_suspended",
                facts=facts,
                evidence=(from_object(snapshot, cron, f"spec.suspend: true, lastScheduleTime {facts['last_run']}"),),
                since=moment(cron, "status", "lastScheduleTime"),
                confidence=0.95,
            )
        return
    # What was said about a time zone that is no longer set is over.
    events = [e for e in snapshot.events_of(cron, *_SCHEDULE_EVENTS) if zone or e.reason != "UnknownTimeZone"]
    wrong = _wrong(cron, schedule, zone)
    if wrong or events:
        message = events[-1].message if events else ""
        yield Observation(
            resource=resource_of(cron),
            fault="cronjob_bad_schedule",
            facts={**facts, "wrong": wrong, "message": message},
            evidence=(
                from_object(snapshot, cron, f"schedule {schedule!r}, timeZone {zone or 'not set'}: {wrong or message}"),
                *(from_event(snapshot, e) for e in events[-1:]),
            ),
            since=moment(cron, "status", "lastScheduleTime") or created(cron),
            confidence=0.97,
        )


def _wrong(cron: Obj, schedule: str, zone: str) -> str:
    if zone and _time_zones() and zone not in _time_zones():
        return f"unknown time zone {zone}"
    deadline = number(cron, "spec", "startingDeadlineSeconds")
    if 0 < deadline < _SHORTEST_DEADLINE:
        return f"startingDeadlineSeconds {deadline} is shorter than the {_SHORTEST_DEADLINE} s between two checks"
    return complaint(schedule)


@cache
def _time_zones() -> frozenset[str]:
    """Zones that this machine knows; none on one without a zone database, which proves nothing."""
    return frozenset(available_timezones())
