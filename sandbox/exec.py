"""Commands in containers: there is no container, so only `echo` works; everything else ends with exit code 127."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable

from starlette.websockets import WebSocket

from sandbox.access import Attributes
from sandbox.cluster import Cluster
from sandbox.errors import ApiError
from sandbox.resources import PODS

_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_STDOUT, _STDERR, _STATUS = b"\x01", b"\x02", b"\x03"


def run_command(cluster: Cluster) -> Callable[[WebSocket], Awaitable[None]]:
    """The WebSocket endpoint of the exec subresource."""

    async def endpoint(socket: WebSocket) -> None:
        namespace, name = socket.path_params["namespace"], socket.path_params["name"]
        try:
            user = cluster.access.identify(socket.headers, socket.headers.getlist("impersonate-group"))
            wanted = Attributes("create", resource="pods", subresource="exec", namespace=namespace, name=name)
            cluster.access.check(user, cluster.resource("v1", "pods"), wanted)
        except ApiError as error:
            await socket.close(1008, error.message[:120])
            return
        if cluster.store.get(PODS, namespace, name) is None:
            await socket.close(1008, f'pods "{name}" not found')
            return
        await socket.accept(subprotocol=next((p for p in _PROTOCOLS if p in socket.scope["subprotocols"]), None))
        command = socket.query_params.getlist("command")
        if command[:1] == ["echo"]:
            await socket.send_bytes(_STDOUT + (" ".join(command[1:]) + "\n").encode())
            status: dict[str, object] = {"metadata": {}, "status": "Success"}
        else:
            await socket.send_bytes(_STDERR + f"the sandbox runs no containers, so not {command} either\n".encode())
            cause = {"reason": "ExitCode", "message": "127"}
            status = {"metadata": {}, "status": "Failure", "reason": "NonZeroExitCode", "details": {"causes": [cause]}}
        await socket.send_bytes(_STATUS + json.dumps(status).encode())
        await socket.close()

    return endpoint
