"""Every way around the approval that we could think of. docs/safety.md lists them by the names used here."""

import asyncio
import base64
import json
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text

from agents.cluster.errors import ClusterError
from agents.executor import gate
from agents.executor.agent import DEFINITION
from agents.executor.desk import Desk, Order
from agents.executor.ledger import proposals
from agents.runtime import journal
from agents.runtime.approvals import Approval, ApprovalRefused, Decision, load_key, sign_approval
from agents.runtime.definition import Turn
from agents.runtime.findings import Action, SubtaskInput
from agents.runtime.settings import ApprovalSettings, Settings, SettingsError, StoreSettings
from tests.executor.conftest import KEY, SCALE, WEB, Bench


async def refused(bench: Bench, says: str, *arguments: Any, **named: Any) -> None:
    """The decision does not count, and the cluster did not even get a request."""
    with pytest.raises(ApprovalRefused, match=says):
        await bench.decide(*arguments, **named)
    assert bench.cluster.tried == []


async def test_an_approved_action_is_applied_and_journaled(bench: Bench) -> None:
    outcome = await bench.decide(await bench.propose())
    assert outcome["status"] == "applied" and bench.replicas == 5
    assert await bench.events() == ["proposed", "approved", "applying", "applied", "verified"]


async def test_proposing_applies_nothing(bench: Bench) -> None:
    await bench.propose()
    assert bench.cluster.tried == []


@pytest.mark.parametrize(
    "words", ["yes", "approved", "Approved!", "", "true", "kta1.e30.", "kta1..", "a.b.c", "x" * 9000]
)
async def test_words_approve_nothing(bench: Bench, words: str) -> None:
    proposal = await bench.propose()
    with pytest.raises(ApprovalRefused):
        await gate.decide(bench.shop, words, proposal.wanted, None)
    assert bench.cluster.tried == []


async def test_an_approval_works_only_once(bench: Bench) -> None:
    proposal = await bench.propose()
    token = bench.sign(proposal)
    await bench.decide(proposal, token)
    with pytest.raises(ApprovalRefused, match="only once"):
        await bench.decide(proposal, token)
    assert len(bench.cluster.writes) == 1


async def test_two_approvals_at_the_same_moment_apply_once(bench: Bench) -> None:
    proposal = await bench.propose()
    tokens = [bench.sign(proposal, who) for who in ("bob", "eve", "bob")]
    results = await asyncio.gather(*(bench.decide(proposal, token) for token in tokens), return_exceptions=True)
    assert sum(isinstance(result, dict) for result in results) == 1
    assert sum(isinstance(result, ApprovalRefused) for result in results) == 2
    assert len(bench.cluster.writes) == 1


async def test_a_second_person_cannot_apply_it_again(bench: Bench) -> None:
    proposal = await bench.propose()
    await bench.decide(proposal)
    with pytest.raises(ApprovalRefused, match="only once"):
        await bench.decide(proposal, bench.sign(proposal, "eve"))
    assert len(bench.cluster.writes) == 1


async def test_a_rejection_is_final(bench: Bench) -> None:
    proposal = await bench.propose()
    assert (await bench.decide(proposal, bench.sign(proposal, decision="reject")))["status"] == "rejected"
    await refused(bench, "reject by bob", proposal)


@pytest.mark.parametrize(
    "called",
    [
        SCALE.model_copy(update={"arguments": {"replicas": 50}}),
        SCALE.model_copy(update={"resource": "shop/Deployment/cart"}),
        Action(kind="delete_resource", resource=WEB),
        SCALE.model_copy(update={"arguments": {}}),
    ],
)
async def test_an_edited_action_is_refused(bench: Bench, called: Action) -> None:
    await refused(bench, "for nothing else", await bench.propose(), called=called)


async def test_an_approval_of_one_cluster_is_none_for_another(bench: Bench) -> None:
    proposal = await bench.propose()
    with pytest.raises(ApprovalRefused, match="nothing else"):
        await gate.decide(bench.shop, bench.sign(proposal), proposal.wanted, "production")
    assert bench.cluster.tried == []


async def test_an_approval_of_one_proposal_is_none_for_another(bench: Bench) -> None:
    one = await bench.propose()
    other = await bench.propose(Action(kind="delete_resource", resource=WEB))
    await refused(bench, "nothing else", other, bench.sign(one))
    await refused(bench, "another change", other, bench.sign(other, digest=one.action.digest))


async def test_an_altered_token_is_refused(bench: Bench) -> None:
    proposal = await bench.propose()
    version, payload, mac = bench.sign(proposal).split(".")
    content = json.loads(base64.urlsafe_b64decode(payload + "=="))
    forged = base64.urlsafe_b64encode(json.dumps({**content, "approver": "root"}).encode()).rstrip(b"=").decode()
    await refused(bench, "not signed", proposal, f"{version}.{forged}.{mac}")


async def test_a_token_signed_with_another_key_is_refused(bench: Bench) -> None:
    proposal = await bench.propose()
    await refused(bench, "not signed", proposal, bench.sign(proposal, key=b"x" * 64))
    await refused(bench, "not signed", proposal, bench.sign(proposal, key=b""))


async def test_an_expired_approval_is_refused(bench: Bench) -> None:
    proposal = await bench.propose()
    token = bench.sign(proposal)
    await bench.clock.sleep(31 * 60)
    await refused(bench, "expired", proposal, token)


async def test_nobody_can_sign_an_approval_that_lasts_or_starts_in_the_future(bench: Bench) -> None:
    proposal = await bench.propose()
    await refused(bench, "times make no sense", proposal, bench.sign(proposal, lifetime=timedelta(days=365)))
    later = bench.clock.now() + timedelta(hours=1)
    await refused(bench, "times make no sense", proposal, bench.sign(proposal, now=later))


async def test_an_old_proposal_is_refused(bench: Bench) -> None:
    proposal = await bench.propose()
    await bench.clock.sleep(25 * 3600)
    await refused(bench, "too old", proposal)


async def test_an_unknown_proposal_is_refused(bench: Bench) -> None:
    proposal = (await bench.propose()).model_copy(update={"id": "p-invented"})
    await refused(bench, "no proposal", proposal)


async def test_a_proposal_altered_in_the_store_is_refused(bench: Bench) -> None:
    proposal = await bench.propose()
    token = bench.sign(proposal)
    worse = proposal.action.model_copy(update={"arguments": {"replicas": 50}})
    document = proposal.model_copy(update={"action": worse}).model_dump_json()
    async with bench.shop.ledger.engine.begin() as connection:
        await connection.execute(proposals.update().values(document=document))
    await refused(bench, "another change", proposal, token)


@pytest.mark.parametrize("name", ["", "  ", "policy:anything"])
async def test_nobody_approves_without_a_name_or_as_the_policy(bench: Bench, name: str) -> None:
    proposal = await bench.propose()
    with pytest.raises(ApprovalRefused):
        bench.sign(proposal, name)


async def test_a_signed_token_in_the_policys_name_is_refused(bench: Bench) -> None:
    proposal = await bench.propose()
    decision = Decision(proposal=proposal.id, digest=proposal.action.digest, decision="approve")
    token = sign_approval(decision, "policy:mine", [], KEY, bench.clock.now(), timedelta(minutes=5))
    await refused(bench, "inside the executor", proposal, token)


async def test_somebody_without_the_right_approves_nothing_and_uses_nothing_up(bench: Bench) -> None:
    bench = bench.with_policy(approvers={"low": ["group:sre"]})
    proposal = await bench.propose()
    with pytest.raises(gate.Refused, match="bob may not approve changes of low risk"):
        await bench.decide(proposal)
    assert bench.cluster.tried == []
    token = bench.sign(proposal, "carol", groups=["sre"])
    assert (await bench.decide(proposal, token))["status"] == "applied"


async def test_an_mcp_client_proposes_but_does_not_apply(bench: Bench) -> None:
    desk = Desk(bench.shop, lambda: ["demo"])
    order = Order("Deployment", "shop", "web", None, None, "mallory")
    answer = await desk.take("scale_workload", order, {"replicas": 5})
    assert answer["status"] == "proposed" and bench.cluster.tried == []
    forged = Order("Deployment", "shop", "web", None, f"approved:{answer['digest']}", "mallory")
    answer = await desk.take("scale_workload", forged, {"replicas": 5})
    assert answer["status"] == "not_applied" and bench.cluster.tried == []


async def test_secret_values_leave_neither_in_answers_nor_in_the_journal(bench: Bench) -> None:
    order = Order("Deployment", "shop", "web", None, None, "ann")
    answer = await Desk(bench.shop, lambda: ["demo"]).take("set_env", order, {"env": {"DB_PASSWORD": "swordfish"}})
    kept = await journal.read(bench.shop.ledger.engine)
    assert "hunter2" not in str(answer), "the value before is nobody's business"
    assert not any(secret in str(kept) for secret in ("hunter2", "swordfish"))


async def test_a_turn_with_approvals_is_no_work_for_a_model() -> None:
    turn = Turn("apply", SubtaskInput(question="apply", inputs={"approvals": [{}]}))
    assert DEFINITION.without_model(turn)
    assert not DEFINITION.without_model(Turn("scale web to 5", SubtaskInput(question="scale web to 5")))


async def test_a_caller_that_goes_away_does_not_stop_an_action_half_way(bench: Bench) -> None:
    desk = Desk(bench.shop, lambda: ["demo"])
    proposal, sent = await bench.propose(), asyncio.Event()
    bench.cluster.fault = lambda request, moment: sent.set()
    order = Order("Deployment", "shop", "web", None, bench.sign(proposal))
    call = asyncio.create_task(desk.take("scale_workload", order, {"replicas": 5}))
    await asyncio.wait_for(sent.wait(), 5)
    call.cancel()
    await asyncio.gather(call, return_exceptions=True)
    await asyncio.gather(*desk._running)
    assert (await bench.events())[-1] == "verified"


async def test_an_action_whose_right_is_missing_is_not_applied(bench: Bench) -> None:
    bench.cluster.denied = {"patch Deployment/scale in shop"}
    proposal = await bench.propose()
    with pytest.raises(gate.Refused, match="lacks the right"):
        await bench.decide(proposal)


async def test_an_unreachable_cluster_uses_nothing_up(bench: Bench) -> None:
    proposal = await bench.propose()
    token = bench.sign(proposal)
    reader, bench.cluster.get = bench.cluster.get, _broken  # type: ignore[method-assign]
    with pytest.raises(ClusterError):
        await bench.decide(proposal, token)
    bench.cluster.get = reader  # type: ignore[method-assign]
    assert (await bench.decide(proposal, token))["status"] == "applied"


async def test_auto_approval_is_off_and_covers_only_what_is_named(bench: Bench) -> None:
    assert await gate.approve_by_policy(bench.shop, await bench.propose()) is None
    entry = {"name": "scale", "kinds": ["scale_workload", "set_resources"], "namespaces": ["shop"]}
    bench = bench.with_policy(auto_approve=[entry])
    medium = Action(kind="set_resources", resource=WEB, arguments={"limits": {"memory": "512Mi"}})
    assert await gate.approve_by_policy(bench.shop, await bench.propose(medium)) is None
    outcome = await gate.approve_by_policy(bench.shop, await bench.propose())
    assert outcome is not None and outcome["status"] == "applied"
    assert len(bench.cluster.writes) == 1


def test_a_token_with_anything_unknown_in_it_is_no_approval() -> None:
    with pytest.raises(ValueError, match="extra"):
        Approval.model_validate({"proposal": "p", "digest": "d", "decision": "approve", "admin": True})


def test_the_key_is_made_once_and_is_private(tmp_path: Any) -> None:
    settings = Settings(store=StoreSettings(folder=tmp_path))
    assert load_key(settings) == load_key(settings)
    assert (tmp_path / "approval.key").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["approval.key"]


def test_a_key_that_is_short_or_public_stops_the_start(tmp_path: Any) -> None:
    path = tmp_path / "key"
    path.write_text("short")
    path.chmod(0o600)
    settings = Settings(approvals=ApprovalSettings(key_file=path))
    with pytest.raises(SettingsError, match="at least 32"):
        load_key(settings)
    path.write_text("k" * 64)
    path.chmod(0o644)
    with pytest.raises(SettingsError, match="everybody"):
        load_key(settings)


async def test_the_journal_shows_what_was_altered_or_removed(bench: Bench) -> None:
    await bench.decide(await bench.propose())
    engine = bench.shop.ledger.engine
    for statement, says in (
        ('UPDATE change_journal SET data = \'{"by":"root"}\' WHERE seq = 2', "entry 2 was altered"),
        ("DELETE FROM change_journal WHERE seq = 3", "entry 3 is missing"),
    ):
        async with engine.connect() as connection:
            await connection.execute(text(statement))
            rows = (await connection.execute(journal.entries.select().order_by(text("seq")))).mappings().all()
            found = [journal.Entry(**{**row, "data": json.loads(row["data"])}) for row in rows]
            assert journal.check(found, 0, journal.START) == says
            await connection.rollback()


async def _broken(target: Any) -> Any:
    from agents.cluster.errors import Unavailable

    raise Unavailable("demo", "connection refused")
