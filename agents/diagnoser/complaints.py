"""Calls that fail at present, as the callers' own logs tell: who calls what, and how it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from agents.diagnoser.containers import ContainerView
from agents.diagnoser.fields import items, namespace_of, text
from agents.diagnoser.hosts import Hosts, Target
from agents.diagnoser.log_signs import Failure, call_failure, hosts_in
from agents.diagnoser.log_times import written_at
from agents.diagnoser.needs import Needs
from agents.diagnoser.reach import NO_SUCH_NAME, dns_addresses
from agents.diagnoser.snapshot import Snapshot

_TAIL = 80
_FRESH = timedelta(minutes=6)
_LAST_WORDS = timedelta(minutes=20)
"""A program whose last words are a complaint has not said that it is over."""
_LAST_LINES = 2
_LONGEST = timedelta(hours=2)
_LOGS_STAND_STILL = timedelta(days=2)
_REFUSED = re.compile(r"refused|reset by peer|ECONNRESET|\b50[0-3]\b|service unavailable|bad gateway", re.IGNORECASE)
_SOFT = re.compile(
    r"optional|telemetry|tracing|\botel\b|opentelemetry|disabled|skipp|fall(?:ing)? ?back|ignor|best.effort|spans?\b"
    r"|succeeded|recovered|reconnected",
    re.IGNORECASE,
)
_WORD = re.compile(r"[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?")


@dataclass(frozen=True)
class Complaint:
    """One failing call, from the latest line that tells of it."""

    view: ContainerView
    failure: Failure
    line: str
    target: Target | None
    """What it wants to reach; None when the line and the container's settings do not say."""
    times: int
    since: datetime | None
    """The first such line that is still in view."""

    @property
    def denied_name(self) -> bool:
        """A name server answered that there is no such name."""
        return self.failure == "name" and bool(NO_SUCH_NAME.search(self.line))

    @property
    def silent(self) -> bool:
        """Nobody answered, neither with a refusal nor with a status: packets are dropped."""
        return not self.denied_name and not _REFUSED.search(self.line)


def complaints_of(snapshot: Snapshot) -> list[Complaint]:
    """Failing calls of every container that runs or crashes, at most one per container and target."""
    hosts, needs, clock = Hosts(snapshot), Needs(snapshot), _log_clock(snapshot)
    found: list[Complaint] = []
    for view in snapshot.containers:
        found += _of_container(snapshot, view, hosts, needs, clock)
    return found


def _log_clock(snapshot: Snapshot) -> datetime:
    """The present as the logs know it: a capture that is looked at much later has logs that stand still."""
    last = [
        at for log in snapshot.logs.values() for line in log.splitlines()[-1:] if (at := written_at(line, snapshot.now))
    ]
    newest = max(last, default=snapshot.now)
    return newest if snapshot.now - newest > _LOGS_STAND_STILL else snapshot.now


def _of_container(
    snapshot: Snapshot, view: ContainerView, hosts: Hosts, needs: Needs, clock: datetime
) -> Iterator[Complaint]:
    lines = snapshot.log(view).splitlines()[-_TAIL:]
    groups: dict[tuple[Failure, str], list[tuple[int, str]]] = {}
    targets: dict[tuple[Failure, str], Target | None] = {}
    for n, line in enumerate(map(str.strip, lines)):
        sign = call_failure(line)
        if sign is None or _SOFT.search(line):
            continue
        target = _target(snapshot, view, hosts, needs, line, sign)
        key: tuple[Failure, str] = (sign, f"{target.host}:{target.port}" if target else "")
        groups.setdefault(key, []).append((n, line))
        targets[key] = target
    crashing = view.crashing(snapshot.now)
    for (failure, where), told in groups.items():
        times = [at for _, line in told if (at := written_at(line, clock))]
        if crashing or _goes_on(times, clock, len(lines) - told[-1][0]):
            target = targets[failure, where]
            yield Complaint(view, failure, told[-1][1], target, len(told), min(times, default=None))


def _goes_on(times: list[datetime], clock: datetime, lines_ago: int) -> bool:
    """Whether a complaint is of the present: as recent as its own rhythm promises; without times, near the end."""
    if not times:
        return lines_ago <= 10
    rhythm = (times[-1] - times[0]) / (len(times) - 1) if len(times) > 1 else timedelta()
    patience = _LAST_WORDS if lines_ago <= _LAST_LINES else _FRESH
    return clock - times[-1] <= min(max(patience, rhythm * 3), _LONGEST)


def _target(
    snapshot: Snapshot, view: ContainerView, hosts: Hosts, needs: Needs, line: str, failure: Failure
) -> Target | None:
    namespace, resolvers = namespace_of(view.pod), dns_addresses(snapshot)
    named = [(host, port) for host, port in hosts_in(line) if host not in resolvers]
    if failure == "name":
        named = [(host, port) for host, port in named if not host[0].isdigit()][:1]
    found = [hosts.target(host, port, namespace) for host, port in named]
    if failure == "connection":
        own = namespace_of(view.pod)
        found = [t for t in found if t.meaning != "missing" and (t.obj is not view.pod or own == "")]
    for meaning in ("service", "pod", "missing", "external"):
        for target in found:
            if target.meaning == meaning:
                return target
    return None if failure == "name" else _by_settings(snapshot, view, hosts, needs, line)


def _by_settings(snapshot: Snapshot, view: ContainerView, hosts: Hosts, needs: Needs, line: str) -> Target | None:
    """A Service that the container's settings name and the line speaks of, or the only one that they name."""
    namespace = namespace_of(view.pod)
    words = needs.mentioned_hosts(snapshot.top(view.pod))
    known = [t for t in (hosts.target(word, 0, namespace) for word in words) if t.meaning == "service"]
    spoken = set(_WORD.findall(line.lower()))
    named = [t for t in known if t.host.split(".")[0].lower() in spoken]
    distinct = {id(t.obj) for t in known}
    if named or len(distinct) == 1:
        return next(iter(named), known[0])
    values = [text(e, "value") for e in items(view.spec, "env")]
    beyond = {t.host: t for v in values for h, p in hosts_in(v) if (t := hosts.target(h, p, namespace)).port}
    return next(iter(beyond.values())) if len(beyond) == 1 and not known else None


def callers(complaints: Iterable[Complaint], snapshot: Snapshot) -> tuple[str, ...]:
    """The workloads that complain, each once."""
    return tuple(dict.fromkeys(snapshot.top_name(c.view.pod) for c in complaints))
