"""What it costs to start: CPU seconds until ready and resident memory, per service and for the team in one process.

    python -m benchmarks.startup [NAME ...]

Each service is started alone, as `kubeteam serve` does, with the runbook and with LiteLLM.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from agents.runtime.settings import BUILT_IN
from benchmarks.processes import free_ports, started

TOGETHER = "--single-process"
NOBODY = "http://127.0.0.1:9/v1"
"""LiteLLM is imported at the start; nobody asks the model."""
SETTLE_SECONDS = 5
"""LiteLLM's import goes on beside the first requests."""


async def measure(name: str, *, litellm: bool) -> tuple[float, float, float]:
    """CPU seconds to ready, and then CPU seconds and MB when everything is imported that will be."""
    names = ["planner", *BUILT_IN]
    ports = dict(zip(names, free_ports(len(names)), strict=True))
    model = {"KUBETEAM_MODEL__NAME": "openai/test-model", "KUBETEAM_MODEL__BASE_URL": NOBODY} if litellm else {}
    command = ["kubeteam", "up", TOGETHER] if name == TOGETHER else ["kubeteam", "serve", name]
    with tempfile.TemporaryDirectory(prefix="kubeteam-startup-") as folder:
        env = {
            "KUBETEAM_STORE__FOLDER": folder,
            "KUBETEAM_AGENTS": json.dumps({key: {"port": port} for key, port in ports.items()}),
            **model,
        }
        port = ports.get(name, ports["planner"])
        # Alive is enough: tools and members are not there to be ready.
        async with started({"one": command}, {"one": port}, Path(folder), env=env, ready="/healthz") as services:
            ready = services["one"].cpu_to_ready
            if litellm:
                await asyncio.sleep(SETTLE_SECONDS)
            return ready, services["one"].cpu_seconds, services["one"].megabytes


async def main(names: Sequence[str]) -> None:
    print(f"| {'service':16} | model   | CPU s to ready | CPU s settled |    MB |")
    print(f"|{'-' * 18}|---------|---------------:|--------------:|------:|")
    for name in names or ("planner", *BUILT_IN, TOGETHER):
        for litellm in (False, True):
            ready, settled, megabytes = await measure(name, litellm=litellm)
            model = "LiteLLM" if litellm else "runbook"
            print(f"| {name:16} | {model} | {ready:14.2f} | {settled:13.2f} | {megabytes:5.0f} |", flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
