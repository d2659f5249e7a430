"""Changes of any object: patch, apply a manifest, delete."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import yaml

from agents.executor.action import ActionError, Note, Object, Target
from agents.executor.changes.change import Before, Change, known_arguments
from agents.executor.cluster_api import Verb, Write
from agents.executor.state import clean
from agents.runtime.findings import Action

_OWNED_BY_SERVER = ("status", "apiVersion", "kind")
_FIXED_METADATA = ("uid", "resourceVersion", "name", "namespace", "managedFields", "generation", "creationTimestamp")


def patch_resource(before: Before, arguments: Mapping[str, Any]) -> Change:
    """`patch`, and its `patch_type`: `merge` (default; RFC 7386), `strategic`, or `json` (RFC 6902, a list)."""
    given = known_arguments(arguments, "patch", "patch_type")
    _no_secrets(before.target)
    patch = parsed(given.get("patch"), "patch")
    kind = given.get("patch_type") or ("json" if isinstance(patch, list) else "merge")
    if kind not in ("merge", "strategic", "json"):
        raise ActionError(f"patch_type must be merge, strategic or json, not {kind!r}")
    if (kind == "json") != isinstance(patch, list):
        raise ActionError("a json patch is a list of operations; merge and strategic patches are objects")
    if isinstance(patch, list):
        _check_steps(patch)
    else:
        _check_patch(patch)
    return Change(
        arguments={"patch": patch, "patch_type": kind},
        writes=(before.write(cast("Verb", kind), patch),),
        notes=(Note(code="inverse_from_dry_run"),),
    )


def apply_manifest(before: Before, arguments: Mapping[str, Any]) -> Change:
    """`manifest`: one object, as YAML or JSON. Server-side apply without force; creates what is not there."""
    given = known_arguments(arguments, "manifest")
    _no_secrets(before.target)
    manifest = parsed(given.get("manifest"), "manifest")
    if not isinstance(manifest, dict) or not manifest.get("apiVersion"):
        raise ActionError("manifest must be one object with apiVersion, kind and metadata")
    named = target_of(manifest)
    if named != before.target and Target(before.target.namespace, named.kind, named.name) != before.target:
        raise ActionError(f"the manifest describes {named}, not {before.target}")
    body: Object = {key: value for key, value in manifest.items() if key != "status"}
    keep = {k: v for k, v in (manifest.get("metadata") or {}).items() if k in ("labels", "annotations", "finalizers")}
    place = {"name": before.target.name} | ({"namespace": before.target.namespace} if before.target.namespace else {})
    body["metadata"] = {**keep, **place}
    if before.object is None:
        back = Action(kind="delete_resource", resource=str(before.target))
        return Change(arguments={"manifest": body}, writes=(Write("create", before.target, body),), inverse=back)
    return Change(
        arguments={"manifest": body},
        writes=(before.write("apply", body),),
        notes=(Note(code="inverse_from_dry_run"),),
    )


def delete_resource(before: Before, arguments: Mapping[str, Any]) -> Change:
    """Deletes exactly the object that was seen: another one of the same name stays."""
    known_arguments(arguments)
    _no_secrets(before.target)
    obj = before.existing()
    metadata = obj["metadata"]
    owner = next((o for o in metadata.get("ownerReferences") or [] if o.get("controller")), None)
    write = before.write("delete")
    if owner:
        facts: dict[str, str | int] = {"owner": f"{owner.get('kind')}/{owner.get('name')}"}
        return Change({}, (write,), no_way_back=Note(code="owner_recreates", facts=facts))
    if before.target.kind in ("Namespace", "PersistentVolumeClaim", "PersistentVolume", "CustomResourceDefinition"):
        return Change({}, (write,), no_way_back=Note(code="contents_are_lost", facts={"kind": before.target.kind}))
    again = Action(kind="apply_manifest", resource=str(before.target), arguments={"manifest": _recreatable(obj)})
    return Change({}, (write,), inverse=again)


def patch_back(target: Target, before: Object, after: Object) -> Action:
    """The merge patch that leads from the state after back to the state before."""
    return Action(
        kind="patch_resource",
        resource=str(target),
        arguments={"patch": _merge_patch(clean(after), clean(before)), "patch_type": "merge"},
    )


def parsed(value: Any, name: str) -> Object | list[Any]:
    """An object or list, from JSON or from YAML text. Raises ActionError."""
    if isinstance(value, str):
        try:
            documents = [document for document in yaml.safe_load_all(value) if document is not None]
        except yaml.YAMLError as error:
            raise ActionError(f"{name} is neither YAML nor JSON: {error}") from error
        if len(documents) != 1:
            raise ActionError(f"{name} must hold one document, not {len(documents)}; propose one Action for each")
        value = documents[0]
    if not isinstance(value, dict | list) or not value:
        raise ActionError(f"{name} is missing or empty")
    return value


def target_of(manifest: Object) -> Target:
    """The object that a manifest describes. Raises ActionError when kind or name are missing."""
    metadata = manifest.get("metadata") or {}
    if not manifest.get("kind") or not metadata.get("name"):
        raise ActionError("the manifest needs kind and metadata.name")
    return Target(str(metadata.get("namespace") or ""), str(manifest["kind"]), str(metadata["name"]))


def _check_patch(patch: Object) -> None:
    fixed = [key for key in _OWNED_BY_SERVER if key in patch]
    fixed += [f"metadata.{key}" for key in _FIXED_METADATA if key in (patch.get("metadata") or {})]
    if fixed:
        raise ActionError(f"a patch may not touch {', '.join(fixed)}")


def _check_steps(patch: list[Any]) -> None:
    for step in patch:
        if not isinstance(step, dict) or "op" not in step or "path" not in step:
            raise ActionError(f"{step!r} is no step of a json patch; each has op and path")
        paths = [str(step.get("path")), str(step.get("from", ""))] if step["op"] == "move" else [str(step.get("path"))]
        for path in paths:
            parts = path.split("/")[1:]
            fixed = not parts or parts[0] in _OWNED_BY_SERVER or (parts[0] == "metadata" and len(parts) == 1)
            if step["op"] != "test" and (fixed or (parts[0] == "metadata" and parts[1] in _FIXED_METADATA)):
                raise ActionError(f"a patch may not touch {path or 'the whole object'}")


def _merge_patch(source: Any, wanted: Any) -> Any:
    if not isinstance(source, dict) or not isinstance(wanted, dict):
        return wanted
    patch = {key: None for key in source if key not in wanted}
    for key, value in wanted.items():
        if key not in source:
            patch[key] = value
        elif source[key] != value:
            patch[key] = _merge_patch(source[key], value)
    return patch


def _recreatable(obj: Object) -> Object:
    manifest = clean(obj)
    for key in ("ownerReferences", "deletionTimestamp", "deletionGracePeriodSeconds"):
        manifest["metadata"].pop(key, None)
    if obj.get("kind") == "Service" and manifest.get("spec", {}).get("clusterIP") != "None":
        manifest["spec"] = {k: v for k, v in manifest["spec"].items() if k not in ("clusterIP", "clusterIPs")}
    return manifest


def _no_secrets(target: Target) -> None:
    if target.kind == "Secret":
        raise ActionError(
            f"{target}: contents of Secrets never pass through the team, so it neither writes nor deletes them; "
            "do this one with your own tools, then ask again"
        )
