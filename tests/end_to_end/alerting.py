"""A real Prometheus with a rule and a real Alertmanager, and an exporter that tells of an embedded cluster."""

from __future__ import annotations

import asyncio
import os
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from kubernetes.aio import client, config

BINARIES = {"prometheus": "prometheus", "prometheus-alertmanager": "prometheus-alertmanager"}
"""By the Debian package that brings it."""
_RULES = """
groups:
- name: workloads
  interval: 1s
  rules:
  - alert: DeploymentUnavailable
    expr: kube_deployment_status_replicas_unavailable > 0
    labels: {severity: critical}
    annotations: {summary: "{{ $labels.deployment }} has {{ $value }} pods that are not available"}
  - alert: Watchdog
    expr: vector(1)
"""
_PROMETHEUS = """
global: {{scrape_interval: 1s, evaluation_interval: 1s}}
rule_files: [{folder}/rules.yml]
scrape_configs:
- job_name: exporter
  honor_labels: true
  static_configs: [{{targets: ["127.0.0.1:{exporter}"]}}]
alerting:
  alertmanagers:
  - static_configs: [{{targets: ["127.0.0.1:{alertmanager}"]}}]
"""
_ALERTMANAGER = """
route: {{receiver: team, group_by: [alertname, namespace], group_wait: 1s, group_interval: 1s, repeat_interval: 1h}}
receivers:
- name: team
  webhook_configs:
  - url: {url}/v1/alerts
    send_resolved: true
    http_config: {{authorization: {{type: Bearer, credentials: {token}}}}}
"""


def require() -> None:
    """Skips the test where one of the programs is not installed."""
    absent = [package for program, package in BINARIES.items() if shutil.which(program) is None]
    if absent:
        pytest.skip(f"not installed: apt-get install --no-install-recommends {' '.join(absent)}")


@asynccontextmanager
async def exporter(kubeconfig: Path, namespace: str) -> AsyncIterator[int]:
    """The port of an exporter with the series that kube-state-metrics would have of a namespace's deployments."""
    await config.load_kube_config(config_file=str(kubeconfig))
    async with client.ApiClient() as api:
        apps = client.AppsV1Api(api)

        async def metrics(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            with suppress(ConnectionError, asyncio.IncompleteReadError):
                await reader.readuntil(b"\r\n\r\n")
                found = await apps.list_namespaced_deployment(namespace)
                body = "".join(
                    f'kube_deployment_status_replicas_unavailable{{namespace="{namespace}",'
                    f'deployment="{d.metadata.name}"}} {d.status.unavailable_replicas or 0}\n'
                    for d in found.items
                ).encode()
                head = f"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
                writer.write(head.encode() + body)
                await writer.drain()
            writer.close()

        server = await asyncio.start_server(metrics, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]


@asynccontextmanager
async def alerting(folder: Path, exporter_port: int, planner: str, token: str) -> AsyncIterator[str]:
    """Prometheus watches the exporter, Alertmanager posts to the planner. Gives Alertmanager's URL."""
    prometheus_port, alertmanager_port = _free_port(), _free_port()
    (folder / "rules.yml").write_text(_RULES)
    (folder / "prometheus.yml").write_text(
        _PROMETHEUS.format(folder=folder, exporter=exporter_port, alertmanager=alertmanager_port)
    )
    (folder / "alertmanager.yml").write_text(_ALERTMANAGER.format(url=planner, token=token))
    commands = [
        [
            "prometheus-alertmanager",
            f"--config.file={folder / 'alertmanager.yml'}",
            f"--storage.path={folder / 'alertmanager'}",
            f"--web.listen-address=127.0.0.1:{alertmanager_port}",
            "--cluster.listen-address=",
        ],
        [
            "prometheus",
            f"--config.file={folder / 'prometheus.yml'}",
            f"--storage.tsdb.path={folder / 'prometheus'}",
            f"--web.listen-address=127.0.0.1:{prometheus_port}",
            "--rules.alert.resend-delay=2s",  # what fires before Alertmanager is found is sent again soon
        ],
    ]
    log = os.open(folder / "alerting.log", os.O_WRONLY | os.O_CREAT)
    processes = [await asyncio.create_subprocess_exec(*command, stdout=log, stderr=log) for command in commands]
    os.close(log)
    try:
        for port in (alertmanager_port, prometheus_port):
            await _until_ready(f"http://127.0.0.1:{port}", folder / "alerting.log")
        yield f"http://127.0.0.1:{alertmanager_port}"
    finally:
        for process in processes:
            process.terminate()
        for process in processes:
            await asyncio.wait_for(process.wait(), 10)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return one.getsockname()[1]


async def _until_ready(url: str, log: Path) -> None:
    async with httpx.AsyncClient() as http:
        for _ in range(300):
            with suppress(httpx.TransportError):
                if (await http.get(f"{url}/-/ready")).status_code == 200:
                    return
            await asyncio.sleep(0.1)
    raise AssertionError(f"{url} did not become ready, see {log}")
