"""Who was refused what is shown when rights are the question, or when the logs speak of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver import MCPServer

from agents.auditor.agent import DEFINITION
from tests.auditor.conftest import audited
from tests.cluster.fake_api import FakeApi
from tests.cluster.turns import ask, call

ROBOT = "system:serviceaccount:web:ledger"
REASON = f'pods is forbidden: User "{ROBOT}" cannot list resource "pods" in API group "" in the namespace "web"'


@pytest.fixture
def audit_log(audit_log: Path) -> Path:
    refused = {"code": 403, "status": "Failure", "reason": "Forbidden", "message": REASON}
    lines = [audited(minutes, "list", "pods", "", user=ROBOT, responseStatus=refused) for minutes in range(1, 41)]
    quota = {"code": 403, "message": "exceeded quota"}
    admitted = {"authorization.k8s.io/decision": "allow"}
    lines.append(audited(2, "create", "pods", "big", responseStatus=quota, annotations=admitted))
    audit_log.write_text(audit_log.read_text() + "\n" + "\n".join(lines))
    return audit_log


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("Has somebody not the permissions they need?", f"**{ROBOT}** was refused 40 time(s) to list `web/pods`"),
        ("有没有权限不足的请求？", f"**{ROBOT}** 被拒绝 40 次：list `web/pods`"),
    ],
)
async def test_refusals_answer_a_question_about_rights(server: MCPServer[Any], question: str, words: str) -> None:
    finding, _ = await ask(DEFINITION, server, question)
    assert words in finding.text
    assert "cannot list resource" in finding.text
    assert any("denied (40x)" in evidence.excerpt for evidence in finding.evidence)


async def test_refusals_are_looked_up_when_a_log_speaks_of_them(server: MCPServer[Any], api: FakeApi) -> None:
    for path, answer in list(api.answers.items()):
        if path.endswith("/log"):
            api.answers[path] = (200, f"{answer[1]}\nERROR {REASON}\n")  # type: ignore[index]
    finding, results = await ask(DEFINITION, server, "ledger keeps crashing, what is wrong?")
    assert results[-1].name == "list_denied_requests"
    assert f"**{ROBOT}** was refused 40 time(s)" in finding.text


async def test_what_admission_refused_is_no_want_of_rights(server: MCPServer[Any]) -> None:
    found = await call(server, "list_denied_requests")
    assert (found["total"], len(found["requests"])) == (40, 1)
    assert "quota" not in json.dumps(found)


async def test_an_incident_about_other_things_is_not_cluttered(server: MCPServer[Any]) -> None:
    _, results = await ask(DEFINITION, server, "ledger keeps crashing, what is wrong?")
    assert "list_denied_requests" not in {result.name for result in results}
