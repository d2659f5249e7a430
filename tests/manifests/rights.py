"""What a service account asked of the API server, as RBAC saw it, and what its roles grant."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import product
from typing import NamedTuple

from sandbox import Sandbox
from sandbox.access import Attributes, User
from sandbox.resources import Resource
from tests.manifests.built import Object, of_kind


class Right(NamedTuple):
    """One cell of RBAC."""

    verb: str
    group: str
    resource: str
    """With its subresource: `pods/log`."""


@dataclass
class Recorder:
    """Listens where the embedded API server authorizes requests, so nothing that is asked can be missed."""

    sandbox: Sandbox
    asked: dict[str, set[Right]] = field(default_factory=dict[str, set[Right]])
    """By user."""

    def __post_init__(self) -> None:
        access = self.sandbox.cluster.access
        check = access.check

        def recording(user: User, resource: Resource, wanted: Attributes) -> None:
            what = f"{wanted.resource}/{wanted.subresource}" if wanted.subresource else wanted.resource
            self.asked.setdefault(user.name, set()).add(Right(wanted.verb, wanted.group, what))
            check(user, resource, wanted)

        access.check = recording

    def by(self, account: str) -> set[Right]:
        """What a service account of the team asked for."""
        return self.asked.get(f"system:serviceaccount:kubeteam:{account}", set())


def granted(objects: list[Object], account: str) -> set[Right]:
    """Everything that the bindings among these objects give to a service account."""
    found: set[Right] = set()
    for suffix in ("Role", "ClusterRole"):
        roles = of_kind(objects, suffix)
        for binding in of_kind(objects, f"{suffix}Binding").values():
            if any(subject["name"] == account for subject in binding["subjects"]):
                for rule in roles[binding["roleRef"]["name"]]["rules"]:
                    found |= {Right(*cell) for cell in product(rule["verbs"], rule["apiGroups"], rule["resources"])}
    return found
