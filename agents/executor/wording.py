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
    "call_has_no_way_back": (
        "it is another server's tool; how to take it back is not known here",
        "这是其他服务的工具，此处不知道如何撤销",
    ),
    # Effects.
    "call_effects_unknown": (
        "not known: MCP server {server} does the work, with its own rights",
        "未知：由 MCP 服务 {server} 以其自身权限执行",
    ),
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
    # Policy.
    "policy_tool": (
        "policy.tool_calls does not name tool {tool} of MCP server {server} for cluster {cluster}",
        "policy.tool_calls 没有为集群 {cluster} 列出 MCP 服务 {server} 的工具 {tool}",
    ),
    "policy_never": ("the policy never allows {kind}", "策略禁止 {kind}"),
    "policy_protected": ("namespace {namespace} is protected by the policy", "命名空间 {namespace} 受策略保护"),
    "policy_freeze": ("freeze {name!r} holds until {until}", "处于变更冻结期“{name}”，至 {until}"),
    "policy_replicas": (
        "{wanted} replicas are more than the policy's limit of {most}",
        "{wanted} 个副本超过策略上限 {most}",
    ),
    "policy_nodes": (
        "the policy allows {most} closed node(s) at a time, and these are closed: {closed}",
        "策略同时只允许停用 {most} 个节点，已停用：{closed}",
    ),
    "policy_rule": ("the policy's rule {name!r} forbids it", "策略规则“{name}”不允许"),
    "policy_no_rule": ("no rule of the policy allows it", "没有策略规则允许此操作"),
    "policy_approver": ("{who} may not approve changes of {risk} risk", "{who} 无权批准风险等级为 {risk} 的变更"),
    "lacks_rights": ("the executor lacks the right to {rights}", "执行器缺少权限：{rights}"),
    # Carrying out.
    "call_not_sent": (
        "the MCP server cannot be reached, the call was not sent: {why}",
        "无法连接 MCP 服务，调用未发出：{why}",
    ),
    "call_unclear": (
        "the call was sent and did not succeed ({why}); whether it changed anything is not known, and it is not "
        "repeated: look at it",
        "调用已发出但未成功（{why}）；无法确定是否已生效，不会重试：请人工检查",
    ),
    "call_answered": ("the tool answered: {answer}", "工具返回：{answer}"),
    "call_interrupted": (
        "the executor stopped during the call; whether it took place is not known, and it is not repeated: look at it",
        "调用期间执行器中断；无法确定是否已生效，不会重试：请人工检查",
    ),
    "changed_object": (
        "the object has changed since the approval, so nothing was applied: {why}",
        "批准之后对象已发生变化，未执行：{why}",
    ),
    "keeps_changing": ("the object keeps changing; nothing was applied", "对象不断变化，未执行"),
    "refused_by_server": ("the API server refused it, nothing was applied: {why}", "API 服务器拒绝，未执行：{why}"),
    "answer_was_lost": (
        "the API server's answer was lost ({why}); the object shows that the change took place",
        "API 服务器的应答丢失（{why}）；对象表明变更已生效",
    ),
    "answer_lost_and_not_seen": (
        "the API server did not answer ({why}) and the object is unchanged; it was not tried again",
        "API 服务器未应答（{why}），对象未变化；没有重试",
    ),
    "answer_lost_and_unclear": (
        "the API server did not answer ({why}) and the object does not tell whether the change took place: look at it",
        "API 服务器未应答（{why}），且无法从对象判断变更是否生效：请人工检查",
    ),
    "drained_partly": (
        "the node is closed, but these pods stay: {pods} ({why})",
        "节点已停止调度，但以下 Pod 未迁走：{pods}（{why}）",
    ),
    "superseded": (
        "another executor has taken this over; ask again for the outcome",
        "另一个执行器已接管；请稍后查询结果",
    ),
    "found_applied": ("found after a restart: the change took place", "重启后检查：变更已生效"),
    "found_not_applied": (
        "found after a restart: the change did not take place; it is not applied again, propose it anew",
        "重启后检查：变更未生效；不会自动重试，请重新提议",
    ),
    "found_unclear": (
        "after a restart the object does not tell whether the change took place: look at it",
        "重启后无法从对象判断变更是否生效：请人工检查",
    ),
    "found_undone": ("found after a restart: the change was taken back", "重启后检查：变更已撤销"),
    "undo_interrupted": (
        "the executor stopped while taking the change back, which did not take place: do it by hand",
        "撤销过程中执行器中断，撤销未生效：请人工处理",
    ),
    # Verification.
    "call_not_verified": (
        "the call names no object of this cluster, so what it did was not verified",
        "调用未指明本集群的对象，因此未验证其结果",
    ),
    "less_available": ("pods available: {before} before, {after} now", "可用 Pod：之前 {before}，现在 {after}"),
    "new_cause": ("new trouble: {cause}", "出现新问题：{cause}"),
    "rollout_incomplete": (
        "the rollout did not finish in time; pods available: {available}",
        "滚动更新未按时完成；可用 Pod：{available}",
    ),
    "not_diagnosed": (
        "the rollout is complete; there was no diagnosis to compare",
        "滚动更新完成；没有可对比的诊断结果",
    ),
    "cause_gone": ("gone: {cause}", "已消除：{cause}"),
    "cause_remains": ("still there: {cause}", "仍存在：{cause}"),
    "undo_impossible": ("it cannot be taken back", "无法撤销"),
    "undo_changed_since": (
        "not taken back, because somebody changed the object in the meantime; the way back was {inverse}",
        "对象已被他人修改，未自动撤销；撤销方法：{inverse}",
    ),
    "undo_begun_before": ("taking it back was begun before", "此前已开始撤销"),
    "undo_failed": (
        "TAKING IT BACK FAILED ({why}); do it by hand: {inverse}",
        "自动撤销失败（{why}）；请人工执行：{inverse}",
    ),
    # Risk.
    "foreign_tool": ("another server's tool, whose effects nobody here can foresee", "其他服务的工具，影响无法预见"),
    "destructive_tool": ("it says that it may destroy things", "该工具声明可能有破坏性"),
    "unannotated_tool": ("it does not say whether it destroys things", "该工具没有说明是否有破坏性"),
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
    "no_dry_run_of_server": (
        "without a dry run: this server has none, or none that the policy trusts",
        "未做试运行：该服务没有试运行，或策略不信任其试运行",
    ),
    "lacking": ("The executor lacks the right to {rights}", "执行器缺少权限：{rights}"),
    "dry_run": ("dry run on the server: accepted", "服务端试运行：通过"),
    "summary": ("Prepared, nothing was changed yet. Changes: {count}.", "已准备 {count} 项变更；尚未做任何修改。"),
    "approve_how": ("To decide: proposal `{id}`, digest `{digest}`", "审批：提议 `{id}`，摘要 `{digest}`"),
    "refused": ("Not allowed: {what}: {why}", "不允许：{what}：{why}"),
    "not_applied": ("Nothing was applied: {what}: {why}", "未执行：{what}：{why}"),
    "status_applied": ("Applied", "已执行"),
    "status_rejected": ("Rejected by {by}: {reason}", "已被 {by} 拒绝：{reason}"),
    "status_stopped": ("Stopped, nothing was applied", "已停止，未执行"),
    "status_failed": ("Failed, nothing was applied", "失败，未执行"),
    "status_unclear": ("It is not clear whether it was applied", "无法确定是否已执行"),
    "verdict_fixed": ("fixed", "已修复"),
    "verdict_unchanged": ("in effect; nothing got worse", "已生效，情况没有变差"),
    "verdict_unverified": ("not verified", "未验证"),
    "verdict_worse": ("it made things worse", "情况变差"),
    "undone": ("Taken back by itself: {inverse}", "已自动撤销：{inverse}"),
    "not_reached": ("Not tried, because an earlier change did not succeed: {what}", "前面的变更未成功，未执行：{what}"),
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
