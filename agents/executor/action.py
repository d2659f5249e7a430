"""An Action as prepared: what exactly would change, what it touches, how risky it is, and the way back."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Literal

from pydantic import Field

from agents.runtime.findings import Action, ActionKind, Wire

Object = dict[str, Any]
"""An object of the Kubernetes API, as JSON."""

RiskLevel = Literal["low", "medium", "high"]


class ActionError(ValueError):
    """An Action that cannot be prepared. The message says what is wrong with it and what would be right."""


@dataclass(frozen=True)
class Target:
    """The object that an Action changes."""

    namespace: str
    """Empty for a cluster-scoped object."""
    kind: str
    name: str

    def __str__(self) -> str:
        return "/".join(part for part in (self.namespace, self.kind, self.name) if part)

    @classmethod
    def parse(cls, resource: str) -> Target:
        """Reads `namespace/Kind/name` or `Kind/name`. Raises ActionError."""
        parts = resource.split("/")
        if len(parts) not in (2, 3) or not all(part.strip() for part in parts):
            raise ActionError(f"{resource!r} is no resource; write namespace/Kind/name, or Kind/name")
        return cls(*parts) if len(parts) == 3 else cls("", *parts)


class Note(Wire):
    """One remark, as a code with facts; `wording` says it in the asker's language."""

    code: str
    facts: dict[str, str | int] = Field(default_factory=dict)


class Precondition(Wire):
    """The state that the Action was prepared on. When it is no longer so, the Action is not applied."""

    uid: str | None = None
    """None: the object does not exist yet."""
    resource_version: str | None = None
    state: str = ""
    """Fingerprint of everything in the object but its status: status alone may move on before the approval."""


class Effects(Wire):
    """What else happens."""

    pods_restarted: int = 0
    replicas_before: int | None = None
    replicas_after: int | None = None
    pods: list[str] = Field(default_factory=list)
    """Pods that are evicted or deleted, `namespace/name`."""
    budgets: list[str] = Field(default_factory=list)
    """Disruption budgets that cover those pods: `namespace/name: N disruptions allowed`."""
    used_by: list[str] = Field(default_factory=list)
    """Objects that use this one, `namespace/Kind/name`."""
    notes: list[Note] = Field(default_factory=list)


class Risk(Wire):
    """How much can go wrong, and why."""

    level: RiskLevel = "low"
    reasons: list[Note] = Field(default_factory=list)


class PreparedAction(Wire):
    """A dry-run Action. `digest` is what an Approval is bound to."""

    cluster: str
    kind: ActionKind
    resource: str
    arguments: dict[str, Any]
    """Complete: defaults and moments filled in, so that the same arguments always make the same change."""
    precondition: Precondition
    outcome: str = ""
    """Fingerprint of the object after the dry run, empty for a deletion."""
    diff: str = ""
    """Unified diff of the YAML before and after, secrets masked."""
    dry_run: Literal["server", "none"] = "server"
    warnings: list[str] = Field(default_factory=list)
    lacking: list[str] = Field(default_factory=list)
    """Rights that the executor would need and does not have: `patch deployments/scale in shop`."""
    effects: Effects = Field(default_factory=Effects)
    risk: Risk = Field(default_factory=Risk)
    inverse: Action | None = None
    no_way_back: Note | None = None
    """Why there is no inverse."""

    @property
    def target(self) -> Target:
        """The object, parsed."""
        return Target.parse(self.resource)

    @property
    def digest(self) -> str:
        """SHA-256 of what is approved: cluster, object, kind, arguments, the state before and the state after."""
        return hash_of(
            {
                "cluster": self.cluster,
                "kind": self.kind,
                "resource": self.resource,
                "arguments": self.arguments,
                "precondition": self.precondition.model_dump(),
                "outcome": self.outcome,
            }
        )


def canonical(value: Any) -> str:
    """JSON with one spelling per value: sorted keys, no spaces. Raises ActionError for what JSON cannot say."""
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise ActionError(f"the arguments are not plain JSON: {error}") from error


def hash_of(value: Any) -> str:
    """SHA-256 over the canonical JSON, in hex."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()
