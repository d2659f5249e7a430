"""How a diagnosis grows with the cluster: time per phase, API calls, bytes, peak memory, findings.

    python -m benchmarks.diagnose [--pods 10000] [--nodes 500]

Serves a generated cluster on the embedded cluster (a process of its own), diagnoses it, and the same at half the size.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from agents.cluster.clusters import Clusters
from agents.diagnoser.collect import collect
from agents.diagnoser.engine import diagnose
from agents.runtime.settings import KubernetesSettings
from benchmarks import big_cluster

SERVE = """
import sys, signal
from sandbox import Sandbox
with Sandbox(sys.argv[1], frozen=True) as cluster:
    print(cluster.kubeconfig, flush=True)
    signal.sigwait({signal.SIGTERM})
"""


@dataclass(frozen=True)
class Measure:
    pods: int
    collect_seconds: float
    analyze_seconds: float
    calls: int
    megabytes: float
    peak_megabytes: int
    found: list[str]

    @property
    def seconds(self) -> float:
        return self.collect_seconds + self.analyze_seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pods", type=int, default=10_000)
    parser.add_argument("--nodes", type=int, default=500)
    parser.add_argument("--kubeconfig", type=Path, help=argparse.SUPPRESS)  # how a measurement runs: in its own process
    options = parser.parse_args()
    if options.kubeconfig:
        print(json.dumps(vars(asyncio.run(_measure(options.kubeconfig, options.pods)))))
        return
    whole = _on_a_cluster(options.pods, options.nodes)
    half = _on_a_cluster(options.pods // 2, options.nodes // 2)
    _print(half)
    _print(whole)
    expected = sorted(f"{name} {fault}" for name, fault in big_cluster.FAULTS.items())
    right = sorted(whole.found) == expected
    print(f"\nfaults: {'all five found, nothing else' if right else f'WRONG: {whole.found}'}")
    print(f"twice the pods take {whole.seconds / half.seconds:.2f} times the time")


def _on_a_cluster(pods: int, nodes: int) -> Measure:
    with tempfile.TemporaryDirectory() as folder:
        big_cluster.write(Path(folder), pods, nodes)
        server = subprocess.Popen([sys.executable, "-c", SERVE, folder], stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout
            kubeconfig = server.stdout.readline().strip()
            command = [sys.executable, "-m", "benchmarks.diagnose", "--pods", str(pods), "--kubeconfig", kubeconfig]
            done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
            return Measure(**json.loads(done.stdout))
        finally:
            server.terminate()
            server.wait()


async def _measure(kubeconfig: Path, pods: int) -> Measure:
    clusters = Clusters(KubernetesSettings(kubeconfig=kubeconfig))
    try:
        cluster = await clusters.get(None)
        began = time.perf_counter()
        snapshot = await collect(cluster, question="What is broken?")
        collected = time.perf_counter()
        diagnosis = diagnose(snapshot, "What is broken?", "en")
        done = time.perf_counter()
        return Measure(
            pods=pods,
            collect_seconds=round(collected - began, 2),
            analyze_seconds=round(done - collected, 2),
            calls=cluster.traffic.calls,
            megabytes=round(cluster.traffic.bytes_read / 1e6, 1),
            peak_megabytes=resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            found=[f"{cause.resource} {cause.fault}" for cause in diagnosis.root_causes],
        )
    finally:
        await clusters.close()


def _print(measure: Measure) -> None:
    told: dict[str, Any] = {
        "collect": f"{measure.collect_seconds:.2f} s",
        "analyze": f"{measure.analyze_seconds:.2f} s",
        "API calls": measure.calls,
        "read": f"{measure.megabytes} MB",
        "peak memory": f"{measure.peak_megabytes} MB",
    }
    print(f"{measure.pods} pods: " + ", ".join(f"{name} {value}" for name, value in told.items()))


if __name__ == "__main__":
    main()
