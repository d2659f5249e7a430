"""Refused requests in the auditor's answer. Pure."""

from __future__ import annotations

from collections.abc import Iterable

from agents.auditor.asked import Asked
from agents.auditor.results import DeniedRequest, DeniedRequests
from agents.auditor.wording import say
from agents.cluster.times import iso
from agents.runtime.definition import Turn, results_of
from agents.runtime.findings import Evidence, Language

MAX_EXCERPT = 400


class Denials:
    """What list_denied_requests found: those of the namespace and the names that were asked about first."""

    def __init__(self, turn: Turn, asked: Asked) -> None:
        self._asked = asked
        self._language: Language = turn.subtask.language
        self._found = results_of(turn.results, "list_denied_requests", DeniedRequests)
        requests = [request for found in self._found for request in found.requests]
        self.requests = sorted(requests, key=lambda request: not self._concerns(request))
        self.problems = [problem for found in self._found for problem in found.problems]

    def summary(self) -> Iterable[str]:
        """The sentence that answers a question about rights."""
        if self.requests and (self._asked.rights or self._concerns(self.requests[0])):
            yield self._line(self.requests[0])
        elif self._found and not self.requests and self._asked.rights:
            yield say("no_denied", self._language, query=self._found[0].query)

    def lines(self, most: int) -> list[str]:
        """One line each."""
        return [f"- {self._line(request)}" for request in self.requests[:most]]

    def evidence(self, most: int) -> Iterable[Evidence]:
        """One fact each."""
        for request in self.requests[:most]:
            yield Evidence(
                source="audit log",
                query=f"list_denied_requests user={request.user}",
                observed_at=request.last_seen,
                excerpt=f"{request.user} denied ({request.count}x): {_what(request)}: {request.reason}"[:MAX_EXCERPT],
            )

    def _concerns(self, request: DeniedRequest) -> bool:
        """By the namespace that was acted on, or the service account that acted (`system:serviceaccount:ns:name`)."""
        _, _, account = request.user.partition("system:serviceaccount:")
        space, _, name = account.partition(":")
        if self._asked.namespace and self._asked.namespace in (request.namespace, space):
            return True
        return any(
            found and self._asked.concerns(f"-/ServiceAccount/{found}") for found in (name, request.resource_name)
        )

    def _line(self, request: DeniedRequest) -> str:
        about = {"user": request.user, "count": request.count, "time": iso(request.last_seen)}
        return say("denied", self._language, verb=request.verb, what=_target(request), reason=request.reason, **about)


def _what(request: DeniedRequest) -> str:
    return f"{request.verb} {_target(request)}"


def _target(request: DeniedRequest) -> str:
    parts = (request.namespace, request.resource_type, request.resource_name)
    return f"`{'/'.join(part for part in parts if part)}`"
