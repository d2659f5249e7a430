"""What proposals and outcomes say, in English and Chinese. Codes come from risk, effects, changes and policy."""

from __future__ import annotations

from agents.executor.action import Note, RiskLevel
from agents.runtime.findings import Language

NOTES: dict[str, tuple[str, str]] = {
    # Why there is no way back.
    "restart_is_final": ("a restart cannot be taken back, and needs not be", "重启无法撤销，也无需撤销"),
    "revision_unknown": ("the current revision is not in the history", "当前版本不在历史记录中"),
    "env_from_elsewhere": (
        "{names} comes from a Secret or ConfigMap now; a plain value would replace the reference",
        "{names} 目前引用自 Secret 或 ConfigMap，普通值会替换该引用",
    ),
    "owner_recreates": ("{owner} makes a new one", "{owner} 会重新创建"),
    "contents_are_lost": ("what a {kind} holds is lost with it", "{kind} 中的内容会随之丢失"),
    "no_way_back": ("there is no way back", "没有撤销方法"),
    # Effects.
    "back_to_revision": ("goes back to revision {revision}", "回到版本 {revision}"),
    "evicted_pods_do_not_return": (
        "undoing opens the node again; evicted pods stay where they went",
        "撤销只会恢复节点调度；已驱逐的 Pod 不会迁回",
    ),
    "managed_by": (
        "{tool} manages this object and may put it back: change it at the source as well",
        "该对象由 {tool} 管理，可能会被改回：请同时修改源配置",
    ),
    "autoscaled": (
        "HorizontalPodAutoscaler {name} sets the replicas too",
        "HorizontalPodAutoscaler {name} 也会设置副本数",
    ),
    "may_not_see": ("could not look at {kinds}, so effects may be missing", "无权查看 {kinds}，影响可能不完整"),
    # Risk.
    "small_and_reversible": ("small and reversible", "影响小且可撤销"),
    "pod_is_replaced": ("the pod is replaced by a new one", "Pod 会被新的 Pod 替换"),
    "deletes": ("deletes an object", "会删除对象"),
    "evicts": ("evicts {pods} pods", "会驱逐 {pods} 个 Pod"),
    "less_capacity": ("leaves less capacity", "会减少容量"),
    "free_form": ("a free-form change, not checked by a rule of its own", "自由形式的修改，没有专门的校验规则"),
    "scales_to_zero": ("scales {before} replicas to zero: the service stops", "副本从 {before} 缩到 0：服务会停止"),
    "scales_far": ("from {before} to {after} replicas is a large step", "副本从 {before} 到 {after}，幅度很大"),
    "changes_rights": ("changes who may do what", "会改变权限"),
    "cluster_wide": ("concerns the whole cluster", "影响整个集群"),
    "stateful": ("a StatefulSet: its pods have data and an order", "StatefulSet：Pod 有数据且有顺序"),
    "replaces_pods": ("replaces {pods} running pods", "会替换 {pods} 个运行中的 Pod"),
    "single_replica": ("there is a single replica", "只有一个副本"),
    "no_disruption": ("disruption budget {budget} allows no disruption now", "中断预算 {budget} 目前不允许中断"),
    "will_be_overridden": ("something else may override it", "可能被其他组件覆盖"),
}

LABELS: dict[str, tuple[str, str]] = {
    "proposed": ("Proposed", "提议"),
    "risk": ("Risk", "风险"),
    "low": ("low", "低"),
    "medium": ("medium", "中"),
    "high": ("high", "高"),
    "effects": ("Effects", "影响"),
    "restarts": ("pods restarted: {count}", "重启的 Pod 数：{count}"),
    "replicas": ("replicas {before} -> {after}", "副本 {before} -> {after}"),
    "budget": ("disruption budget {budget} disruptions allowed", "中断预算 {budget} 次可中断"),
    "used_by": ("used by {names}", "被 {names} 使用"),
    "evicted": ("evicted or deleted: {names}", "驱逐或删除：{names}"),
    "way_back": ("Way back", "撤销方法"),
    "none": ("none", "无"),
    "warning": ("Warning", "警告"),
    "no_dry_run": ("without a dry run: the right to write is missing", "未做试运行：缺少写权限"),
    "lacking": ("The executor lacks the right to {rights}", "执行器缺少权限：{rights}"),
    "dry_run": ("dry run on the server: accepted", "服务端试运行：通过"),
    "summary": ("Prepared, nothing was changed yet. Changes: {count}.", "已准备 {count} 项变更；尚未做任何修改。"),
    "not_prepared": ("Could not prepare {what}: {why}", "无法准备 {what}：{why}"),
}


def say(note: Note, language: Language) -> str:
    """A note in the language. A code without words is a mistake in this file, so it fails loudly."""
    return NOTES[note.code][_column(language)].format(**note.facts)


def label(code: str, language: Language, **facts: object) -> str:
    """A fixed word or phrase."""
    return LABELS[code][_column(language)].format(**facts)


def level(risk: RiskLevel, language: Language) -> str:
    """The risk level as a word."""
    return label(risk, language)


def _column(language: Language) -> int:
    return 1 if language == "zh" else 0
