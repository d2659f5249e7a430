"""A story: a small cluster with something in it, the question that is asked, and the truth."""

import datetime as dt
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.scenarios.builder.clock import ts
from tests.scenarios.builder.cluster import Cluster
from tests.scenarios.builder.documents import dump_scenario

STORIES: dict[str, "Story"] = {}


@dataclass(frozen=True)
class Cause:
    """One root cause: the object, the fault id, and what an explanation must mention (regular expressions)."""

    resource: str
    fault: str
    mentions: tuple[str, ...]


def cause(resource: str, fault: str, *mentions: str) -> Cause:
    """Short for a Cause."""
    return Cause(resource, fault, mentions)


@dataclass(frozen=True)
class Story:
    """What the decorator `story` collects; `files()` renders the whole folder."""

    name: str
    title: str
    en: str
    zh: str
    causes: tuple[Cause, ...]
    spare: tuple[str, ...]
    remedy: tuple[str, str] | None
    answer: tuple[str, ...]
    family: str
    build: Callable[[Cluster], None]
    cluster: dict[str, Any] = field(default_factory=dict)

    def files(self) -> dict[str, str]:
        """Path inside the folder -> text."""
        seed = zlib.crc32(self.name.encode())
        moment = dt.datetime(2026, 3, 1, 6, tzinfo=dt.UTC) + dt.timedelta(days=seed % 250, minutes=seed % 840)
        settings = {"version": ("v1.34.1", "v1.33.5")[seed % 2], "cni": ("calico", "cilium", "flannel")[seed % 3]}
        settings |= self.cluster
        moment = settings.pop("now", moment)
        make = settings.pop("make", Cluster.small)
        c = make(f"{self.name.split('-')[0]}-{seed % 90 + 10}", ts(moment), **settings)
        self.build(c)
        rendered = c.files()
        return rendered | {"scenario.yaml": dump_scenario(self._truth(c))}

    def _truth(self, c: Cluster) -> dict[str, Any]:
        expect: dict[str, Any] = {
            "healthy": not self.causes,
            "root_causes": [
                {"resource": c.aliases.get(x.resource, x.resource), "fault": x.fault, "mentions": list(x.mentions)}
                for x in self.causes
            ],
            "not_blamed": list(self.spare),
        }
        if self.answer:
            expect["answer_mentions"] = list(self.answer)
        if self.remedy:
            expect["remedy"] = {"kind": self.remedy[0], "resource": self.remedy[1]}
        return {
            "title": self.title,
            "captured_at": c.now,
            "cluster": {"name": c.name, "version": c.version},
            "questions": {"en": self.en, "zh": self.zh},
            "expect": expect,
        }

    def write(self, root: Path) -> None:
        """Puts the folder down below `root`."""
        for path, text in self.files().items():
            target = root / self.name / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)


def story(
    name: str,
    title: str,
    *,
    en: str,
    zh: str,
    causes: list[Cause] | None = None,
    spare: list[str] | None = None,
    remedy: tuple[str, str] | None = None,
    answer: list[str] | None = None,
    **cluster: Any,
) -> Callable[[Callable[[Cluster], None]], Callable[[Cluster], None]]:
    """Registers a function that fills a Cluster. Without causes the cluster is healthy.

    Arguments: en, zh: the question; spare: what must not be blamed; remedy: (kind of Action, resource);
    answer: patterns for the answer to a question about facts; the rest goes to Cluster.small (or `make`).
    """

    def register(build: Callable[[Cluster], None]) -> Callable[[Cluster], None]:
        if name in STORIES:
            raise ValueError(f"two stories are called {name}: {build.__module__} and another")
        STORIES[name] = Story(
            name,
            title,
            en,
            zh,
            tuple(causes or ()),
            tuple(spare or ()),
            remedy,
            tuple(answer or ()),
            build.__module__.rsplit(".", 1)[-1],
            build,
            cluster,
        )
        return build

    return register
