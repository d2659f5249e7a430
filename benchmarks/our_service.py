"""One service of our team with the benchmark's specialists: `python -m benchmarks.our_service NAME`."""

from __future__ import annotations

import logging
import sys

from agents.runtime.logs import configure_logs
from agents.runtime.serve import run
from agents.runtime.settings import load_settings


def main() -> None:
    name, settings = sys.argv[1], load_settings()
    configure_logs(logging.WARNING, service=name)
    if name == "planner":
        from planner.service import build_planner

        app = build_planner(settings)
    else:
        from agents.runtime.service import build_service
        from benchmarks.load import definition

        app = build_service(definition(name), settings)
    run([(app, settings.server.host, settings.port(name))])


if __name__ == "__main__":
    main()
