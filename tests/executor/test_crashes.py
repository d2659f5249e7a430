"""Crashes, lost answers, conflicts and failing rollbacks: nothing is applied twice, and everything is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from agents.cluster.errors import Rejected, TimedOut, Unavailable
from agents.executor.action import Object, Target
from agents.executor.cluster_api import Write
from agents.executor.recover import recover
from agents.executor.workshop import Picture
from agents.runtime.findings import Action
from agents.runtime.worker import new_worker
from tests.executor.conftest import LIMIT, WEB, Bench, controllers
from tests.executor.objects import node, pod

TARGET = Target.parse(WEB)


class Crash(BaseException):
    """The process dies."""


def crash(moment: str) -> Callable[[Write, str], None]:
    def fault(request: Write, when: str) -> None:
        if when == moment:
            raise Crash

    return fault


async def crashed(bench: Bench, moment: str, wanted: Action = LIMIT) -> Bench:
    """An executor that died while applying, and the one that comes after it, a minute later."""
    proposal = await bench.propose(wanted)
    bench.cluster.fault = crash(moment)
    with pytest.raises(Crash):
        await bench.decide(proposal)
    bench.cluster.fault = None
    await bench.clock.sleep(60)
    return bench.restarted()


async def last(bench: Bench) -> dict[str, Any]:
    from agents.runtime import journal

    return (await journal.read(bench.shop.ledger.engine, limit=1000))[-1].data


async def test_a_crash_before_the_request_is_found_out_and_not_made_up_for(bench: Bench) -> None:
    after = await crashed(bench, "before")
    assert len(await recover(after.shop)) == 1
    assert bench.cluster.writes == []
    assert (await last(bench))["notes"][0]["code"] == "found_not_applied"


async def test_a_crash_between_apply_and_journal_is_found_out_and_verified(bench: Bench) -> None:
    after = await crashed(bench, "after")
    await recover(after.shop)
    assert len(bench.cluster.writes) == 1
    assert (await bench.events())[-2:] == ["applied", "verified"]


async def test_recovery_itself_happens_once(bench: Bench) -> None:
    after = await crashed(bench, "after")
    await recover(after.shop)
    assert await recover(after.restarted().shop) == []
    assert len(bench.cluster.writes) == 1


async def test_what_another_executor_is_doing_is_left_alone(bench: Bench) -> None:
    proposal = await bench.propose(LIMIT)
    bench.cluster.fault = crash("after")
    with pytest.raises(Crash):
        await bench.decide(proposal)
    assert await recover(bench.restarted().shop) == [], "its lease still holds"


async def died(bench: Bench, moment: str) -> Bench:
    """An executor whose process the operating system no longer knows, and the one that comes right after it."""
    child = await asyncio.create_subprocess_exec("true")
    await child.wait()
    place, _, name = new_worker().split("/")
    dead = replace(bench, shop=replace(bench.shop, owner=f"{place}/{child.pid}/{name}"))
    proposal = await dead.propose(LIMIT)
    bench.cluster.fault = crash(moment)
    with pytest.raises(Crash):
        await dead.decide(proposal)
    bench.cluster.fault = None
    return replace(bench, shop=replace(bench.shop, owner=new_worker()))


async def test_what_a_dead_process_applied_is_taken_over_at_once(bench: Bench) -> None:
    after = await died(bench, "after")
    assert len(await recover(after.shop)) == 1, "nobody waits for the lease of a process that is gone"
    assert (await bench.events())[-2:] == ["applied", "verified"]


async def test_what_a_dead_process_sent_is_not_given_up_while_it_may_still_take_effect(bench: Bench) -> None:
    after = await died(bench, "before")
    assert await recover(after.shop) == []
    await bench.clock.sleep(after.shop.on_the_way.total_seconds() + 1)
    assert len(await recover(after.shop)) == 1, "and that is long before its lease would have run out"
    assert (await last(bench))["notes"][0]["code"] == "found_not_applied"
    assert after.shop.on_the_way < after.shop.lease


async def test_a_crash_between_approval_and_apply_leaves_nothing_behind(bench: Bench) -> None:
    """The approval is used up together with the intent, so there is no moment in between: here it dies before both."""
    proposal = await bench.propose(LIMIT)
    token = bench.sign(proposal)

    async def dies(cluster: str, namespace: str) -> Picture:
        raise Crash

    with pytest.raises(Crash):
        await replace(bench, shop=replace(bench.shop, diagnose=dies)).decide(proposal, token)
    assert bench.cluster.tried == []
    assert (await bench.restarted().decide(proposal, token))["status"] == "applied"
    assert len(bench.cluster.writes) == 1


async def test_after_a_crash_an_object_that_somebody_else_altered_is_unclear(bench: Bench) -> None:
    after = await crashed(bench, "before")

    def other_limit(obj: Object) -> None:
        obj["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "1Gi"

    bench.cluster.edit(TARGET, other_limit)
    await recover(after.shop)
    assert (await last(bench))["status"] == "unclear"


@pytest.mark.parametrize("error", [Unavailable("demo", "500"), TimedOut("demo", "PATCH", 20)])
async def test_an_answer_that_is_lost_after_the_change_is_found_out(bench: Bench, error: Exception) -> None:
    bench.cluster.fault = _raises(error, "after")
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["status"] == "applied"
    assert outcome["notes"][0]["code"] == "answer_was_lost"
    assert len(bench.cluster.writes) == 1


async def test_a_request_without_an_answer_and_without_effect_is_not_repeated(bench: Bench) -> None:
    bench.cluster.fault = _raises(Unavailable("demo", "500"), "before")
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert (outcome["status"], outcome["notes"][0]["code"]) == ("failed", "answer_lost_and_not_seen")
    assert len(bench.cluster.tried) == 1


async def test_a_refusal_by_the_server_is_passed_on(bench: Bench) -> None:
    bench.cluster.fault = _raises(Rejected("quota exceeded", status=403), "before")
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["status"] == "failed"
    assert "quota exceeded" in outcome["notes"][0]["facts"]["why"]


async def test_a_changed_object_stops_the_action_and_shows_the_new_diff(bench: Bench) -> None:
    proposal = await bench.propose(LIMIT)
    bench.cluster.edit(TARGET, lambda obj: obj["spec"].update(replicas=7))
    outcome = await bench.decide(proposal)
    assert outcome["status"] == "stopped" and bench.cluster.tried == []
    assert "512Mi" in outcome["diff"]


async def test_an_object_that_was_replaced_stops_the_action(bench: Bench) -> None:
    proposal = await bench.propose(LIMIT)
    bench.cluster.edit(TARGET, lambda obj: obj["metadata"].update(uid="another"))
    assert (await bench.decide(proposal))["status"] == "stopped"
    del bench.cluster.objects[TARGET]


async def test_status_alone_may_move_on_between_proposal_and_approval(bench: Bench) -> None:
    proposal = await bench.propose(LIMIT)
    bench.cluster.edit(TARGET, lambda obj: obj["status"].update(readyReplicas=1))
    assert (await bench.decide(proposal))["status"] == "applied"


async def test_a_change_in_the_last_moment_is_a_conflict_and_stops_the_action(bench: Bench) -> None:
    def sneak(request: Write, moment: str) -> None:
        if moment == "before":
            bench.cluster.edit(TARGET, lambda obj: obj["spec"].update(replicas=9))

    proposal = await bench.propose(LIMIT)
    bench.cluster.fault = sneak
    outcome = await bench.decide(proposal)
    assert outcome["status"] == "stopped" and bench.cluster.writes == []


async def test_a_fixed_cause_is_told(bench: Bench) -> None:
    bench.causes[:] = [f"{WEB} oom_killed"]
    bench.cluster.after_write = lambda cluster, request: (controllers(cluster, request), bench.causes.clear())[0]
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["verdict"] == "fixed"


async def test_a_cause_that_remains_is_told_as_unchanged(bench: Bench) -> None:
    bench.causes[:] = [f"{WEB} oom_killed"]
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["verdict"] == "unchanged" and "undo" not in outcome


async def test_a_new_cause_takes_the_change_back_by_itself(bench: Bench) -> None:
    def breaks(cluster: Any, request: Write) -> None:
        controllers(cluster, request)
        bench.causes[:] = ["shop/Deployment/cart crash_loop"]

    bench.cluster.after_write = breaks
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["verdict"] == "worse" and outcome["undo"]["status"] == "undone"
    assert limit_of(bench) == "128Mi"
    assert len(bench.cluster.writes) == 2


async def test_lower_availability_takes_the_change_back(bench: Bench) -> None:
    def breaks(cluster: Any, request: Write) -> None:
        cluster.objects[TARGET]["status"].update(availableReplicas=0, observedGeneration=99)

    bench.cluster.after_write = breaks
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["verdict"] == "worse" and outcome["undo"]["status"] == "undone"


async def test_scaling_to_zero_on_purpose_is_not_taken_back(bench: Bench) -> None:
    def stops(cluster: Any, request: Write) -> None:
        controllers(cluster, request)
        bench.causes[:] = [f"{WEB} scaled_to_zero"]

    bench.cluster.after_write = stops
    zero = Action(kind="scale_workload", resource=WEB, arguments={"replicas": 0})
    outcome = await bench.decide(await bench.propose(zero))
    assert outcome["verdict"] != "worse" and bench.replicas == 0


async def test_a_rollback_that_fails_says_so_and_what_to_do(bench: Bench) -> None:
    def breaks(cluster: Any, request: Write) -> None:
        bench.causes[:] = ["shop/Deployment/cart crash_loop"]
        cluster.fault = _raises(Rejected("no more changes today", status=403), "before")

    bench.cluster.after_write = breaks
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["undo"]["status"] == "undo_failed"
    note = outcome["undo"]["notes"][0]
    assert "no more changes today" in note["facts"]["why"] and "128Mi" in note["facts"]["inverse"]


async def test_what_somebody_changed_since_is_not_rolled_back(bench: Bench) -> None:
    def other_hand(cluster: Any, request: Write) -> None:
        bench.causes[:] = ["shop/Deployment/cart crash_loop"]

        def edit(obj: Object) -> None:
            obj["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"] = "2Gi"

        cluster.edit(TARGET, edit)

    bench.cluster.after_write = other_hand
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["undo"]["notes"][0]["code"] == "undo_changed_since"
    assert limit_of(bench) == "2Gi"


async def test_a_crash_during_the_rollback_is_found_out_and_not_repeated(bench: Bench) -> None:
    def breaks(cluster: Any, request: Write) -> None:
        controllers(cluster, request)
        bench.causes[:] = ["shop/Deployment/cart crash_loop"]
        cluster.fault = crash("after")

    proposal = await bench.propose(LIMIT)
    bench.cluster.after_write = breaks
    with pytest.raises(Crash):
        await bench.decide(proposal)
    bench.cluster.fault, bench.cluster.after_write = None, controllers
    await bench.clock.sleep(600)
    await recover(bench.restarted().shop)
    assert limit_of(bench) == "128Mi" and len(bench.cluster.writes) == 2
    undone = await bench.shop.ledger.execution(f"{proposal.id}:undo")
    assert undone is not None and undone.outcome is not None and undone.outcome["status"] == "undone"


async def test_an_unreachable_cluster_is_looked_at_again_later(bench: Bench) -> None:
    after = await crashed(bench, "after")
    reader = bench.cluster.get

    async def broken(target: Target) -> Object:
        raise Unavailable("demo", "connection refused")

    bench.cluster.get = broken  # type: ignore[method-assign]
    assert await recover(after.shop) == []
    bench.cluster.get = reader  # type: ignore[method-assign]
    assert len(await recover(after.shop)) == 1


async def test_a_drain_waits_for_budgets_and_says_which_pods_stay(bench: Bench) -> None:
    bench.cluster.put(node())
    bench.cluster.blocked = {"web-1"}
    outcome = await bench.decide(await bench.propose(Action(kind="drain_node", resource="Node/node-2")))
    assert outcome["status"] == "unclear"
    assert outcome["notes"][0]["facts"]["pods"] == "shop/web-1"
    assert bench.cluster.objects[Target("", "Node", "node-2")]["spec"]["unschedulable"] is True


async def test_a_drain_evicts_only_pods_that_were_seen_when_it_was_proposed(bench: Bench) -> None:
    bench.cluster.put(node())
    proposal = await bench.propose(Action(kind="drain_node", resource="Node/node-2"))
    bench.cluster.put(pod("late", app="late"))
    assert (await bench.decide(proposal))["status"] == "applied"
    assert [str(target) for target in bench.cluster.objects if target.kind == "Pod"] == ["shop/Pod/late"]


async def test_a_crash_in_the_middle_of_a_drain_is_told_and_not_continued(bench: Bench) -> None:
    bench.cluster.put(node())

    def dies(request: Write, moment: str) -> None:
        if request.verb == "evict":
            raise Crash

    proposal = await bench.propose(Action(kind="drain_node", resource="Node/node-2"))
    bench.cluster.fault = dies
    with pytest.raises(Crash):
        await bench.decide(proposal)
    bench.cluster.fault = None
    await bench.clock.sleep(timedelta(minutes=5).total_seconds())
    await recover(bench.restarted().shop)
    assert (await last(bench))["status"] == "unclear"
    assert sum(request.verb == "evict" for request in bench.cluster.writes) == 0


def limit_of(bench: Bench) -> str:
    container = bench.cluster.objects[TARGET]["spec"]["template"]["spec"]["containers"][0]
    return container["resources"]["limits"]["memory"]


def _raises(error: Exception, moment: str) -> Callable[[Write, str], None]:
    def fault(request: Write, when: str) -> None:
        if when == moment:
            raise error

    return fault


async def test_a_symptom_that_outlasts_its_cause_does_not_take_the_repair_back(bench: Bench) -> None:
    bench.causes[:], bench.troubled[:] = [f"{WEB} oom_killed"], [WEB, "shop/Deployment/cart"]

    def heals(cluster: Any, request: Write) -> None:
        controllers(cluster, request)
        bench.causes[:] = ["shop/Deployment/cart crash_loop"]

    bench.cluster.after_write = heals
    outcome = await bench.decide(await bench.propose(LIMIT))
    assert outcome["verdict"] == "fixed" and "undo" not in outcome
