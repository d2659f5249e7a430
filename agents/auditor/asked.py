"""What an auditor is asked for, read from the planner's inputs and from the words themselves. Pure."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import timedelta

from agents.cluster.resources import Resource, pod_owner_by_name
from agents.cluster.times import iso, parse_time
from agents.cluster.words import kinds_in, mentions, namespace_in, window_in
from agents.runtime.definition import Turn

_CHANGES = re.compile(
    r"(?i)\b(?:who|whom|whose|changed?|changes|modif\w+|edit\w*|delet\w+|remov\w+|deploy(?:ed|s)|rolled|patch\w*"
    r"|created?|audit\w*|scaled|by whom|last touched)\b|谁|改动|改过|改了|变更|变动|修改|删|审计|创建|发布|操作|动过"
)
_DELETED = re.compile(r"(?i)\b(?:delet\w+|remov\w+|gone|vanished|disappeared)\b|删|没了|不见|消失")
_TROUBLE = re.compile(
    r"(?i)\b(?:wrong|fail\w*|error\w*|crash\w*|down|broken|slow|restart\w*|unavailable|trouble|incident|logs?|why"
    r"|happening|not working|stuck|pending|timeouts?|5\d\d)\b"
    r"|失败|报错|错误|异常|崩溃|故障|问题|日志|慢|重启|为什么|不可用|挂|打印"
)
_RIGHTS = re.compile(
    r"(?i)\b(?:permissions?|forbidden|denied|refused|unauthori[sz]ed|not allowed|rbac|403|access|rights?|privileges?)\b"
    r"|权限|拒绝|禁止|无权|授权|不允许"
)
_COMPONENTS = {
    "apiserver": re.compile(r"(?i)\bapi-?\s?server\b"),
    "scheduler": re.compile(r"(?i)\bscheduler\b|调度器"),
    "kcm": re.compile(r"(?i)\b(?:kcm|controller[ -]manager)\b|控制器管理器"),
    "ccm": re.compile(r"(?i)\b(?:ccm|cloud[ -]controller[ -]manager)\b|云控制器"),
    "etcd": re.compile(r"(?i)\betcd\b"),
}
_CONTROL_PLANE = re.compile(r"(?i)\bcontrol[ -]?plane\b|控制面|控制平面|管控")
_COMMON = re.compile(
    r"(?i)the|and|was|were|has|have|had|did|does|that|this|what|which|who|when|why|how|deleted|changed|with|from|last"
    r"|hour|in|on|is|port|logs?|errors?|events?|services?|pods?|deployments?|nodes?|namespaces?"
)
_DEFAULT_WINDOW = "24h"
_TROUBLE_WINDOW = "48h"
_DELETION_WINDOW = "7d"
_LEAD = timedelta(hours=48)
"""How long before the trouble its cause may have been set."""


@dataclass(frozen=True)
class Asked:
    """One question to the auditor."""

    changes: bool
    """Who did what is the question itself, not just background."""
    deletions: bool
    trouble: bool
    """Something goes wrong: events and logs are wanted."""
    rights: bool
    """It is about what somebody may do."""
    components: tuple[str, ...]
    """Parts of the control plane that were mentioned, as query_controlplane_logs calls them."""
    namespace: str | None
    resource: Resource | None
    names: tuple[str, ...]
    """Words that may be names of objects."""
    kinds: tuple[str, ...]
    """Plurals of the kinds that were mentioned."""
    start: str
    """How far back to look for changes."""
    window: str | None = None
    """How far back the question itself looks."""
    question: str = ""

    def concerns(self, resource: str) -> bool:
        """Whether a resource, `namespace/Kind/name`, is one that was named; a workload's pods count as the workload."""
        kind, name = ["", *resource.split("/")][-2:]
        owner = pod_owner_by_name(name) if kind in ("Pod", "ReplicaSet") else name
        if self.resource:
            return self.resource.name in (name, owner)
        return bool({name, owner} & set(self.names)) or mentions(self.question, [name, owner])


def asked_of(turn: Turn) -> Asked:
    """Reads a turn: inputs win over words, and the person's own words over the planner's."""
    inputs, question = turn.subtask.inputs, turn.subtask.question or turn.instruction
    resource = _resource(inputs.get("resource"))
    names = inputs.get("names")
    given = tuple(map(str, names)) if isinstance(names, list | tuple) else _candidates(question)
    namespace = inputs.get("namespace") or (resource.namespace if resource else None) or namespace_in(question)
    changes = bool(_CHANGES.search(question))
    deletions = bool(_DELETED.search(question))
    trouble = bool(_TROUBLE.search(question)) or not changes
    return Asked(
        changes=changes,
        deletions=deletions,
        trouble=trouble,
        rights=bool(_RIGHTS.search(question)),
        components=_components(question),
        namespace=str(namespace) if namespace else None,
        resource=resource,
        names=tuple(name for name in given if name != namespace),
        kinds=tuple(kinds_in(question)),
        start=_start(inputs.get("since"), question, trouble=trouble, deletions=deletions),
        window=window_in(question),
        question=question,
    )


def _components(question: str) -> tuple[str, ...]:
    named = tuple(name for name, pattern in _COMPONENTS.items() if pattern.search(question))
    if "ccm" in named and "kcm" in named and not re.search(r"(?i)\bkcm\b|kube-controller", question):
        named = tuple(name for name in named if name != "kcm")  # "cloud controller manager" holds the other's name
    return named or (("apiserver", "scheduler", "kcm", "ccm") if _CONTROL_PLANE.search(question) else ())


def _start(since: object, question: str, *, trouble: bool, deletions: bool) -> str:
    """A change comes before the trouble that it causes, so trouble widens the window."""
    if isinstance(since, str) and since:
        began = parse_time(since)
        return iso(began - _LEAD) if trouble and began else since
    window = window_in(question)
    if trouble:
        return window if window and window[-1] in "dw" else _TROUBLE_WINDOW
    return window or (_DELETION_WINDOW if deletions else _DEFAULT_WINDOW)


def _resource(text: object) -> Resource | None:
    if not isinstance(text, str) or not text:
        return None
    try:
        return Resource.parse(text)
    except ValueError:
        return Resource("", text)


def _candidates(question: str) -> tuple[str, ...]:
    """Words that look like names: quoted, hyphened, next to a kind, and Latin words among Chinese."""
    quoted = re.findall(r"[\"'`“‘「]([A-Za-z0-9][\w.-]*)[\"'`”’」]", question)
    hyphened = re.findall(r"\b[a-z][a-z0-9]*(?:-[a-z0-9]+)+\b", question)
    chinese = re.search(r"[㐀-鿿]", question)
    latin = re.findall(r"[a-z][a-z0-9-]{2,}", question) if chinese else []
    after = re.findall(
        r"(?i)\b(?:service|deployment|deploy|pod|statefulset|daemonset|configmap|secret|node|job|app|application|workload"
        r"|ingress|role|namespace)s?\s+(?:called |named )?([a-z][a-z0-9-]{1,62})\b",
        question,
    )
    before = re.findall(
        r"\b(?:the|of|did|does|is)\s+([a-z][a-z0-9-]{1,62})\s+"
        r"(?:service|deployment|pod|statefulset|daemonset|configmap|job|app|workload|ingress)s?\b",
        question,
    )
    words = [word for word in (*quoted, *hyphened, *after, *before, *latin) if not _COMMON.fullmatch(word)]
    return tuple(dict.fromkeys(words))
