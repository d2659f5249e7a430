"""The sandbox as a running server: its own thread, its own event loop, TLS on a loopback port."""

from __future__ import annotations

import asyncio
import base64
import logging
import shutil
import socket
import tempfile
import threading
from pathlib import Path
from types import TracebackType

import uvicorn
import yaml

from sandbox import tls
from sandbox.access import ADMIN, service_account
from sandbox.api import Api
from sandbox.cluster import Cluster
from sandbox.controllers.loop import Controllers
from sandbox.scenario import Folder, Scenario, load, shift_audit, shift_metrics

_START_SECONDS = 30.0
_FAREWELL_SECONDS = 0.05
_log = logging.getLogger(__name__)


class Sandbox:
    """Serves a scenario folder as a Kubernetes API.

    `with Sandbox(folder) as sandbox:` or `async with`; then `sandbox.kubeconfig` is all a client needs. With `frozen`
    no controller moves anything. `port` 0 takes a free one. Raises ScenarioError for a broken folder.
    """

    def __init__(self, folder: Path | str, frozen: bool = False, port: int = 0) -> None:
        self._path = Path(folder)
        self._frozen = frozen
        self._port = port
        self._thread: threading.Thread | None = None
        self._server: _Server | None = None

    def start(self) -> Sandbox:
        """Load the folder and serve it; returns when requests are answered."""
        folder = load(self._path)
        self.scenario: Scenario = folder.scenario
        self.directory = Path(tempfile.mkdtemp(prefix="sandbox-"))
        try:
            self._write_files(folder)
            self._serve(Cluster(folder))
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """End the server and remove its files. Stopping twice is harmless."""
        if self._server is not None:
            self._server.request_stop()
        if self._thread is not None:
            self._thread.join()
        self._server = self._thread = None
        shutil.rmtree(self.directory, ignore_errors=True)

    def token_for(self, namespace: str, name: str) -> str:
        """A bearer token of a service account; RBAC decides what it may do. Raises LookupError if it does not exist."""
        if self.cluster.store.get(("", "serviceaccounts"), namespace, name) is None:
            raise LookupError(f"there is no ServiceAccount {namespace}/{name} in this cluster")
        return self.cluster.access.issue(service_account(namespace, name))

    def _write_files(self, folder: Folder) -> None:
        """Files beside the API: what reads them gets the same present as the API."""
        self.audit_log = self._shifted(folder, "audit.jsonl")
        self.metrics = self._shifted(folder, "metrics.om")
        self.controlplane: Path | None = None
        for file in sorted(folder.path.glob("controlplane/*.log")):
            self.controlplane = self.directory / "controlplane"
            self.controlplane.mkdir(exist_ok=True)
            (self.controlplane / file.name).write_text(folder.shift.text(file.read_text()))

    def _shifted(self, folder: Folder, name: str) -> Path | None:
        source = folder.path / name
        if not source.is_file():
            return None
        shifting = shift_audit if name == "audit.jsonl" else shift_metrics
        target = self.directory / name
        target.write_text(shifting(source.read_text(), folder.shift))
        return target

    def _serve(self, cluster: Cluster) -> None:
        self.cluster = cluster
        certificates = tls.issue(self.directory)
        # The protocol is named because servers set TCP_NODELAY only on sockets that say they are TCP; without it every
        # answer waits 40 ms for a delayed acknowledgement.
        listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind(("127.0.0.1", self._port))
        self.url = f"https://127.0.0.1:{listening.getsockname()[1]}"
        self._server = _Server(cluster, self._frozen, certificates.context_files)
        self._thread = threading.Thread(
            target=self._server.serve_until_stopped, args=(listening,), name="sandbox", daemon=True
        )
        self._thread.start()
        self._server.wait_until_started()
        self.kubeconfig = self._write_kubeconfig(certificates.ca_pem)

    def _write_kubeconfig(self, authority: bytes) -> Path:
        name = self.scenario.cluster_name
        cluster = {"server": self.url, "certificate-authority-data": base64.b64encode(authority).decode()}
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": name, "cluster": cluster}],
            "users": [{"name": name, "user": {"token": self.cluster.access.issue(ADMIN)}}],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
        path = self.directory / "kubeconfig"
        path.touch(mode=0o600)
        path.write_text(yaml.safe_dump(config))
        return path

    def __enter__(self) -> Sandbox:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    async def __aenter__(self) -> Sandbox:
        return await asyncio.to_thread(self.start)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await asyncio.to_thread(self.stop)


class _Server:
    """uvicorn in a thread, with a start that can be waited for and a stop that ends open watches."""

    def __init__(self, cluster: Cluster, frozen: bool, certificate: tuple[Path, Path]) -> None:
        self._cluster = cluster
        self._frozen = frozen
        self._certificate = certificate
        self._started = threading.Event()
        self._failure: BaseException | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopping: asyncio.Event | None = None

    def serve_until_stopped(self, listening: socket.socket) -> None:
        try:
            asyncio.run(self._serve(listening))
        except BaseException as error:  # handed to the thread that waits for the start
            self._failure = error
        finally:
            self._started.set()
            listening.close()

    async def _serve(self, listening: socket.socket) -> None:
        self._loop, self._stopping = asyncio.get_running_loop(), asyncio.Event()
        certificate, key = self._certificate
        server = uvicorn.Server(
            uvicorn.Config(
                Api(self._cluster, self._stopping).app,
                log_config=None,
                log_level="critical",
                access_log=False,
                lifespan="off",
                ssl_certfile=str(certificate),
                ssl_keyfile=str(key),
                timeout_graceful_shutdown=0,
            )
        )
        serving = asyncio.ensure_future(server.serve(sockets=[listening]))
        while not server.started and not serving.done():  # noqa: ASYNC110 - uvicorn offers no event for its start
            await asyncio.sleep(0.005)
        self._started.set()
        controlling = None if self._frozen else asyncio.ensure_future(Controllers(self._cluster).run())
        stopping = asyncio.ensure_future(self._stopping.wait())
        # Controllers that break end the server: a cluster that silently stops moving would mislead everybody.
        running = {serving, stopping, *((controlling,) if controlling else ())}
        await asyncio.wait(running, return_when=asyncio.FIRST_COMPLETED)
        # Streams end by themselves once they see the stop; idle keep-alive connections need no farewell.
        await asyncio.sleep(_FAREWELL_SECONDS)
        server.should_exit = True
        stopping.cancel()
        if controlling is not None:
            _log_failure(controlling)
        await serving

    def wait_until_started(self) -> None:
        if not self._started.wait(_START_SECONDS):
            raise TimeoutError(f"the sandbox did not start within {_START_SECONDS:.0f} s")
        if self._failure is not None:
            raise self._failure

    def request_stop(self) -> None:
        if self._loop is not None and self._stopping is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._stopping.set)


def _log_failure(task: asyncio.Future[None]) -> None:
    if task.done() and not task.cancelled() and (error := task.exception()) is not None:
        _log.error("the simulated controllers failed; the sandbox stops", exc_info=error)
    task.cancel()
