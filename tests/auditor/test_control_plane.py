"""Control plane logs come from wherever the cluster keeps them, and only of the time that was asked for."""

from __future__ import annotations

import gzip
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from mcp.server.mcpserver.exceptions import ToolError

from agents.auditor.agent import DEFINITION
from agents.auditor.component_logs import unwrapped
from agents.auditor.tools import build_tools
from agents.runtime.settings import Settings
from tests.cluster.fake_api import FakeApi, serving
from tests.cluster.fake_monitoring import FakeLoki
from tests.cluster.turns import ask, call

NOW = datetime.now(UTC)


def klog(minutes: float, text: str, level: str = "E") -> str:
    return f"{level}{(NOW - timedelta(minutes=minutes)).strftime('%m%d %H:%M:%S')}.000001       1 x.go:1] {text}"


async def asked(
    api: FakeApi, folder: Path, controlplane: dict[str, Any], tool: str | None = None, **arguments: Any
) -> Any:
    """The result of query_controlplane_logs, or the Finding of a question."""
    async with serving(api, folder):
        settings = {"kubernetes": {"kubeconfig": folder / "kubeconfig"}, "controlplane": controlplane}
        server = build_tools(Settings.model_validate(settings))
        async with server.settings.lifespan(server):  # type: ignore[misc]
            if "question" in arguments:
                return (await ask(DEFINITION, server, arguments["question"]))[0]
            return await call(server, "query_controlplane_logs", **arguments)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    logs = tmp_path / "logs"
    logs.mkdir()
    (logs / "kube-scheduler.log.1.gz").write_bytes(gzip.compress(f"{klog(90, 'unable to bind pod 1')}\n".encode()))
    os.utime(logs / "kube-scheduler.log.1.gz", (1, 1))
    lines = [klog(minutes, f"unable to bind pod {minutes}") for minutes in (30, 20, 10)]
    (logs / "kube-scheduler.log").write_text("\n".join([*lines, klog(5, "all well", "I")]) + "\n")
    (logs / "kube-scheduler-extender.log").write_text(klog(1, "another program") + "\n")
    return logs


async def test_a_folder_with_rotated_files_is_one_log_folded(api: FakeApi, tmp_path: Path, folder: Path) -> None:
    found = await asked(api, tmp_path, {"path": folder}, component_name="scheduler", filter_pattern="UNABLE")
    assert [(entry["source"], entry["count"]) for entry in found["entries"]] == [
        ("kube-scheduler.log", 3),
        ("kube-scheduler.log.1.gz", 1),
    ]


async def test_only_the_time_that_was_asked_for_counts(api: FakeApi, tmp_path: Path, folder: Path) -> None:
    times = {"start_time": "25m", "end_time": "15m"}
    found = await asked(api, tmp_path, {"path": folder}, component_name="scheduler", **times)
    assert [(entry["message"], entry["count"]) for entry in found["entries"]] == [("unable to bind pod 20", 1)]


async def test_what_the_folder_lacks_is_read_from_pods(api: FakeApi, tmp_path: Path, folder: Path) -> None:
    name = "etcd-node-1"
    api.objects("/api/v1/namespaces/kube-system/pods", {"metadata": {"name": name, "namespace": "kube-system"}})
    api.answers[f"GET /api/v1/namespaces/kube-system/pods/{name}/log"] = (200, klog(1, "slow disk", "W") + "\n")
    found = await asked(api, tmp_path, {"path": folder}, component_name="etcd")
    assert found["entries"][0]["source"] == f"kube-system/Pod/{name}"


async def test_loki_is_asked_for_the_component(api: FakeApi, tmp_path: Path) -> None:
    at = int((NOW - timedelta(minutes=1)).timestamp() * 1e9)
    wrapped = json.dumps({"log": klog(1, "denied by quota"), "stream": "stderr"})
    fake = FakeLoki([(at, wrapped), (at + 1, f"{NOW.isoformat()} stderr F {klog(1, 'plain')}")])
    async with fake.serving() as url:
        loki = {"url": url, "selector": '{pod=~"$component.*"}'}
        found = await asked(api, tmp_path, {"loki": loki}, component_name="apiserver", filter_pattern="denied")
    assert fake.queries[0]["query"] == '{pod=~"kube-apiserver.*"} |~ "(?i)denied"'
    assert [entry["message"] for entry in found["entries"]] == ["denied by quota"]


@pytest.mark.parametrize(
    ("question", "words"),
    [
        ("What does the scheduler log?", "`kube-scheduler` logged 2 kind(s) of errors, 0 of warnings"),
        ("调度器有什么报错？", "`kube-scheduler` 记录了 2 类错误、0 类警告"),
    ],
)
async def test_a_question_about_a_component_reads_its_log(
    api: FakeApi, tmp_path: Path, folder: Path, question: str, words: str
) -> None:
    finding = await asked(api, tmp_path, {"path": folder}, question=question)
    assert words in finding.text
    assert any(evidence.source == "control plane log" for evidence in finding.evidence)


@pytest.mark.parametrize("name", ["../../etc/passwd", "a b", '"}'])
async def test_a_component_is_a_name_and_nothing_else(api: FakeApi, tmp_path: Path, folder: Path, name: str) -> None:
    with pytest.raises(ToolError, match="is no component"):
        await asked(api, tmp_path, {"path": folder}, component_name=name)


def test_a_components_own_json_stays_as_it_is() -> None:
    line = '{"ts": 1, "msg": "ready", "v": 0}'
    assert unwrapped(line) == line
