"""A cluster: what may be read of it, and the writes that the executor's gate lets through."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Any, Protocol

from agents.cluster.connection import Connection, Traffic
from agents.cluster.errors import Expired, Forbidden, NotFound, Unavailable
from agents.cluster.kinds import BUILT_IN, CATALOGUE, Catalogue, Kind, kinds_of_crd
from agents.cluster.paths import collection_path, object_path, segment
from agents.cluster.secrets import METADATA_LIST, METADATA_OBJECT, SecretShape, shape_of, without_secrets
from agents.cluster.usage import Usage, usage_of
from agents.cluster.writes import Writes

POD = CATALOGUE.get("Pod")
DEFAULT_LOG_BYTES = 256 * 1024

# A method called `list` hides the builtin in the annotations of its class.
Objects = list[dict[str, Any]]
Kinds = list[Kind]


class ClusterReader(Protocol):
    """Everything that can be asked of a cluster without changing it; a folder of objects can answer it too."""

    @property
    def id(self) -> str: ...

    async def list(
        self,
        kind: str | Kind,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int | None = None,
    ) -> Objects: ...

    async def get(self, kind: str | Kind, name: str, namespace: str | None = None) -> dict[str, Any]: ...

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: int | None = None,
        limit_bytes: int = DEFAULT_LOG_BYTES,
    ) -> str: ...

    async def usage(self) -> Usage: ...

    async def version(self) -> dict[str, Any]: ...

    async def custom_kinds(self) -> Kinds: ...

    async def secret_shape(self, namespace: str, name: str) -> SecretShape: ...


class Cluster(Writes):
    """One cluster over its API. Objects are the API's own JSON, as dicts, with apiVersion and kind filled in.

    Every method raises a ClusterError: Forbidden, NotFound, Conflict, Rejected, Throttled, Unavailable, TimedOut.
    Secrets come without their data, always.
    """

    def __init__(
        self, cluster_id: str, connection: Connection, page_size: int = 500, namespaces: Sequence[str] = ()
    ) -> None:
        self.id = cluster_id
        self.catalogue = Catalogue(BUILT_IN)
        self._connection = connection
        self._page_size = page_size
        self._namespaces = tuple(namespaces)
        self._custom: Kinds | None = None
        self._discovering = asyncio.Lock()

    @property
    def server(self) -> str:
        """The API server's URL."""
        return self._connection.host

    @property
    def traffic(self) -> Traffic:
        """Calls made and bytes read so far."""
        return self._connection.traffic

    async def close(self) -> None:
        """Closes the connections."""
        await self._connection.close()

    # Reading

    async def list(
        self,
        kind: str | Kind,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int | None = None,
    ) -> Objects:
        """All objects of a kind, of one namespace or of all that we look at, in pages; at most `limit`."""
        known = await self.kind(kind)
        if namespace is None and known.namespaced and self._namespaces:
            parts = (self._all(known, each, label_selector, field_selector, limit) for each in self._namespaces)
            return [item for part in await asyncio.gather(*parts) for item in part][:limit]
        return await self._all(known, namespace, label_selector, field_selector, limit)

    async def _all(
        self,
        known: Kind,
        namespace: str | None,
        label_selector: str | None,
        field_selector: str | None,
        limit: int | None,
    ) -> Objects:
        query = {"labelSelector": label_selector, "fieldSelector": field_selector}
        try:
            return await self._pages(known, namespace, query, limit)
        except Expired:
            # The continue token expired between pages. As client-go's pager does: start over, in one piece.
            return await self._pages(known, namespace, query, limit, page_size=limit or 0)

    async def _pages(
        self,
        kind: Kind,
        namespace: str | None,
        query: dict[str, Any],
        limit: int | None,
        page_size: int | None = None,
    ) -> Objects:
        page_size = self._page_size if page_size is None else page_size
        accept = METADATA_LIST if kind.name == "Secret" else "application/json"
        items: Objects = []
        token: str | None = None
        while True:
            wanted = min(page_size, limit - len(items)) if limit is not None and page_size else page_size
            page = await self._connection.json(
                "GET",
                collection_path(kind, namespace),
                query={**query, "limit": wanted or None, "continue": token},
                accept=accept,
            )
            for item in page.get("items") or []:
                # Lists of the real API leave these out of their items.
                item["apiVersion"], item["kind"] = kind.api_version, kind.name
                items.append(without_secrets(item))
            token = (page.get("metadata") or {}).get("continue")
            if not token or (limit is not None and len(items) >= limit):
                return items[:limit]

    async def get(self, kind: str | Kind, name: str, namespace: str | None = None) -> dict[str, Any]:
        """One object."""
        known = await self.kind(kind)
        accept = METADATA_OBJECT if known.name == "Secret" else "application/json"
        found = await self._connection.json("GET", object_path(known, name, namespace), accept=accept)
        found["apiVersion"], found["kind"] = known.api_version, known.name
        return without_secrets(found)

    async def exists(self, kind: str | Kind, name: str, namespace: str | None = None) -> bool:
        """Whether there is such an object."""
        try:
            await self.get(kind, name, namespace)
        except NotFound:
            return False
        return True

    async def logs(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: int | None = None,
        limit_bytes: int = DEFAULT_LOG_BYTES,
    ) -> str:
        """The last `limit_bytes` of a container's log, in whole lines. Not redacted: tools redact what they show."""
        kept: deque[str] = deque()
        size = 0
        async for line in self.log_lines(
            namespace, pod, container, previous=previous, tail_lines=tail_lines, since_seconds=since_seconds
        ):
            kept.append(line)
            size += len(line) + 1
            # The server's own limitBytes keeps the beginning; what a program said last is what counts.
            while size > limit_bytes and len(kept) > 1:
                size -= len(kept.popleft()) + 1
        return "\n".join(kept)[-limit_bytes:]

    async def log_lines(
        self,
        namespace: str,
        pod: str,
        container: str | None = None,
        *,
        previous: bool = False,
        tail_lines: int | None = None,
        since_seconds: int | None = None,
        timestamps: bool = False,
    ) -> AsyncIterator[str]:
        """Streams a container's log, line by line, in constant memory."""
        query = {
            "container": container,
            "previous": previous or None,
            "tailLines": tail_lines,
            "sinceSeconds": since_seconds,
            "timestamps": timestamps or None,
        }
        path = object_path(POD, pod, namespace, "log")
        async for line in self._connection.lines(path, query=query):
            yield line.decode(errors="replace")

    async def usage(self) -> Usage:
        """What nodes and pods use right now. Raises Unavailable when nobody serves metrics.k8s.io."""
        base = "/apis/metrics.k8s.io/v1beta1"
        # Nodes belong to no namespace: whoever looks at some namespaces only, goes without.
        places = [f"{base}/namespaces/{segment(each)}/pods" for each in self._namespaces] or [f"{base}/pods"]
        nodes = [] if self._namespaces else [f"{base}/nodes"]
        try:
            found = await asyncio.gather(*(self._connection.json("GET", path) for path in (*nodes, *places)))
        except NotFound as error:
            raise Unavailable(self.id, "metrics.k8s.io is not served; is metrics-server installed?") from error
        lists = [answer.get("items") or [] for answer in found]
        return usage_of(
            (item for items in lists[: len(nodes)] for item in items),
            (item for items in lists[len(nodes) :] for item in items),
        )

    async def version(self) -> dict[str, Any]:
        """The server's version: `{"major", "minor", "gitVersion", …}`."""
        return await self._connection.json("GET", "/version")

    async def custom_kinds(self) -> Kinds:
        """The kinds that custom resource definitions serve. Asked for once."""
        async with self._discovering:
            if self._custom is None:
                definitions = await self.list("CustomResourceDefinition")
                self._custom = [kind for kind in map(kinds_of_crd, definitions) if kind is not None]
                for kind in self._custom:
                    self.catalogue.add(kind)
        return [*self._custom]

    async def kind(self, name: str | Kind) -> Kind:
        """The Kind of that name: built in, or a custom resource of this cluster. Raises UnknownKind."""
        if self.catalogue.find(name) is None:
            with suppress(Forbidden):  # then the built-in kinds are all we can know
                await self.custom_kinds()
        return self.catalogue.get(name)

    async def secret_shape(self, namespace: str, name: str) -> SecretShape:
        """What a Secret looks like: key names, lengths, and a certificate's validity; never a value.

        The one place where a Secret's data crosses the wire; it does not leave this function.
        """
        path = object_path(CATALOGUE.get("Secret"), name, namespace)
        return shape_of(await self._connection.json("GET", path))

    async def can_i(
        self,
        verb: str,
        resource: str,
        namespace: str | None = None,
        name: str | None = None,
        group: str = "",
        subresource: str | None = None,
    ) -> bool:
        """Whether our own credentials may do this; `resource` is the plural, as in RBAC rules."""
        attributes = {
            "verb": verb,
            "resource": resource,
            "namespace": namespace,
            "name": name,
            "group": group,
            "subresource": subresource,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": {key: value for key, value in attributes.items() if value}},
        }
        answer = await self._connection.json(
            "POST", "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", body=review
        )
        return bool((answer.get("status") or {}).get("allowed"))
