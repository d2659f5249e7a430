"""A cluster that was written to disk: a scenario folder, or what `kubectl cluster-info dump` left.

Both answer as a ClusterReader, so that the same `collect` reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import yaml

from agents.cluster.cluster import DEFAULT_LOG_BYTES
from agents.cluster.errors import Forbidden, NotFound, Unavailable
from agents.cluster.kinds import CATALOGUE, Kind, kinds_of_crd
from agents.cluster.secrets import SecretShape, shape_of, without_secrets
from agents.cluster.usage import Amount, Usage, amount_of
from agents.diagnoser.fields import Obj, created, dig, items, kind_of, mapping, moment, name_of, namespace_of, text

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_LOG_START = re.compile(r"^==== START logs for container (\S+) of pod ([^/\s]+)/(\S+) ====$")
_LOG_END = re.compile(r"^==== END logs for container ")
DUMPED = frozenset(
    {"Event", "ReplicationController", "Service", "DaemonSet", "Deployment", "ReplicaSet", "Pod", "Node"}
)
"""All that `kubectl cluster-info dump` writes; of every other kind it says nothing."""


class FolderError(ValueError):
    """A folder that cannot be read as a cluster; the message names the file."""


class FolderReader:
    """Objects, logs and usage of one folder. Raises FolderError when the folder holds none."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.id = folder.resolve().name
        self._logs: dict[tuple[str, str, str], str] = {}
        scenario = folder / "objects.yaml"
        self.is_dump = not scenario.is_file()
        self._objects = list(self._dumped() if self.is_dump else _documents(scenario))
        if not self._objects:
            raise FolderError(f"{folder}: neither objects.yaml nor a `kubectl cluster-info dump` with objects in it")
        self.now = self._captured_at()

    def audit(self) -> list[Obj]:
        """The audit events beside the objects, when there are any."""
        path = self.folder / "audit.jsonl"
        if not path.is_file():
            return []
        try:
            return [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        except ValueError as error:
            raise FolderError(f"{path}: {error}") from error

    async def list(
        self,
        kind: str | Kind,
        namespace: str | None = None,
        label_selector: str | None = None,
        field_selector: str | None = None,
        limit: int | None = None,
    ) -> list[Obj]:
        """Objects of a kind. Selectors are not supported here. Raises Forbidden for a kind that a dump leaves out."""
        if label_selector or field_selector:
            raise ValueError("a folder is not listed by selector")
        known = CATALOGUE.find(kind) if isinstance(kind, str) else kind
        name = known.name if known else str(kind)
        if self.is_dump and name not in DUMPED:
            raise Forbidden(name, f"a cluster-info dump does not contain objects of kind {name}")
        group = known.group if known else ""
        found = [
            without_secrets(o)
            for o in self._objects
            if kind_of(o) == name
            and (namespace is None or namespace_of(o) == namespace)
            and (not group or "apiVersion" not in o or text(o, "apiVersion").startswith(f"{group}/"))
        ]
        return found[:limit]

    async def get(self, kind: str | Kind, name: str, namespace: str | None = None) -> Obj:
        """One object. Raises NotFound."""
        for obj in await self.list(kind, namespace):
            if name_of(obj) == name:
                return obj
        raise NotFound(f"{kind} {name!r} is not in the folder", status=404, reason="NotFound")

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
        """The end of a log; `since_seconds` is not supported here. Raises NotFound."""
        found = self._logs.get((namespace, pod, container or "")) if not previous else None
        if found is None:
            path = self.folder / "logs" / namespace / pod / f"{container}{'.previous' if previous else ''}.log"
            if not path.is_file():
                raise NotFound(f"no log of {namespace}/{pod}/{container}", status=404, reason="NotFound")
            found = path.read_text(errors="replace")
        lines = found.splitlines()
        return "\n".join(lines[-tail_lines:] if tail_lines else lines)[-limit_bytes:]

    async def usage(self) -> Usage:
        """usage.yaml. Raises Unavailable when there is none."""
        path = self.folder / "usage.yaml"
        if not path.is_file():
            raise Unavailable(self.id, "the folder has no usage.yaml")
        found = next(iter(_documents(path)), {})
        pods: dict[str, dict[str, Amount]] = {
            pod: {name: amount_of(mapping(used)) for name, used in mapping(containers).items()}
            for pod, containers in mapping(found, "pods").items()
        }
        nodes = {name: amount_of(mapping(used)) for name, used in mapping(found, "nodes").items()}
        return Usage(observed_at=self.now, nodes=nodes, pods=pods)

    async def version(self) -> Obj:
        """The version that scenario.yaml names, else the first node's."""
        named = text(self._scenario(), "cluster", "version")
        node = next((o for o in self._objects if kind_of(o) == "Node"), {})
        return {"gitVersion": named or text(node, "status", "nodeInfo", "kubeletVersion")}

    async def custom_kinds(self) -> list[Kind]:
        """Kinds of the CustomResourceDefinitions in the folder."""
        found = (kinds_of_crd(o) for o in self._objects if kind_of(o) == "CustomResourceDefinition")
        return [kind for kind in found if kind is not None]

    async def secret_shape(self, namespace: str, name: str) -> SecretShape:
        """A Secret's shape. Raises NotFound."""
        for obj in self._objects:
            if kind_of(obj) == "Secret" and name_of(obj) == name and namespace_of(obj) == namespace:
                return shape_of(obj)
        raise NotFound(f"Secret {namespace}/{name} is not in the folder", status=404, reason="NotFound")

    # Files

    def _scenario(self) -> Obj:
        path = self.folder / "scenario.yaml"
        return next(iter(_documents(path)), {}) if path.is_file() else {}

    def _captured_at(self) -> datetime:
        """When the folder was written: the scenario's word, else the latest time that any object or event mentions."""
        named = moment(self._scenario(), "captured_at")
        if named:
            return named
        latest = [t for obj in self._objects for t in _times(obj) if t is not None]
        return max(latest, default=datetime.now(UTC))

    def _dumped(self) -> Iterator[Obj]:
        for path in sorted(self.folder.rglob("*")):
            if path.suffix in (".json", ".yaml", ".yml"):
                yield from _documents(path)
            elif path.name in ("logs.txt", "logs.json"):
                self._read_logs(path)

    def _read_logs(self, path: Path) -> None:
        key, lines = None, list[str]()
        for line in path.read_text(errors="replace").splitlines():
            start = _LOG_START.match(line)
            if start:
                key, lines = (start[2], start[3], start[1]), []
            elif key and _LOG_END.match(line):
                self._logs[key] = "\n".join(lines)
                key = None
            else:
                lines.append(line)


def _documents(path: Path) -> Iterator[Obj]:
    """Every object of a file; a List yields its members, which take their kind from it."""
    try:
        with path.open(encoding="utf-8") as file:
            found = [json.load(file)] if path.suffix == ".json" else list(yaml.load_all(file, _LOADER))
    except (ValueError, yaml.YAMLError) as error:
        raise FolderError(f"{path}: {error}") from error
    for document in found:
        if not isinstance(document, dict):
            continue
        if isinstance(document.get("items"), list) and kind_of(document).endswith("List"):
            kind = kind_of(document).removesuffix("List")
            for item in items(document, "items"):
                yield item if not kind or "kind" in item else {**item, "kind": kind}
        else:
            yield document


def _times(obj: Obj) -> list[datetime | None]:
    times = [created(obj), moment(obj, "lastTimestamp"), moment(obj, "eventTime")]
    return times + [moment(c, "lastHeartbeatTime") for c in items(obj, "status", "conditions") if dig(c, "type")]
