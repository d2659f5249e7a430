"""The sentences that `requests` understands, in English and Chinese, and what each one's words become. Pure."""

# ruff: noqa: E501  (a pattern broken over lines is harder to read than a long one)

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from agents.runtime.findings import ActionKind

_NAME = r"[`\"'“]?(?P<name>[a-z0-9](?:[a-z0-9./-]*[a-z0-9])?)[`\"'”]?"
_KINDS = "deployment|deploy|statefulset|sts|daemonset|ds|cronjob|cj|replicaset|rs|pod|po|service|svc|configmap|cm|job"
_KIND = rf"(?:(?P<kind>{_KINDS})s?[ /])?"
_THE = r"(?:the )?"
_TARGET = rf"{_THE}{_KIND}{_NAME}(?: (?P<kind_after>{_KINDS}))?"
_CONTAINER = r"(?:(?:'s)? container (?P<container>[a-z0-9-]+))?"
_AMOUNT = r"(?P<amount>\d+(?:\.\d+)?(?:m|[KMGT]i?)?)"
_PART = r"(?P<part>requests?|limits?)"
_WHAT = r"(?P<what>memory|cpu)"
_IMAGE = r"(?P<image>[\w./:@-]*[\w])"

Build = Callable[[dict[str, str]], dict[str, Any]]


def _no_arguments(_: dict[str, str]) -> dict[str, Any]:
    return {}


def _replicas(found: dict[str, str]) -> dict[str, Any]:
    return {"replicas": int(found["count"])}


def _image(found: dict[str, str]) -> dict[str, Any]:
    return _container(found) | {"image": found["image"]}


def _env(found: dict[str, str]) -> dict[str, Any]:
    return _container(found) | {"env": {found["key"]: found["value"]}}


def _resources(found: dict[str, str]) -> dict[str, Any]:
    what = {"内存": "memory"}.get(found["what"], found["what"].lower())
    part = "requests" if found.get("part", "").startswith(("request", "请求")) else "limits"
    return _container(found) | {part: {what: found["amount"]}}


def _revision(found: dict[str, str]) -> dict[str, Any]:
    return {"to_revision": int(found["revision"])} if found.get("revision") else {}


def _container(found: dict[str, str]) -> dict[str, Any]:
    return {"container": found["container"]} if found.get("container") else {}


SENTENCES: list[tuple[ActionKind, str, Build]] = [
    ("scale_workload", rf"scale (?:up |down )?{_TARGET}(?: up| down)? to (?P<count>\d+)(?: replicas?| pods?)?", _replicas),
    ("scale_workload", rf"(?:把|将)?\s*{_KIND}{_NAME}\s*(?:的副本数?)?\s*(?:扩容|缩容|扩缩容|伸缩|调整|改|设置?)(?:到|为|成)\s*(?P<count>\d+)\s*(?:个)?\s*(?:副本|实例|pods?)?", _replicas),
    ("set_resources", rf"(?:set|raise|lower|increase|decrease|change|restore|put) {_THE}{_WHAT} (?:{_PART} )?(?:of|on|for) {_TARGET}{_CONTAINER} (?:back )?to {_AMOUNT}", _resources),
    ("set_resources", rf"(?:set|raise|lower|increase|decrease|change|restore) {_TARGET}(?:'s)? {_WHAT} (?:{_PART} )?(?:back )?to {_AMOUNT}", _resources),
    ("set_resources", rf"(?:把|将)?\s*{_KIND}{_NAME}\s*的?\s*(?:容器\s*(?P<container>[a-z0-9-]+)\s*的?\s*)?(?P<what>内存|CPU|memory)\s*的?\s*(?P<part>请求|限制|上限|limits?|requests?)?\s*(?:改|调|设|设置|恢复|提高|降低|调整|增加|扩)(?:回|到|为|成|大到|高到|回到)\s*{_AMOUNT}", _resources),
    ("set_image", rf"(?:set|change|update|upgrade|roll) {_THE}image (?:of|on|for) {_TARGET}{_CONTAINER} (?:back )?to {_IMAGE}", _image),
    ("set_image", rf"(?:set|change|update|upgrade) {_TARGET}(?:'s)? (?:image|version) (?:back )?to {_IMAGE}", _image),
    ("set_image", rf"(?:把|将)?\s*{_KIND}{_NAME}\s*的?\s*(?:镜像|版本)\s*(?:版本)?\s*(?:改|换|更新|升级|回退|设|设置)(?:回|到|为|成)\s*{_IMAGE}", _image),
    ("set_env", rf"set (?:env |{_THE}environment variable )?(?P<key>[A-Z_][A-Z0-9_]*)(?:=| to )(?P<value>\S+) (?:of|on|for|in) {_TARGET}{_CONTAINER}", _env),
    ("set_env", rf"(?:把|将)?\s*{_KIND}{_NAME}\s*的?\s*(?:环境变量)?\s*(?P<key>[A-Z_][A-Z0-9_]*)\s*(?:改|设|设置)(?:为|成|到)\s*(?P<value>\S+)", _env),
    ("undo_rollout", rf"(?:undo|revert|roll ?back) (?:{_THE}(?:last |latest )?(?:rollout|release|deployment|change) (?:of|on|for) )?{_TARGET}(?: to revision (?P<revision>\d+))?", _revision),
    ("undo_rollout", rf"(?:把|将)?\s*(?:回滚|撤销)\s*{_KIND}{_NAME}\s*(?:的?\s*(?:上一?次|最近一次)?(?:发布|上线|rollout|更新))?\s*(?:到版本\s*(?P<revision>\d+))?", _revision),
    ("undo_rollout", rf"(?:把|将)\s*{_KIND}{_NAME}\s*(?:回滚|回退)(?:到(?:上一个|上一)?版本\s*(?P<revision>\d+)?)?", _revision),
    ("restart_rollout", rf"(?:restart|bounce|roll(?:ing)? restart) {_TARGET}", _no_arguments),
    ("restart_rollout", rf"(?:重启|滚动重启)(?:一下)?\s*{_KIND}{_NAME}", _no_arguments),
    ("restart_rollout", rf"(?:把|将)\s*{_KIND}{_NAME}\s*(?:滚动)?重启(?:一下)?", _no_arguments),
    ("uncordon_node", rf"(?:uncordon|恢复调度|解除封锁|取消封锁)\s*{_THE}(?:节点|node)?\s*{_NAME}", _no_arguments),
    ("cordon_node", rf"(?:cordon|封锁|停止调度|禁止调度)\s*{_THE}(?:节点|node)?\s*{_NAME}", _no_arguments),
    ("drain_node", rf"(?:drain|排空|驱逐)\s*{_THE}(?:节点|node)?\s*{_NAME}", _no_arguments),
    ("delete_resource", rf"(?:delete|remove) {_THE}(?P<kind>[a-z]+)[ /]{_NAME}", _no_arguments),
    ("delete_resource", rf"删除\s*(?P<kind>[a-zA-Z]+)[ /]{_NAME}", _no_arguments),
]  # fmt: skip
"""Kind, pattern of the whole sentence, and the builder of the arguments."""
