"""What a call of another server's tool is about, and what is never called. Pure.

Tools are strangers: what they do is known by their names, their schemas and the arguments alone. So everything that
cannot be read with certainty is refused.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

import yaml

from agents.cluster.kinds import CATALOGUE
from agents.executor.action import ActionError, Target, canonical, hash_of

TOOL_KIND = "McpTool"
"""The kind in the resource of a call that names no object: `namespace/McpTool/server.tool`."""

_COMMAND_WORDS = frozenset(
    [
        "attach",
        "bash",
        "cmd",
        "command",
        "commands",
        "console",
        "debug",
        "eval",
        "exec",
        "execute",
        "forward",
        "kubectl",
        "powershell",
        "proxy",
        "python",
        "repl",
        "script",
        "scripts",
        "sh",
        "shell",
        "ssh",
        "subprocess",
        "terminal",
    ]
)
"""In the name of a tool: it runs what it is told."""
_COMMAND_PARAMETERS = frozenset(
    [
        "args",
        "argv",
        "bash",
        "cmd",
        "cmdline",
        "code",
        "command",
        "commandline",
        "commands",
        "entrypoint",
        "exec",
        "script",
        "scripts",
        "sh",
        "shell",
        "stdin",
    ]
)
"""Names of parameters that take something to run."""
_WORD = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")
_NAMESPACE_KEY = re.compile(r"(?i)(.*[_-])?(namespaces?|ns)$|.*Namespaces?$")
_EVERYWHERE_KEY = re.compile(r"(?i)all[_-]?namespaces")
_CLUSTER_KEY = re.compile(r"(?i)(cluster|cluster[_-]?(id|name)|kube[_-]?context|context)$")
_LABEL = re.compile(r"[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9]([-A-Za-z0-9._:]{0,251}[A-Za-z0-9])?")
_KIND_KEYS = ("kind", "resource_type", "resourceType", "resource_kind")
_NAME_KEYS = ("name", "resource_name", "resourceName")
_SECRET_TEXT = re.compile(r"""(?i)\bkind["']?\s*:\s*["']?(secret|secrets|secretlist)\b""")
MAX_TEXT = 100_000
"""Characters of one argument."""
_SECRET_KINDS = ("secret", "secrets", "secretlist")


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
    if runs_commands(tool):
        raise ActionError(f"{where} runs commands. A shell or a free command line is never called, approved or not")
    unknown = sorted(set(call.arguments) - set(tool.parameters))
    missing = sorted(set(tool.schema.get("required") or ()) - set(call.arguments))
    if unknown or missing:
        lines = [f"it does not take {', '.join(unknown)}"] if unknown else []
        lines += [f"it needs {', '.join(missing)}"] if missing else []
        raise ActionError(f"{where}: {'; '.join(lines)}")
    if names_secret(call.arguments):
        raise ActionError(f"{where}: Secrets are neither read nor written here")
    for key, value in _leaves(call.arguments):
        if _CLUSTER_KEY.fullmatch(key) and value != cluster:
            raise ActionError(f"{where}: {key} names cluster {value!r}, and this change is for {cluster!r}")
    target = target_of(call)
    if _takes_namespace(tool) and not target.namespace and not _is_cluster_wide(target):
        raise ActionError(f"{where}: say the namespace; the server's default is not known here")


def runs_commands(tool: OfferedTool) -> bool:
    """Whether it is a shell or takes a command line, by its name and its parameters at any depth."""
    if set(_words(tool.name)) & _COMMAND_WORDS:
        return True
    names = set(_parameter_names(tool.schema))
    return any(
        name.lower().replace("_", "").replace("-", "") in _COMMAND_PARAMETERS
        or set(_words(name)) & {"command", "commands", "cmd", "script", "shell"}
        for name in names
    )


def names_secret(value: Any) -> bool:
    """Whether an argument, or a manifest in one, is about a Secret."""
    if isinstance(value, dict):
        return any(names_secret(item) for item in value.values())
    if isinstance(value, list):
        return any(names_secret(item) for item in value)
    if not isinstance(value, str):
        return False
    if _SECRET_TEXT.search(value) or any(_is_secret_kind(word) for word in value.split(",")):
        return True
    return any(names_secret(document) for document in _documents(value) if isinstance(document, dict | list))


def target_of(call: ToolCallAsked) -> Target:
    """The one object that the arguments name, else the tool itself, in the namespace that they name.

    Raises ActionError when they name several objects or namespaces: one Action changes one thing.
    """
    manifests = list(_manifests(call.arguments))
    if len(manifests) > 1:
        raise ActionError("the arguments hold several objects; propose one call for each")
    own = (_metadata(manifest).get("namespace") for manifest in manifests)
    spaces = {*_namespaces(call.arguments), *(str(space) for space in own if space)}
    wrong = [space for space in spaces if not _LABEL.fullmatch(space)]
    if len(spaces) > 1 or wrong:
        raise ActionError(f"the arguments must name one namespace, not {', '.join(sorted(spaces))}")
    namespace = next(iter(spaces), "")
    if manifests:
        return _located(namespace, str(manifests[0]["kind"]), str(_metadata(manifests[0]).get("name", "")))
    name = next((call.arguments[key] for key in _NAME_KEYS if call.arguments.get(key)), None)
    kind = next((call.arguments[key] for key in _KIND_KEYS if call.arguments.get(key)), None)
    kind = kind or next((word for word in _words(call.tool) if len(word) > 2 and CATALOGUE.find(word)), None)
    if name is not None and kind is not None:
        return _located(namespace, str(kind), str(name))
    return Target(namespace, TOOL_KIND, f"{call.server}.{call.tool}")


def replicas_of(call: ToolCallAsked) -> int | None:
    """How many replicas the call asks for, when it says."""
    manifest = next(_manifests(call.arguments), {})
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
    return manifest or any(_NAMESPACE_KEY.fullmatch(name) for name in tool.parameters)


def _is_secret_kind(word: str) -> bool:
    return any(part.partition(".")[0] in _SECRET_KINDS for part in word.strip().lower().split("/"))


def _words(name: str) -> list[str]:
    return [word.lower() for word in _WORD.findall(name)]


def _parameter_names(schema: Any) -> Iterator[str]:
    """Names of properties at any depth, through `$defs`, lists and alternatives."""
    if isinstance(schema, dict):
        properties = schema.get("properties")
        if isinstance(properties, dict):
            yield from (str(name) for name in properties)
        for value in schema.values():
            yield from _parameter_names(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from _parameter_names(item)


def _leaves(value: Any, key: str = "") -> Iterator[tuple[str, Any]]:
    """Every leaf with the key that it stands under, but not inside of manifests: their fields mean something else."""
    if isinstance(value, dict):
        if not _is_manifest(value):
            for name, item in value.items():
                yield from _leaves(item, str(name))
    elif isinstance(value, list):
        for item in value:
            yield from _leaves(item, key)
    else:
        yield key, value


def _namespaces(arguments: dict[str, Any]) -> Iterator[str]:
    for key, value in _leaves(arguments):
        if _EVERYWHERE_KEY.fullmatch(key):
            if value not in (False, None, "", "false"):
                raise ActionError("one change does not reach into all namespaces; name one")
        elif _NAMESPACE_KEY.fullmatch(key) and value not in (None, ""):
            yield str(value)


def _manifests(value: Any) -> Iterator[dict[str, Any]]:
    """Every object of the API in the arguments, also inside of text and of lists."""
    if isinstance(value, dict):
        if _is_manifest(value):
            items = value.get("items")
            yield from _manifests(items) if isinstance(items, list) and "metadata" not in value else iter((value,))
        else:
            for item in value.values():
                yield from _manifests(item)
    elif isinstance(value, list):
        for item in value:
            yield from _manifests(item)
    elif isinstance(value, str):
        yield from _manifests([each for each in _documents(value) if isinstance(each, dict | list)])


def _is_manifest(value: dict[str, Any]) -> bool:
    return "kind" in value and "apiVersion" in value and ("metadata" in value or "items" in value)


def _metadata(manifest: dict[str, Any]) -> dict[str, Any]:
    metadata = manifest.get("metadata")
    return cast("dict[str, Any]", metadata) if isinstance(metadata, dict) else {}


def _documents(text: str) -> list[Any]:
    """The YAML or JSON documents in a text. Raises ActionError for a long text that cannot be judged.

    Anchors are refused: a few lines with them stand for more than anybody can look through.
    """
    if len(text) > MAX_TEXT:
        raise ActionError(f"an argument has {len(text)} characters; nobody can judge more than {MAX_TEXT}")
    plain = "\n" not in text and text.lstrip()[:1] not in ("{", "[")
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=yaml.SafeLoader)):
            raise yaml.YAMLError("it has anchors")
        return list(yaml.safe_load_all(text))
    except (yaml.YAMLError, ValueError) as error:
        if plain and ":" not in text:
            return []
        raise ActionError(f"an argument cannot be read as plain YAML, so nobody can judge it: {error}") from error
