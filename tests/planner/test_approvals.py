"""Decisions: who may give them, how often they count, in which order they are applied, and what is told of them."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from agents.runtime.approvals import ApprovalRefused, Decision
from agents.runtime.findings import Action, Finding, RootCause
from agents.runtime.settings import LimitSettings
from agents.runtime.updates import Failed
from planner import truth
from planner.approving import Signing
from planner.engine import Desk
from planner.http import build_router
from planner.journal_http import journal_router
from planner.store import Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.team import Call, FakeTeam, out_of_memory
from tests.planner.test_http import ask, events, until

ANN = {"X-User-Id": "ann"}
NODE = Action(kind="uncordon_node", resource="Node/n1", reason="it is closed")
WEB = out_of_memory().remedies[0]
CLOSED = RootCause(resource="Node/n1", fault="cordoned", explanation="Closed.", confidence=0.6, remedies=[NODE])


class Executor:
    """Prepares whatever it is asked to, and says of decisions what `outcomes` says; remembers what it was sent."""

    def __init__(self, **outcomes: dict[str, Any]) -> None:
        self.outcomes = outcomes
        self.expires = datetime.now(UTC) + timedelta(hours=1)
        self.prepared = 0
        self.sent: list[list[dict[str, Any]]] = []

    def __call__(self, call: Call) -> Any:
        approvals = call.subtask.inputs.get("approvals")
        if approvals is None:
            actions = [Action.model_validate(item) for item in call.subtask.inputs.get("actions", [])] or [WEB]
            return Finding(specialist="executor", actions=actions, facts={"proposals": [*map(self._propose, actions)]})
        self.sent.append(approvals)
        told = [{"action": item["action"], **self._outcome(item)} for item in approvals]
        return Finding(specialist="executor", facts={"outcomes": told})

    def _propose(self, action: Action) -> dict[str, Any]:
        self.prepared += 1
        named = {"proposal": f"p-{self.prepared}", "digest": f"d-{self.prepared}", "cluster_id": "prod"}
        return {**named, "action": action.model_dump(mode="json"), "expires_at": self.expires.isoformat(), "diff": "+x"}

    def _outcome(self, item: dict[str, Any]) -> dict[str, Any]:
        if item["decision"] == "reject":
            return {"status": "rejected", "text": "rejected"}
        fixed = {"status": "applied", "verdict": "fixed", "text": "applied"}
        return self.outcomes.get(item["action"]["kind"], fixed)


def sign(decision: Decision, by: str) -> str:
    if by == "mallory":
        raise ApprovalRefused("mallory may not")
    return f"{decision.decision} {decision.proposal} by {by}"


def diagnosis(call: Call) -> Finding:
    healthy = call.subtask.findings and call.subtask.findings[0].specialist == "executor"
    return Finding(specialist="diagnoser", root_causes=[] if healthy else [out_of_memory(), CLOSED])


@pytest.fixture
async def desk(store: Store) -> Any:
    """Makes a client of a planner over an executor of the test's."""
    running: list[Supervisor] = []

    async def start(executor: Any, **tools: Any) -> tuple[httpx.AsyncClient, FakeTeam]:
        from fastapi import FastAPI

        team = FakeTeam(diagnoser=diagnosis, executor=executor)
        team.tools = tools
        limits = LimitSettings()
        supervisor = Supervisor(
            Desk(store, Watch(store), team, RunbookStrategy(limits), limits, signing=Signing(sign, 5))
        )
        await supervisor.start()
        running.append(supervisor)
        app = FastAPI()
        app.include_router(build_router(supervisor))
        app.include_router(journal_router(team))
        return httpx.AsyncClient(transport=httpx.ASGITransport(app=app), base_url="http://planner"), team

    yield start
    for supervisor in running:
        await supervisor.stop()


async def decide(client: httpx.AsyncClient, id: str, body: dict[str, Any], **headers: str) -> httpx.Response:
    return await client.post(f"/v1/requests/{id}/approvals", json=body, headers=headers or ANN)


async def waiting(client: httpx.AsyncClient, order: str = "fix web") -> dict[str, Any]:
    return await until(client, await ask(client, order), "input_required")


async def test_an_order_waits_with_its_actions_in_the_order_in_which_they_depend(desk: Any) -> None:
    client, _ = await desk(Executor())
    asked = await waiting(client)
    assert asked["input_required"]["kind"] == "approval"
    assert [a["kind"] for a in asked["input_required"]["actions"]] == ["uncordon_node", "set_resources"]
    assert all(a["proposal"]["diff"] == "+x" for a in asked["input_required"]["actions"])
    assert "front/Deployment/web" in asked["answer"] and "kubeteam approve" in asked["input_required"]["question"]


@pytest.mark.parametrize("order", ["fix web", "把 web 修好", "修复一下", "repair what is not right on the nodes"])
async def test_orders_are_put_before_a_person(desk: Any, order: str) -> None:
    client, _ = await desk(Executor())
    assert (await waiting(client, order))["input_required"]["kind"] == "approval"


async def test_words_approve_nothing_and_are_told_what_does(desk: Any) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    for words in ("yes", "approve", "好的，执行吧"):
        reply = await client.post(f"/v1/requests/{id}/reply", json={"text": words}, headers=ANN)
        assert reply.status_code == 422 and "approve" in reply.json()["detail"]
    assert executor.sent == [] and (await client.get(f"/v1/requests/{id}")).json()["status"] == "input_required"


async def test_what_was_approved_is_sent_signed_once_and_diagnosed_again(desk: Any) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    body = {"all": "approve", "reason": "go"}
    answers = await asyncio.gather(*(decide(client, id, body) for _ in range(4)))
    assert {a.status_code for a in answers} == {202}
    done = await until(client, id, "answered")
    assert (await decide(client, id, body)).status_code == 202
    assert (await until(client, id, "answered")) == done | {"seconds": done["seconds"]}
    (sent,) = executor.sent
    assert [(i["action"]["kind"], i["approval"]) for i in sent] == [
        ("uncordon_node", "approve p-2 by ann"),
        ("set_resources", "approve p-1 by ann"),
    ]
    assert done["answer"].startswith("**Fixed") and "No fault is found any more" in done["answer"]
    told = [data for _, kind, data in await events(client, id) if kind == "decision"]
    assert [(d["by"], d["reason"]) for d in told] == [("ann", "go")] * 2


async def test_one_can_be_approved_and_the_rest_goes_on_waiting(desk: Any) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    await decide(client, id, {"decisions": [{"digest": "d-2", "decision": "approve"}]})
    for _ in range(500):
        left = (await client.get(f"/v1/requests/{id}")).json()
        if left["status"] == "input_required" and executor.sent:
            break
        await asyncio.sleep(0.01)
    assert [a["proposal"]["proposal"] for a in left["input_required"]["actions"]] == ["p-1"]
    contrary = await decide(client, id, {"decisions": [{"proposal": "p-2", "decision": "reject"}]})
    assert contrary.status_code == 409 and "decided before" in contrary.json()["detail"]
    await decide(client, id, {"decisions": [{"proposal": "p-1", "decision": "reject", "reason": "not now"}]})
    assert "not now" in (await until(client, id, "answered"))["answer"]


async def test_rejections_end_the_request_in_words(desk: Any) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    await decide(client, id, {"all": "reject", "reason": "freeze until Monday"})
    done = await until(client, id, "answered")
    assert done["answer"].startswith("**Rejected") and "freeze until Monday" in done["answer"]
    assert not any(s["id"].startswith("check") for s in done["subtasks"])


async def test_a_question_stays_answered_and_what_it_proposed_can_be_approved_afterwards(desk: Any) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = await ask(client, "Why does web fail?")
    answered = await until(client, id, "answered", "input_required")
    assert answered["status"] == "answered" and executor.sent == []
    last = (await events(client, id))[-1][0]
    resumed = await decide(client, id, {"decisions": [{"digest": "d-1", "decision": "approve"}]})
    assert resumed.json()["last_event"] == last
    done = await until(client, id, "answered")
    assert len(executor.sent) == 1 and done["answer"].startswith("**Fixed")
    assert (await events(client, id, after=last))[-1][2]["status"] == "answered"


async def test_the_first_failure_is_told_and_leaves_the_rest_undecided(desk: Any) -> None:
    class StopsAtTheFirst(Executor):
        def __call__(self, call: Call) -> Any:
            finding = super().__call__(call)
            outcomes = finding.facts.get("outcomes")
            return finding.model_copy(update={"facts": {"outcomes": outcomes[:1]}}) if outcomes else finding

    executor = StopsAtTheFirst(uncordon_node={"status": "failed", "text": "the API server said no"})
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    await decide(client, id, {"all": "approve"})
    done = await until(client, id, "answered", "input_required")
    assert done["status"] == "answered" and "Not everything" in done["answer"]
    assert "the API server said no" in done["answer"] and "not tried" in done["answer"]


@pytest.mark.parametrize(
    ("body", "code", "word"),
    [
        ({}, 422, "either"),
        ({"all": "yes"}, 422, "all"),
        ({"all": "approve", "decisions": [{"digest": "d-1", "decision": "approve"}]}, 422, "either"),
        ({"decisions": [{"decision": "approve"}]}, 422, "digest"),
        ({"decisions": [{"digest": "d-1", "decision": "approve", "by": "ann"}]}, 422, "by"),
        ({"decisions": [{"digest": "d-9", "decision": "approve"}]}, 404, "d-9"),
        ({"decisions": [{"proposal": "p-9", "decision": "approve"}]}, 404, "p-9"),
        ({"decisions": [{"proposal": "p-1", "digest": "d-2", "decision": "approve"}]}, 409, "d-2"),
        (
            {"decisions": [{"proposal": "p-1", "decision": "approve"}, {"digest": "d-1", "decision": "reject"}]},
            422,
            "twice",
        ),
    ],
)
async def test_a_decision_that_fits_nothing_is_refused_and_executes_nothing(
    desk: Any, body: dict[str, Any], code: int, word: str
) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    answer = await decide(client, id, body)
    assert answer.status_code == code and word in answer.json()["detail"], answer.text
    assert executor.sent == []


async def test_a_decision_needs_a_name_and_the_right_to_sign(desk: Any) -> None:
    executor = Executor()
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    nobody = await client.post(f"/v1/requests/{id}/approvals", json={"all": "approve"})
    assert nobody.status_code == 403 and "name" in nobody.json()["detail"]
    mallory = await decide(client, id, {"all": "approve"}, **{"X-User-Id": "mallory"})
    assert mallory.status_code == 403 and executor.sent == []
    assert (await decide(client, "none", {"all": "approve"})).status_code == 404


async def test_proposals_that_have_expired_are_prepared_anew_and_shown_again(desk: Any) -> None:
    executor = Executor()
    executor.expires = datetime.now(UTC) - timedelta(minutes=1)
    client, _ = await desk(executor)
    id = (await waiting(client))["id"]
    executor.expires = datetime.now(UTC) + timedelta(hours=1)
    await decide(client, id, {"all": "approve"})
    for _ in range(500):
        again = (await client.get(f"/v1/requests/{id}")).json()
        if again["status"] == "input_required" and executor.prepared == 4:
            break
        await asyncio.sleep(0.01)
    assert executor.sent == [] and "expired" in again["notes"][-1]
    assert {a["proposal"]["proposal"] for a in again["input_required"]["actions"]} == {"p-3", "p-4"}


async def test_an_answer_that_was_lost_is_told_by_the_ledger(desk: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(truth, "POLL_SECONDS", 0.01)

    class Lost(Executor):
        def __call__(self, call: Call) -> Any:
            finding = super().__call__(call)
            return [Failed("the service stopped")] if call.subtask.inputs.get("approvals") else finding

    executor, looks = Lost(), 0

    def became(arguments: dict[str, Any]) -> dict[str, Any]:
        nonlocal looks
        looks += 1
        items = {item["proposal"]: item["action"] for item in executor.sent[0]}
        over = {"state": "over", "status": "applied", "verdict": "fixed", "text": "applied, says the ledger"}
        state = over if looks > 2 else {"state": "running"}
        return {"changes": [{"proposal": p, "action": items[p], **state} for p in arguments["proposals"]]}

    client, _ = await desk(executor, what_became_of=became)
    id = (await waiting(client))["id"]
    await decide(client, id, {"all": "approve"})
    done = await until(client, id, "answered")
    assert "applied, says the ledger" in done["answer"] and len(executor.sent) == 1 and looks == 3


async def test_what_was_used_up_by_nobody_is_sent_again_as_a_new_message(
    desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(truth, "POLL_SECONDS", 0.01)
    calls: list[Call] = []

    class LostOnce(Executor):
        def __call__(self, call: Call) -> Any:
            finding = super().__call__(call)
            if call.subtask.inputs.get("approvals"):
                calls.append(call)
                return [Failed("gone")] if len(calls) == 1 else finding
            return finding

    executor = LostOnce()

    def became(arguments: dict[str, Any]) -> dict[str, Any]:
        return {"changes": [{"proposal": p, "state": "waiting"} for p in arguments["proposals"]]}

    client, _ = await desk(executor, what_became_of=became)
    id = (await waiting(client))["id"]
    await decide(client, id, {"all": "approve"})
    assert (await until(client, id, "answered"))["answer"].startswith("**Fixed")
    first, second = calls
    assert first.message_id != second.message_id
    assert first.subtask.inputs["approvals"] == second.subtask.inputs["approvals"]


async def test_the_journal_is_read_from_the_executor(desk: Any) -> None:
    line = {"seq": 1, "at": "now", "event": "proposed", "subject": "p-1", "data": {}, "previous": "0", "hash": "1"}
    client, team = await desk(Executor(), read_journal=lambda arguments: {"entries": [line], "count": 1})
    page = (await client.get("/v1/journal", params={"limit": 1})).json()
    assert page["entries"] == [line] and page["next_after"] == 1
    team.tools.clear()
    unreachable = await client.get("/v1/journal")
    assert unreachable.status_code == 502 and "executor" in unreachable.json()["detail"]
