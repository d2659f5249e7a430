"""The planner in kagent's user interface: questions, approvals and members' work, by the bodies that it sends."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from agents.runtime.approvals import Decision
from agents.runtime.cards import load_card
from agents.runtime.findings import Action, Finding
from agents.runtime.service import build_app
from agents.runtime.settings import LimitSettings, Settings
from planner.a2a import PlannerExecutor
from planner.approving import Signing
from planner.engine import Desk
from planner.store import Store
from planner.strategy.strategist import RunbookStrategy
from planner.supervisor import Supervisor
from planner.watch import Watch
from tests.planner.team import Call, FakeTeam
from tests.planner.test_http import diagnosis
from tests.runtime.kagent_controller import FakeController
from tests.runtime.kagent_ui import HEADERS, Screen, decision, reloaded, stream, stream_body, text
from tests.runtime.served import at

SCALE = Action(kind="scale_workload", resource="front/Deployment/web", arguments={"replicas": 5})
PREPARED = {"action": SCALE.model_dump(), "proposal": "p1", "digest": "d" * 64, "diff": "-1\n+5", "title": "Scale web"}


class Signed:
    """The door to the ledger: remembers whose decisions were signed."""

    def __init__(self) -> None:
        self.decisions: list[tuple[Decision, str]] = []

    def __call__(self, decision: Decision, by: str) -> str:
        self.decisions.append((decision, by))
        return f"token of {by}"


@asynccontextmanager
async def planner(folder: Path, store: Store, team: FakeTeam, signed: Signed, **kagent: Any) -> AsyncIterator[Any]:
    limits = LimitSettings()
    known = {"name": "planner", "namespace": "kagent", **kagent}
    settings = Settings.model_validate({"store": {"folder": folder}, "kagent": known})
    supervisor = Supervisor(Desk(store, Watch(store), team, RunbookStrategy(limits), limits, signing=Signing(signed)))

    @asynccontextmanager
    async def running(app: FastAPI) -> AsyncIterator[None]:
        await supervisor.start()
        yield
        await supervisor.stop()

    app = build_app(
        load_card("planner", settings), PlannerExecutor(supervisor), settings, name="planner", lifespans=[running]
    )
    transport = httpx.ASGITransport(app=app)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=transport, base_url="http://planner.kagent:8080", timeout=20) as http,
    ):
        yield http


def executor(call: Call) -> Finding:
    """Proposes, and says of what was decided that it was done."""
    decided = call.subtask.inputs.get("approvals")
    if not decided:
        return Finding(specialist="executor", text="prepared", actions=[SCALE], facts={"proposals": [PREPARED]})
    statuses = {"approve": {"status": "applied", "verdict": "fixed"}, "reject": {"status": "rejected"}}
    outcomes = [{"action": item["action"], **statuses[item["decision"]]} for item in decided]
    return Finding(specialist="executor", text="done", facts={"outcomes": outcomes})


def signed_by(signed: Signed) -> list[tuple[str, str, str, str]]:
    return [(d.proposal, d.decision, d.reason, by) for d, by in signed.decisions]


async def answer(http: httpx.AsyncClient, pause: dict[str, Any], parts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return await stream(http, stream_body(parts, "m2", contextId=pause["contextId"], taskId=pause["taskId"]))


async def test_a_clarification_is_a_question_with_choices_and_its_answer_goes_on(tmp_path: Path, store: Store) -> None:
    team = FakeTeam(clusters=["prod", "staging"], diagnoser=diagnosis)
    async with planner(tmp_path, store, team, Signed()) as http:
        pause = (await stream(http, stream_body([text("Why is web down?")], "m1", contextId="s1")))[-1]
        call = Screen([pause]).cards[0]["args"]["originalFunctionCall"]
        assert (call["name"], call["args"]["questions"][0]["choices"]) == ("ask_user", ["prod", "staging"])
        answers = [{"answer": ["staging"]}]
        sent = decision("Answered questions", decision_type="approve", ask_user_answers=answers)
        screen = Screen(await answer(http, pause, sent))
        assert screen.state == "completed" and "front/Deployment/web" in screen.bubbles[0]
        assert screen.results[call["id"]]["response"]["result"] == "approved"
        assert (await store.request(pause["taskId"])).cluster_id == "staging"
        assert (await store.request(pause["taskId"])).user == HEADERS["X-User-Id"]


async def test_members_are_cards_that_lead_to_their_conversations(tmp_path: Path, store: Store) -> None:
    controller = FakeController()
    team = FakeTeam(diagnoser=diagnosis)
    async with at(controller.app()) as url, planner(tmp_path, store, team, Signed(), url=url) as http:
        events = await stream(http, stream_body([text("Why is web down?")], "m1", contextId="s1"))
        await controller.until(lambda: controller.state(events[0]["id"]) == "completed")
    screen, again = Screen(events), reloaded(controller.tasks[events[0]["id"]])
    names = {call["name"] for call in screen.calls.values()}
    assert "kagent__NS__diagnoser" in names and all(name.startswith("kagent__NS__") for name in names)
    assert screen.calls.keys() == screen.results.keys() == screen.sessions.keys()
    assert set(screen.sessions.values()) == {"ctx"}
    assert again.bubbles == screen.bubbles and len(again.bubbles) == 1
    assert again.calls == screen.calls


@pytest.mark.parametrize(
    ("sent", "signed_as"),
    [
        ({"decision_type": "approve"}, ("p1", "approve", "", HEADERS["X-User-Id"])),
        (
            {"decision_type": "reject", "rejection_reason": "not now"},
            ("p1", "reject", "not now", HEADERS["X-User-Id"]),
        ),
        ({"decision_type": "batch", "decisions": {}}, ("p1", "reject", "", HEADERS["X-User-Id"])),
    ],
    ids=["approve", "reject", "missing_is_rejected"],
)
async def test_a_click_is_signed_in_the_users_name_and_goes_to_the_executor(
    tmp_path: Path, store: Store, sent: dict[str, Any], signed_as: tuple[str, str, str, str]
) -> None:
    team, signed = FakeTeam(executor=executor), Signed()
    async with planner(tmp_path, store, team, signed) as http:
        order = "Scale deployment web in namespace front to 5 replicas"
        pause = (await stream(http, stream_body([text(order)], "m1", contextId="s1")))[-1]
        call = Screen([pause]).cards[0]["args"]["originalFunctionCall"]
        assert (call["name"], call["args"]["replicas"], call["args"]["diff"]) == ("scale_workload", 5, "-1\n+5")
        assert call["args"]["digest"] == "d" * 64 and signed.decisions == []
        screen = Screen(await answer(http, pause, decision("Approved", **sent)))
        assert screen.state == "completed" and call["id"] in screen.results
    assert signed_by(signed) == [signed_as]
    carried = team.members["executor"].calls[-1].subtask.inputs["approvals"]
    assert carried[0]["approval"] == f"token of {HEADERS['X-User-Id']}"


async def test_words_approve_nothing(tmp_path: Path, store: Store) -> None:
    team, signed = FakeTeam(executor=executor), Signed()
    async with planner(tmp_path, store, team, signed) as http:
        order = "Scale deployment web in namespace front to 5 replicas"
        pause = (await stream(http, stream_body([text(order)], "m1", contextId="s1")))[-1]
        again = (await answer(http, pause, [text("Approved")]))[-1]
        assert again["status"]["state"] == "input-required" and signed.decisions == []
        ids = {Screen([event]).cards[0]["args"]["originalFunctionCall"]["id"] for event in (pause, again)}
        assert len(ids) == 2, "every time of asking has ids of its own"
