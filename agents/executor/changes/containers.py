"""Changes of one container in a workload's pod template: resources, image, environment."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from agents.executor.action import ActionError, Note, Object
from agents.executor.changes.change import (
    Before,
    Change,
    container_of,
    known_arguments,
    template_patch,
)
from agents.executor.changes.quantity import amount
from agents.executor.cluster_api import Write
from agents.runtime.findings import Action, ActionKind

_IMAGE = re.compile(
    r"^(?:[a-zA-Z0-9][\w.-]*(?::\d+)?/)?[a-z0-9]+(?:[._/-]+[a-z0-9]+)*"
    r"(?::[\w][\w.-]{0,127})?(?:@sha256:[0-9a-f]{64})?$"
)
_ENV_NAME = re.compile(r"^[-._a-zA-Z][-._a-zA-Z0-9]*$")
_RESOURCE_NAME = re.compile(r"^[a-z0-9]([-a-z0-9./]*[a-z0-9])?$")


def set_resources(before: Before, arguments: Mapping[str, Any]) -> Change:
    """`container`, `requests` and `limits` as `{"memory": "512Mi"}`; None (or "") removes one."""
    given = known_arguments(arguments, "container", "requests", "limits")
    group, container = container_of(before, given.get("container"))
    wanted = {part: _quantities(part, given[part]) for part in ("requests", "limits") if given.get(part)}
    if not wanted:
        raise ActionError('nothing to set: give requests or limits, such as {"limits": {"memory": "512Mi"}}')
    now: Object = container.get("resources") or {}
    _check_order(container["name"], now, wanted)
    back = {part: {key: (now.get(part) or {}).get(key) for key in values} for part, values in wanted.items()}
    name = container["name"]
    return Change(
        arguments={"container": name, **wanted},
        writes=(_write(before, group, {"name": name, "resources": wanted}),),
        inverse=_back(before, "set_resources", {"container": name, **back}),
    )


def set_image(before: Before, arguments: Mapping[str, Any]) -> Change:
    """`image`: a whole reference, or `:tag` / `tag` of the image that runs now; `container` when there are several."""
    given = known_arguments(arguments, "container", "image")
    group, container = container_of(before, given.get("container"))
    image, now = (
        complete_image(str(given.get("image") or ""), str(container.get("image") or "")),
        container.get("image"),
    )
    name = container["name"]
    return Change(
        arguments={"container": name, "image": image},
        writes=(_write(before, group, {"name": name, "image": image}),),
        inverse=_back(before, "set_image", {"container": name, "image": now}),
    )


def set_env(before: Before, arguments: Mapping[str, Any]) -> Change:
    """`env` as `{"NAME": "value"}`; None removes one. `container` when there are several."""
    given = known_arguments(arguments, "container", "env")
    group, container = container_of(before, given.get("container"))
    env = given.get("env")
    if not isinstance(env, Mapping) or not env:
        raise ActionError('env is missing: give names and values, such as {"LOG_LEVEL": "debug"}; null removes one')
    now = {str(entry["name"]): entry for entry in container.get("env") or []}
    wanted: dict[str, str | None] = {}
    for key, value in env.items():
        if not _ENV_NAME.match(str(key)):
            raise ActionError(f"{key!r} is no name for an environment variable")
        if value is None and key not in now:
            raise ActionError(f"container {container['name']} has no environment variable {key}")
        wanted[str(key)] = value if value is None else str(value)
    from_elsewhere = sorted(key for key in wanted if "valueFrom" in now.get(key, {}))
    back = {key: now[key].get("value", "") if key in now else None for key in wanted}
    name = container["name"]
    return Change(
        arguments={"container": name, "env": wanted},
        writes=(_write(before, group, {"name": name, "env": [_entry(k, v, now) for k, v in wanted.items()]}),),
        inverse=None if from_elsewhere else _back(before, "set_env", {"container": name, "env": back}),
        no_way_back=Note(code="env_from_elsewhere", facts={"names": ", ".join(from_elsewhere)})
        if from_elsewhere
        else None,
    )


def complete_image(wanted: str, now: str) -> str:
    """A whole image reference: a bare tag (`v2`, `:v2`) keeps the repository that runs now. Raises ActionError."""
    if not wanted:
        raise ActionError("image is missing: which image or tag?")
    repository = re.sub(r"(@sha256:.*|:[^/:]+)$", "", now.split("@")[0])
    if wanted.startswith(":"):
        wanted = repository + wanted
    elif repository and re.fullmatch(r"v?\d[\w.-]*", wanted):
        wanted = f"{repository}:{wanted}"
    if not _IMAGE.match(wanted):
        raise ActionError(f"{wanted!r} is no image reference; write repository:tag or repository@sha256:…")
    return wanted


def _entry(key: str, value: str | None, now: Mapping[str, Any]) -> Object:
    if value is None:
        return {"name": key, "$patch": "delete"}
    replaced = {"valueFrom": None} if "valueFrom" in now.get(key, {}) else {}
    return {"name": key, "value": value, **replaced}


def _write(before: Before, group: str, container: Object) -> Write:
    patch = template_patch(before.target.kind, {"spec": {group: [container]}})
    return before.write("strategic", patch)


def _back(before: Before, kind: ActionKind, arguments: Object) -> Action:
    return Action(kind=kind, resource=str(before.target), arguments=arguments)


def _quantities(part: str, values: Any) -> dict[str, str | None]:
    if not isinstance(values, Mapping):
        raise ActionError(f'{part} must map names to amounts, such as {{"memory": "512Mi"}}, not {values!r}')
    for name, value in values.items():
        if not _RESOURCE_NAME.match(str(name)):
            raise ActionError(f"{name!r} in {part} is no name of a resource; use cpu, memory, ephemeral-storage, …")
        if value not in (None, ""):
            amount(str(value), f"{part}.{name}")
    return {str(name): str(value) if value not in (None, "") else None for name, value in values.items()}


def _check_order(container: str, now: Object, wanted: Mapping[str, Mapping[str, str | None]]) -> None:
    """A request above its limit is refused by the API server, in other words; say it in ours, with the numbers."""
    merged = {part: {**(now.get(part) or {}), **wanted.get(part, {})} for part in ("requests", "limits")}
    for name, limit in merged["limits"].items():
        request = merged["requests"].get(name)
        if limit and request and amount(str(request), name) > amount(str(limit), name):
            raise ActionError(f"container {container} would request {request} {name}, more than its limit of {limit}")
