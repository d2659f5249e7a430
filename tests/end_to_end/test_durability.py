"""Nothing is lost, whatever is killed. `make chaos` sets `KUBETEAM_CHAOS_ROUNDS` and `KUBETEAM_CHAOS_SEED`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from tests.end_to_end.attacked import Attacked, team_under_attack
from tests.end_to_end.chaos import Chaos
from tests.end_to_end.promises import check, generations
from tests.postgres import Server, postgres

ROUNDS = int(os.environ.get("KUBETEAM_CHAOS_ROUNDS", "6"))
SEED = int(os.environ.get("KUBETEAM_CHAOS_SEED", "1"))


@pytest.mark.xdist_group("durability")
async def test_requests_end_and_approvals_are_carried_out_once_while_processes_die(
    database_url: str, tmp_path: Path
) -> None:
    began = time.monotonic()
    async with team_under_attack(database_url, tmp_path, replicas=2 if ROUNDS > 20 else 1) as attacked:
        before = await generations(attacked.settings)
        outcome = await Chaos(attacked, SEED, people=3 if ROUNDS < 20 else 6).run(ROUNDS)
        events = await check(outcome, attacked.settings, before)
    sys.stdout.write(
        f"\nseed {SEED}, {ROUNDS} rounds in {time.monotonic() - began:.0f} s; faults {dict(outcome.faults)}; "
        f"requests {dict(outcome.ended)}, the longest {outcome.longest:.0f} s; journal {events}\n"
    )
    assert len(outcome.approved) > 0, "nobody approved anything: the run shows nothing"


class Restarts(Chaos):
    """The database goes away and comes back, once in order and once not."""

    def __init__(self, attacked: Attacked, server: Server) -> None:
        super().__init__(attacked, SEED, people=3)
        self._server = server
        self._signals = [signal.SIGQUIT, signal.SIGINT]

    async def fault(self) -> None:
        await asyncio.to_thread(self._server.stop, self._signals.pop())
        await asyncio.sleep(1)
        await asyncio.to_thread(self._server.start)
        await asyncio.sleep(1)


@pytest.mark.xdist_group("durability")
async def test_a_postgresql_that_is_restarted_in_the_middle_of_plans_costs_no_request_anything(tmp_path: Path) -> None:
    with postgres() as server:
        async with team_under_attack(server.url, tmp_path, replicas=1) as attacked:
            before = await generations(attacked.settings)
            outcome = await Restarts(attacked, server).run(2)
            await check(outcome, attacked.settings, before)
    assert outcome.ended["answered"] >= 3
