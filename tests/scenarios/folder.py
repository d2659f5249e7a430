"""What is checked of a scenario folder: its parts parse, its truth is about things that exist, its clock is sane.

Each check yields complaints, one line each, written for the author of the story.
"""

import datetime as dt
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

HERE = Path(__file__).parent
DATA = HERE / "data"
FAULTS = frozenset((HERE / "faults.txt").read_text().split())
REMEDIES = frozenset(
    [
        "scale",
        "set_image",
        "set_resources",
        "set_env",
        "patch",
        "rollout_undo",
        "rollout_restart",
        "apply",
        "delete",
        "cordon",
        "uncordon",
        "none",
    ]
)
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def path_of(item: dict[str, Any]) -> str:
    """namespace/Kind/name, or Kind/name for what has no namespace."""
    meta = item["metadata"]
    return "/".join(filter(None, (meta.get("namespace"), item["kind"], meta["name"])))


class Folder:
    """A rendered scenario: path -> text, as the builder makes it or as it lies on disk."""

    def __init__(self, files: dict[str, str]) -> None:
        self.files = files
        self.truth: dict[str, Any] = yaml.load(files["scenario.yaml"], LOADER)
        self.objects: list[dict[str, Any]] = list(yaml.load_all(files["objects.yaml"], LOADER))
        self.paths = {path_of(o) for o in self.objects}

    @classmethod
    def read(cls, root: Path) -> "Folder":
        """From disk."""
        return cls({str(p.relative_to(root)): p.read_text() for p in sorted(root.rglob("*")) if p.is_file()})

    def complaints(self) -> Iterator[str]:
        """Everything that is wrong with the folder."""
        yield from self._questions()
        yield from self._expectations()
        yield from self._objects()
        yield from self._side_files()

    def _questions(self) -> Iterator[str]:
        questions = self.truth["questions"]
        if not re.search(r"[\u4e00-\u9fff]", questions["zh"]):
            yield "the Chinese question has no Chinese in it"
        if re.search(r"[\u4e00-\u9fff]", questions["en"]):
            yield "the English question has Chinese in it"
        if not isinstance(self.truth["captured_at"], dt.datetime):
            yield "captured_at is no timestamp"

    def _expectations(self) -> Iterator[str]:
        expect = self.truth["expect"]
        causes = expect["root_causes"]
        if expect["healthy"] == bool(causes):
            yield "healthy contradicts root_causes"
        for cause in causes:
            if cause["resource"] not in self.paths:
                yield f"{cause['resource']} is not among the objects"
            if cause["fault"] not in FAULTS:
                yield f"{cause['fault']} is no fault id"
            for pattern in cause["mentions"]:
                if not any(re.search(pattern, text) for name, text in self.files.items() if name != "scenario.yaml"):
                    yield f"nothing in the folder matches {pattern!r}"
        for resource in expect["not_blamed"]:
            if resource not in self.paths:
                yield f"{resource} (not_blamed) is not among the objects"
            if resource in {c["resource"] for c in causes}:
                yield f"{resource} is both a cause and not to be blamed"
        if remedy := expect.get("remedy"):
            if remedy["kind"] not in REMEDIES:
                yield f"{remedy['kind']} is no remedy"
            if remedy["resource"] not in self.paths and remedy["kind"] != "apply":
                yield f"{remedy['resource']} (remedy) is not among the objects"

    def _objects(self) -> Iterator[str]:
        if len(self.paths) != len(self.objects):
            seen: set[str] = set()
            twice = [p for o in self.objects if (p := path_of(o)) in seen or seen.add(p)]
            yield f"twice: {twice}"
        uids = {o["metadata"]["uid"] for o in self.objects}
        now = self.truth["captured_at"].replace(tzinfo=dt.UTC)
        for item in self.objects:
            for owner in item["metadata"].get("ownerReferences", []):
                if owner["uid"] not in uids:
                    yield f"{path_of(item)} is owned by {owner['kind']}/{owner['name']}, which does not exist"
            for stamp in _timestamps(item):
                if stamp > now + dt.timedelta(minutes=10):
                    yield f"{path_of(item)} has a time after captured_at: {stamp}"
        nodes = {o["metadata"]["name"] for o in self.objects if o["kind"] == "Node"}
        for item in self.objects:
            node = item["spec"].get("nodeName") if item["kind"] == "Pod" else None
            if node and node not in nodes:
                yield f"{path_of(item)} is on {node}, which does not exist"

    def _side_files(self) -> Iterator[str]:
        pods = {(o["metadata"]["namespace"], o["metadata"]["name"]): o for o in self.objects if o["kind"] == "Pod"}
        for name, text in self.files.items():
            parts = name.split("/")
            if parts[0] == "logs":
                pod = pods.get((parts[1], parts[2]))
                container = parts[3].removesuffix(".log").removesuffix(".previous")
                if not pod:
                    yield f"{name}: no such pod"
                elif container not in _containers(pod):
                    yield f"{name}: no such container"
                if not text.strip():
                    yield f"{name} is empty"
        for line in self.files.get("audit.jsonl", "").splitlines():
            if json.loads(line)["kind"] != "Event":
                yield "an audit entry is no Event"
        if "metrics.om" in self.files and not self.files["metrics.om"].endswith("# EOF\n"):
            yield "metrics.om does not end with # EOF"


def _containers(pod: dict[str, Any]) -> set[str]:
    spec = pod["spec"]
    return {c["name"] for key in ("containers", "initContainers") for c in spec.get(key, [])}


def _timestamps(value: Any) -> Iterator[dt.datetime]:
    if isinstance(value, dict):
        for key, v in value.items():
            if key != "deletionTimestamp":  # the end of the grace period, which may be still to come
                yield from _timestamps(v)
    elif isinstance(value, list):
        for v in value:
            yield from _timestamps(v)
    elif isinstance(value, str) and re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value):
        yield dt.datetime.strptime(value, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=dt.UTC)
