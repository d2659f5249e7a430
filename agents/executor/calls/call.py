"""What a call of another server's tool is about, and what is never called. Pure.

Tools are strangers: what they do is known by their names, their schemas and the arguments alone. So everything that
cannot be read with certainty is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, cast

from agents.cluster.kinds import CATALOGUE
from agents.executor.action import ActionError, Target, canonical, hash_of
from agents.executor.calls.manifests import leaves, manifests_in, names_namespace, names_secret, namespaces_in
from agents.runtime.command_tools import runs_commands, words_of

TOOL_KIND = "McpTool"
"""The kind in the resource of a call that names no object: `namespace/McpTool/server.tool`."""

_CLUSTER_KEY = re.compile(r"(?i)(cluster|cluster[_-]?(id|name)|kube[_-]?context|context)$")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._:]{0,251}[A-Za-z0-9])?")
_KIND_KEYS = ("kind", "resource_type", "resourceType", "resource_kind")
_NAME_KEYS = ("name", "resource_name", "resourceName")


@dataclass(frozen=True)
class ToolCallAsked:
    """One call of one tool, with its exact arguments."""

    server: str
    tool: str
    arguments: dict[str, Any]

    @classmethod
    def read(cls, arguments: Mapping[str, Any]) -> ToolCallAsked:
        """From an Action's arguments. Raises ActionError."""
        unknown = sorted(set(arguments) - {"server", "tool", "arguments"})
        server, tool, given = arguments.get("server"), arguments.get("tool"), arguments.get("arguments", {})
        if unknown or not isinstance(server, str) or not isinstance(tool, str) or not isinstance(given, dict):
            raise ActionError("call_tool takes server and tool (names) and arguments (an object), and nothing else")
        canonical(given)
        return cls(server, tool, cast("dict[str, Any]", given))

    def as_arguments(self) -> dict[str, Any]:
        """As an Action carries it."""
        return {"server": self.server, "tool": self.tool, "arguments": self.arguments}


@dataclass(frozen=True)
class OfferedTool:
    """A tool as its server describes it now."""

    url: str
    name: str
    description: str
    schema: dict[str, Any]
    annotations: dict[str, Any]
    """`readOnlyHint` and others; empty when the server says nothing."""

    @property
    def read_only(self) -> bool:
        """Whether it says that it only reads."""
        return self.annotations.get("readOnlyHint") is True

    @property
    def harmless(self) -> bool:
        """Whether it says that it destroys nothing; silence does not."""
        return self.annotations.get("destructiveHint") is False

    @property
    def parameters(self) -> dict[str, Any]:
        """Its parameters and their schemas."""
        return self.schema.get("properties") or {}

    @property
    def fingerprint(self) -> str:
        """Changes with everything that a person judged the tool by, and with the server's address."""
        return hash_of([self.url, self.name, self.description, self.schema, self.annotations])


def check(call: ToolCallAsked, tool: OfferedTool, cluster: str) -> None:
    """Raises ActionError for a call that must not be proposed, saying why."""
    where = f"{call.tool} of {call.server}"
    if tool.read_only:
        raise ActionError(f"{where} only reads; call it directly")
    if runs_commands(tool.name, tool.schema):
        raise ActionError(f"{where} runs commands. A shell or a free command line is never called, approved or not")
    unknown = sorted(set(call.arguments) - set(tool.parameters))
    missing = sorted(set(tool.schema.get("required") or ()) - set(call.arguments))
    if unknown or missing:
        lines = [f"it does not take {', '.join(unknown)}"] if unknown else []
        lines += [f"it needs {', '.join(missing)}"] if missing else []
        raise ActionError(f"{where}: {'; '.join(lines)}")
    if names_secret(call.arguments):
        raise ActionError(f"{where}: Secrets are neither read nor written here")
    for key, value in leaves(call.arguments):
        if _CLUSTER_KEY.fullmatch(key) and value != cluster:
            raise ActionError(f"{where}: {key} names cluster {value!r}, and this change is for {cluster!r}")
    target = target_of(call)
    if _takes_namespace(tool) and not target.namespace and not _is_cluster_wide(target):
        raise ActionError(f"{where}: say the namespace; the server's default is not known here")


def target_of(call: ToolCallAsked) -> Target:
    """The one object that the arguments name, else the tool itself, in the namespace that they name.

    Raises ActionError when they name several objects or namespaces: one Action changes one thing.
    """
    manifests = list(manifests_in(call.arguments))
    if len(manifests) > 1:
        raise ActionError("the arguments hold several objects; propose one call for each")
    own = (_metadata(manifest).get("namespace") for manifest in manifests)
    spaces = {*namespaces_in(call.arguments), *(str(space) for space in own if space)}
    wrong = [space for space in spaces if not _LABEL.fullmatch(space)]
    if len(spaces) > 1 or wrong:
        raise ActionError(f"the arguments must name one namespace, not {', '.join(sorted(spaces))}")
    namespace = next(iter(spaces), "")
    if manifests:
        return _located(namespace, str(manifests[0]["kind"]), str(_metadata(manifests[0]).get("name", "")))
    name = next((call.arguments[key] for key in _NAME_KEYS if call.arguments.get(key)), None)
    kind = next((call.arguments[key] for key in _KIND_KEYS if call.arguments.get(key)), None)
    kind = kind or next((word for word in words_of(call.tool) if len(word) > 2 and CATALOGUE.find(word)), None)
    if name is not None and kind is not None:
        return _located(namespace, str(kind), str(name))
    return Target(namespace, TOOL_KIND, f"{call.server}.{call.tool}")


def replicas_of(call: ToolCallAsked) -> int | None:
    """How many replicas the call asks for, when it says."""
    manifest = next(manifests_in(call.arguments), {})
    spec: Any = manifest.get("spec")
    found = [call.arguments.get("scale"), call.arguments.get("replicas")]
    found += [cast("dict[str, Any]", spec).get("replicas")] if isinstance(spec, dict) else []
    numbers = [math.ceil(float(str(each))) for each in found if re.fullmatch(r"\d{1,9}(\.\d+)?", str(each))]
    return max(numbers, default=None)


def _located(namespace: str, kind: str, name: str) -> Target:
    known = CATALOGUE.find(kind)
    if not _NAME.fullmatch(name) or not _NAME.fullmatch(known.name if known else kind):
        raise ActionError(f"{kind} {name!r} is no name of one object")
    if known is not None and not known.namespaced:
        return Target("", known.name, name)
    return Target(namespace, known.name if known else kind, name)


def _is_cluster_wide(target: Target) -> bool:
    known = CATALOGUE.find(target.kind)
    return known is not None and not known.namespaced


def _takes_namespace(tool: OfferedTool) -> bool:
    manifest = any(name in tool.parameters for name in ("resource", "manifest", "yaml", "yaml_content"))
    return manifest or any(names_namespace(name) for name in tool.parameters)


def _metadata(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest.get("metadata")
    return cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}
