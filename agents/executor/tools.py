"""The executor's MCP tools: one per kind of Action. Without an Approval they only propose.

With `approval`, a tool applies exactly the Action that was approved. Who calls does not matter: the Approval is checked
here, not by the caller.
"""

from __future__ import annotations

from typing import Annotated, Any

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from agents.cluster.errors import ClusterError
from agents.executor.action import ActionError
from agents.executor.desk import Desk, Order
from agents.executor.records import add_records
from agents.runtime.findings import ActionKind

ClusterId = Annotated[str | None, Field(description="The cluster (a kubeconfig context); optional when there is one.")]
Namespace = Annotated[str | None, Field(description="Namespace; found by name when left out.")]
Kind = Annotated[str | None, Field(description="Kind of the object, such as Deployment; found by name when left out.")]
Name = Annotated[str, Field(description="Name of the object.")]
Node = Annotated[str, Field(description="Name of the node.")]
Container = Annotated[str | None, Field(description="Container; optional when there is one.")]
Approval = Annotated[
    str | None,
    Field(description="A signed Approval of exactly this Action. Leave it out to propose: dry run, diff, way back."),
]
AskedBy = Annotated[str | None, Field(description="Who wants this; noted in the journal.")]
Answer = dict[str, Any]

_WRITES = ToolAnnotations(read_only_hint=False, destructive_hint=False, idempotent_hint=False, open_world_hint=False)
_DESTROYS = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=False)
_ANYTHING = ToolAnnotations(read_only_hint=False, destructive_hint=True, idempotent_hint=False, open_world_hint=True)
_READS = ToolAnnotations(read_only_hint=True, open_world_hint=False)


def build_tools(desk: Desk) -> MCPServer:
    """The MCP server with the executor's tools."""
    server = MCPServer("kubeteam-executor", lifespan=lambda _: desk.lifespan())
    _add_clusters(server, desk)
    _add_workloads(server, desk)
    _add_objects(server, desk)
    _add_nodes(server, desk)
    _add_calls(server, desk)
    add_records(server, desk.shop.ledger)
    return server


def _add_clusters(server: MCPServer, desk: Desk) -> None:
    @server.tool(annotations=_READS)
    async def list_clusters() -> Answer:
        """The clusters that can be changed, by the id that `cluster_id` takes."""
        try:
            ids = desk.cluster_ids()
        except ClusterError as error:
            raise ToolError(str(error)) from error
        return {"count": len(ids), "clusters": [{"cluster_id": name, "cluster_name": name} for name in ids]}


def _add_workloads(server: MCPServer, desk: Desk) -> None:
    @server.tool(annotations=_WRITES)
    async def scale_workload(
        name: Name,
        replicas: Annotated[int, Field(ge=0, description="How many replicas.")],
        namespace: Namespace = None,
        kind: Kind = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Sets the number of replicas of a Deployment, StatefulSet or ReplicaSet."""
        return await _answer(
            desk, "scale_workload", Order(kind, namespace, name, cluster_id, approval, asked_by), replicas=replicas
        )

    @server.tool(annotations=_WRITES)
    async def set_resources(
        name: Name,
        requests: Annotated[dict[str, Any] | None, Field(description='Such as {"memory": "256Mi"}.')] = None,
        limits: Annotated[dict[str, Any] | None, Field(description='Such as {"memory": "512Mi", "cpu": "1"}.')] = None,
        container: Container = None,
        namespace: Namespace = None,
        kind: Kind = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Sets requests and limits of a container; null removes one. Replaces the pods."""
        order = Order(kind, namespace, name, cluster_id, approval, asked_by)
        return await _answer(desk, "set_resources", order, requests=requests, limits=limits, container=container)

    @server.tool(annotations=_WRITES)
    async def set_image(
        name: Name,
        image: Annotated[str, Field(description="Image reference, or a tag of the image that runs now.")],
        container: Container = None,
        namespace: Namespace = None,
        kind: Kind = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Sets the image of a container. Replaces the pods."""
        order = Order(kind, namespace, name, cluster_id, approval, asked_by)
        return await _answer(desk, "set_image", order, image=image, container=container)

    @server.tool(annotations=_WRITES)
    async def set_env(
        name: Name,
        env: Annotated[dict[str, Any], Field(description='Such as {"LOG_LEVEL": "debug"}; null removes one.')],
        container: Container = None,
        namespace: Namespace = None,
        kind: Kind = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Sets environment variables of a container. Replaces the pods."""
        order = Order(kind, namespace, name, cluster_id, approval, asked_by)
        return await _answer(desk, "set_env", order, env=env, container=container)

    @server.tool(annotations=_WRITES)
    async def restart_rollout(
        name: Name,
        namespace: Namespace = None,
        kind: Kind = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Replaces every pod of a Deployment, StatefulSet or DaemonSet, one after the other."""
        return await _answer(desk, "restart_rollout", Order(kind, namespace, name, cluster_id, approval, asked_by))

    @server.tool(annotations=_WRITES)
    async def undo_rollout(
        name: Name,
        to_revision: Annotated[int | None, Field(ge=1, description="Default: the one before the current.")] = None,
        namespace: Namespace = None,
        kind: Kind = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Takes a Deployment, StatefulSet or DaemonSet back to an earlier revision of its pod template."""
        order = Order(kind, namespace, name, cluster_id, approval, asked_by)
        return await _answer(desk, "undo_rollout", order, to_revision=to_revision)


def _add_objects(server: MCPServer, desk: Desk) -> None:
    @server.tool(annotations=_DESTROYS)
    async def patch_resource(
        name: Name,
        kind: Annotated[str, Field(description="Kind of the object, such as Service.")],
        patch: Annotated[Any, Field(description="An object, a list of JSON patch operations, or YAML text.")],
        patch_type: Annotated[str | None, Field(description="merge (default), strategic, or json.")] = None,
        namespace: Namespace = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Patches an object of any kind but Secret."""
        order = Order(kind, namespace, name, cluster_id, approval, asked_by)
        return await _answer(desk, "patch_resource", order, patch=patch, patch_type=patch_type)

    @server.tool(annotations=_DESTROYS)
    async def apply_manifest(
        manifest: Annotated[Any, Field(description="One object, as JSON or YAML text.")],
        name: Annotated[str | None, Field(description="Default: what the manifest says.")] = None,
        namespace: Annotated[str | None, Field(description="Default: what the manifest says.")] = None,
        kind: Annotated[str | None, Field(description="Default: what the manifest says.")] = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Creates or changes an object by server-side apply, without taking fields from their owners."""
        order = Order(kind, namespace, name, cluster_id, approval, asked_by)
        return await _answer(desk, "apply_manifest", order, manifest=manifest)

    @server.tool(annotations=_DESTROYS)
    async def delete_resource(
        name: Name,
        kind: Annotated[str, Field(description="Kind of the object, such as Pod.")],
        namespace: Namespace = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Deletes one object of any kind but Secret."""
        return await _answer(desk, "delete_resource", Order(kind, namespace, name, cluster_id, approval, asked_by))


def _add_nodes(server: MCPServer, desk: Desk) -> None:
    @server.tool(annotations=_WRITES)
    async def cordon_node(
        name: Node, cluster_id: ClusterId = None, approval: Approval = None, asked_by: AskedBy = None
    ) -> Answer:
        """Closes a node to new pods."""
        return await _answer(desk, "cordon_node", Order("Node", "", name, cluster_id, approval, asked_by))

    @server.tool(annotations=_WRITES)
    async def uncordon_node(
        name: Node, cluster_id: ClusterId = None, approval: Approval = None, asked_by: AskedBy = None
    ) -> Answer:
        """Opens a node to new pods again."""
        return await _answer(desk, "uncordon_node", Order("Node", "", name, cluster_id, approval, asked_by))

    @server.tool(annotations=_DESTROYS)
    async def drain_node(
        name: Node,
        force: Annotated[bool, Field(description="Also evict pods that nothing recreates.")] = False,
        delete_emptydir_data: Annotated[bool, Field(description="Also evict pods with scratch data.")] = False,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Cordons a node and evicts its pods, respecting PodDisruptionBudgets."""
        order = Order("Node", "", name, cluster_id, approval, asked_by)
        return await _answer(
            desk, "drain_node", order, force=force or None, delete_emptydir_data=delete_emptydir_data or None
        )


def _add_calls(mcp: MCPServer, desk: Desk) -> None:
    @mcp.tool(annotations=_ANYTHING)
    async def call_tool(
        server: Annotated[str, Field(description="An MCP server of the executor, by its configured name.")],
        tool: Annotated[str, Field(description="Its tool that writes, by the name the server gives it.")],
        arguments: Annotated[dict[str, Any] | None, Field(description="Exactly what the tool shall get.")] = None,
        cluster_id: ClusterId = None,
        approval: Approval = None,
        asked_by: AskedBy = None,
    ) -> Answer:
        """Calls a writing tool of another MCP server. Mostly without dry run and way back: prefer the other tools."""
        order = Order(None, None, None, cluster_id, approval, asked_by)
        return await _answer(desk, "call_tool", order, server=server, tool=tool, arguments=arguments or {})


async def _answer(desk: Desk, kind: ActionKind, order: Order, **arguments: Any) -> Answer:
    given = {key: value for key, value in arguments.items() if value is not None}
    try:
        return await desk.take(kind, order, given)
    except (ActionError, ClusterError) as error:
        raise ToolError(str(error)) from error
