"""Nothing is lost, whatever is killed. `make chaos` sets `KUBETEAM_CHAOS_ROUNDS` and `KUBETEAM_CHAOS_SEED`."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.end_to_end.chaos import Chaos, check, team_under_attack

ROUNDS = int(os.environ.get("KUBETEAM_CHAOS_ROUNDS", "5"))
SEED = int(os.environ.get("KUBETEAM_CHAOS_SEED", "1"))


@pytest.mark.xdist_group("durability")
async def test_requests_end_and_approvals_are_carried_out_once_while_processes_die(
    database_url: str, tmp_path: Path
) -> None:
    async with team_under_attack(database_url, tmp_path) as (services, settings):
        outcome = await Chaos(services, SEED, people=2 if ROUNDS < 20 else 6).run(ROUNDS)
        events = await check(outcome, settings)
    print(f"\nfaults {dict(outcome.faults)}; requests {dict(outcome.ended)}; journal {events}")
