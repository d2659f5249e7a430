"""A scenario folder: the question, the expected answer, and a frozen cluster whose past is moved to the present.

`scenario.yaml` is read into types here; `objects.yaml`, `usage.yaml` and the rest stay JSON-like. Every defect of a
folder raises ScenarioError with the file and the field, so that its author can fix it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml

from sandbox import quantities, times
from sandbox.objects import Object
from sandbox.reader import Reader, ScenarioError
from sandbox.times import Shift

Usage = dict[str, Any]
_DATA_FIELDS = ("data", "binaryData", "stringData")
REMEDIES = (
    "scale", "set_image", "set_resources", "set_env", "patch", "rollout_undo", "rollout_restart", "apply", "delete",
    "cordon", "uncordon", "none",
)  # fmt: skip


@dataclass(frozen=True)
class RootCause:
    resource: str
    """`namespace/Kind/name`, cluster-scoped `Kind/name`."""
    fault: str
    mentions: tuple[str, ...] = ()
    """Regular expressions that the explanation must match."""


@dataclass(frozen=True)
class Remedy:
    kind: str
    resource: str | None = None


@dataclass(frozen=True)
class Expectation:
    """What is true about the cluster, and what must not be claimed."""

    healthy: bool
    root_causes: tuple[RootCause, ...] = ()
    not_blamed: tuple[str, ...] = ()
    answer_mentions: tuple[str, ...] = ()
    remedy: Remedy | None = None


@dataclass(frozen=True)
class Scenario:
    title: str
    captured_at: datetime
    cluster_name: str
    cluster_version: str
    questions: dict[str, str]
    """Language code to question."""
    expect: Expectation


@dataclass(frozen=True)
class Folder:
    """A loaded folder, with every time moved so that the moment of capture is `shift.present`."""

    path: Path
    scenario: Scenario
    shift: Shift
    objects: list[Object]
    usage: Usage | None
    """None when the cluster has no metrics server."""
    log_files: dict[tuple[str, str, str], Path] = field(default_factory=dict)
    """(namespace, pod, file name without `.log`) to file."""


class _TextLoader(yaml.CSafeLoader):
    """YAML where times stay text: nanoseconds and the written zone would not survive as datetimes."""


_TextLoader.yaml_implicit_resolvers = {
    letter: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for letter, resolvers in yaml.CSafeLoader.yaml_implicit_resolvers.items()
}


def load(path: Path | str, present: datetime | None = None) -> Folder:
    """Read a scenario folder; `present` (default now) is when its capture shall have been. Raises ScenarioError."""
    path = Path(path)
    if not path.is_dir():
        raise ScenarioError(f"{path}: not a scenario folder: there is no such folder")
    scenario = read_scenario(path)
    shift = Shift(scenario.captured_at, (present or times.now()).replace(microsecond=0))
    objects = [_shifted(obj, shift) for obj in _read_objects(path)]
    logs = {
        (file.parent.parent.name, file.parent.name, file.name.removesuffix(".log")): file
        for file in sorted(path.glob("logs/*/*/*.log"))
    }
    return Folder(path, scenario, shift, objects, _read_usage(path), logs)


def read_scenario(path: Path) -> Scenario:
    """Read only `scenario.yaml` of a folder. Raises ScenarioError."""
    document = Reader("scenario.yaml:", _parse_one(path, "scenario.yaml"))
    cluster, expect = document.child("cluster"), document.child("expect")
    questions = document.mapping("questions")
    if not questions:
        raise ScenarioError("scenario.yaml: questions: at least one language is needed")
    try:
        captured_at = times.parse(document.text("captured_at"))
    except ValueError:
        raise ScenarioError(f"scenario.yaml: captured_at: not an ISO time: {document.text('captured_at')!r}") from None
    return Scenario(
        title=document.text("title"),
        captured_at=captured_at,
        cluster_name=cluster.text("name"),
        cluster_version=cluster.text("version"),
        questions={str(language): str(question) for language, question in questions.items()},
        expect=_read_expectation(expect),
    )


def _read_expectation(expect: Reader) -> Expectation:
    healthy = expect.value("healthy")
    if not isinstance(healthy, bool):
        raise expect.error("healthy", f"must be true or false, not {healthy!r}")
    causes = tuple(
        RootCause(cause.text("resource"), cause.text("fault"), cause.texts("mentions"))
        for cause in expect.children("root_causes")
    )
    if healthy and causes:
        raise expect.error("root_causes", "must be empty when healthy is true")
    if not healthy and not causes:
        raise expect.error("root_causes", "must not be empty when healthy is false")
    remedy = expect.child("remedy") if expect.value("remedy", None) is not None else None
    if remedy and remedy.text("kind") not in REMEDIES:
        raise remedy.error("kind", f"must be one of {', '.join(REMEDIES)}, not {remedy.text('kind')!r}")
    return Expectation(
        healthy=healthy,
        root_causes=causes,
        not_blamed=expect.texts("not_blamed"),
        answer_mentions=expect.texts("answer_mentions"),
        remedy=Remedy(remedy.text("kind"), remedy.value("resource", None)) if remedy else None,
    )


def _parse(path: Path, name: str) -> Iterator[Any]:
    file = path / name
    if not file.is_file():
        raise ScenarioError(f"{name}: missing in {path}")
    try:
        yield from yaml.load_all(file.read_bytes(), _TextLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f" line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        problem = getattr(error, "problem", None) or str(error)
        raise ScenarioError(f"{name}:{where}: not YAML: {problem}") from error


def _parse_one(path: Path, name: str) -> Any:
    documents = list(_parse(path, name))
    if len(documents) != 1:
        raise ScenarioError(f"{name}: must hold one document, not {len(documents)}")
    return documents[0]


def _read_objects(path: Path) -> list[Object]:
    objects: list[Object] = []
    seen: set[tuple[str, str, str, str]] = set()
    for number, document in enumerate(_parse(path, "objects.yaml"), start=1):
        if document is None:  # the empty document after a trailing ---
            continue
        reader = Reader(f"objects.yaml: document {number}:", document)
        meta = reader.child("metadata")
        identity = (reader.text("apiVersion"), reader.text("kind"), meta.value("namespace", ""), meta.text("name"))
        if identity in seen:
            raise ScenarioError(f"objects.yaml: document {number}: a second {identity[1]} {identity[3]}")
        seen.add(identity)
        objects.append(document)
    return objects


def _read_usage(path: Path) -> Usage | None:
    if not (path / "usage.yaml").is_file():
        return None
    usage: Any = _parse_one(path, "usage.yaml") or {}
    if not isinstance(usage, dict):
        raise ScenarioError("usage.yaml: must be a mapping with nodes and pods")
    for place, entry in _usage_entries(usage):
        for name in ("cpu", "memory"):
            try:
                quantities.parse(entry[name])
            except (KeyError, TypeError, ValueError):
                found = entry.get(name, "missing") if isinstance(entry, dict) else entry
                raise ScenarioError(f"usage.yaml: {place}.{name}: not a quantity: {found!r}") from None
    return usage


def _usage_entries(usage: Usage) -> Iterator[tuple[str, Any]]:
    for node, entry in (usage.get("nodes") or {}).items():
        yield f"nodes.{node}", entry
    for pod, containers in (usage.get("pods") or {}).items():
        if pod.count("/") != 1 or not isinstance(containers, dict):
            raise ScenarioError(f"usage.yaml: pods.{pod}: must be namespace/pod with a mapping of containers")
        for container, entry in containers.items():
            yield f"pods.{pod}.{container}", entry


def _shifted(obj: Object, shift: Shift) -> Object:
    """All times of an object, moved. What ConfigMaps and Secrets hold is data and stays as it is: certificates and
    configuration cannot be re-dated without breaking them."""
    data = obj["kind"] in ("ConfigMap", "Secret")

    def moved(value: Any, prose: bool) -> Any:
        if isinstance(value, str):
            if times.is_iso(value):
                return shift.iso(value)
            return shift.text(value) if prose else value
        if isinstance(value, list):
            return [moved(item, prose) for item in value]
        if isinstance(value, dict):
            return {k: moved(item, prose or k in ("annotations", "message", "note")) for k, item in value.items()}
        return value

    return {name: value if data and name in _DATA_FIELDS else moved(value, False) for name, value in obj.items()}


def shift_audit(text: str, shift: Shift) -> str:
    """`audit.jsonl` with moved times. Raises ScenarioError for a line that is not JSON."""
    for number, line in enumerate(text.splitlines(), start=1):
        try:
            if line.strip():
                json.loads(line)
        except ValueError as error:
            raise ScenarioError(f"audit.jsonl: line {number}: not JSON: {error}") from error
    return shift.text(text)


def shift_metrics(text: str, shift: Shift) -> str:
    """OpenMetrics text with moved sample times (seconds). Raises ScenarioError for a line without a time."""
    lines: list[str] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if not line or line.startswith("#"):
            lines.append(line)
            continue
        head, _, written = line.rpartition(" ")
        whole, point, fraction = written.partition(".")
        if not whole.isdigit() or " " not in head:
            raise ScenarioError(f"metrics.om: line {number}: no timestamp at the end of {line[:60]!r}")
        lines.append(f"{head} {int(whole) + shift.seconds}{point}{fraction}")
    return "\n".join(lines) + "\n"
