"""How the planner says things, in English and Chinese: headings, times, and Actions as a phrase. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from agents.runtime.findings import Action, Change, Language

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "cause_one": "**Root cause: `{resource}`** ({fault}).",
        "cause_many": "**{count} root causes were found.**",
        "cause": "Root cause",
        "causes": "Root causes",
        "since": "Since {time} ({ago}).",
        "confidence": "Confidence {percent} %",
        "chain": "How it leads to the symptom",
        "changed": "What changed",
        "change": "`{resource}`: `{field}` {values}{at}{by}{source}",
        "to": "{before} → {after}",
        "set": "was set to {after}",
        "gone": "{before} was removed",
        "altered": "was changed",
        "at": ", {time}",
        "by": ", by {who}",
        "source": " ({source})",
        "now": "What to do now",
        "later": "What to do in the long run",
        "approval": "Nothing has been changed: a change needs your approval. {how}",
        "way_back": "Way back: {action}",
        "risk": "Risk: {level}",
        "no_dry_run": "The dry run failed: {reason}",
        "lacking": "The executor lacks the right to: {rights}",
        "evidence": "Evidence",
        "seen": "Also seen",
        "says": "What {name} says",
        "elsewhere": "Unrelated, seen on the way",
        "missing": "What is missing",
        "healthy": "**No fault was found.** Everything that was looked at works as it should.",
        "healthy_partly": "**No fault was found, but not everything could be seen** (see below).",
        "undiagnosed": "**The cause could not be established**: {reason}",
        "nothing": "**No specialist answered, so there is nothing to report.**",
        "failed": "{specialist} ({title}): {reason}",
        "skipped": "{specialist} ({title}): not asked, because what it needs did not arrive",
        "no_actions": "Nothing has to be changed.",
        "ago_s": "{n} s ago",
        "ago_m": "{n} min ago",
        "ago_h": "{n} h ago",
        "ago_d": "{n} d ago",
        "prepared": "The change is prepared as a dry run; nothing has been applied.",
        "unreachable": "could not be reached",
        "asks_approval": "Waiting for approval, nothing has been changed yet. Changes: {count}.",
        "how_to_approve": "To decide: `kubeteam approve {id}` or `kubeteam reject {id} --reason …`, or "
        "`POST /v1/requests/{id}/approvals`. Words alone approve nothing.",
        "digest": "digest {digest}",
        "proposal": "Proposal `{id}`, digest `{digest}`",
        "anew": "The proposals had expired, so they were prepared anew; please look at them again.",
        "refused": "Not allowed: {why}",
        "done": "What was done",
        "again": "Diagnosed again",
        "again_clean": "No fault is found any more in what was asked about.",
        "again_causes": "Still found, or found now: {causes}",
        "fixed": "**Fixed: what was approved was applied, and its cause is gone.**",
        "in_effect": "**Applied, and nothing got worse; whether it ends the trouble is not shown.**",
        "undone": "**It made things worse and was taken back.**",
        "undo_failed": "**It made things worse, and taking it back did not succeed: somebody has to look now.**",
        "not_done": "**Not everything that was approved was applied.**",
        "unclear": "**It is not certain whether everything that was approved took effect.**",
        "rejected": "**Rejected; nothing was changed.**",
        "decided_by": "Decided by {by}{reason}. Journal: `{proposal}`.",
        "because": ": {reason}",
        "not_known": "{action}: {reason}",
        "not_tried": "not tried, because an earlier change did not succeed",
    },
    "zh": {
        "cause_one": "**根因：`{resource}`**（{fault}）。",
        "cause_many": "**共找到 {count} 个根因。**",
        "cause": "根因",
        "causes": "根因",
        "since": "开始时间：{time}（{ago}）。",
        "confidence": "置信度 {percent}%",
        "chain": "如何导致该现象",
        "changed": "改动了什么",
        "change": "`{resource}`：`{field}` {values}{at}{by}{source}",
        "to": "{before} → {after}",
        "set": "被设为 {after}",
        "gone": "{before} 被移除",
        "altered": "被修改",
        "at": "，{time}",
        "by": "，操作者 {who}",
        "source": "（{source}）",
        "now": "现在该做什么",
        "later": "长期该做什么",
        "approval": "尚未做任何变更：变更需要你的批准。{how}",
        "way_back": "回退方法：{action}",
        "risk": "风险：{level}",
        "no_dry_run": "试运行失败：{reason}",
        "lacking": "执行者缺少权限：{rights}",
        "evidence": "证据",
        "seen": "另外观察到",
        "says": "{name} 的回答",
        "elsewhere": "途中发现的无关问题",
        "missing": "缺少的信息",
        "healthy": "**没有发现故障。** 检查过的内容都运行正常。",
        "healthy_partly": "**没有发现故障，但并非所有内容都能看到**（见下文）。",
        "undiagnosed": "**无法确定原因**：{reason}",
        "nothing": "**没有任何专家作出回答，因此无法给出结论。**",
        "failed": "{specialist}（{title}）：{reason}",
        "skipped": "{specialist}（{title}）：未询问，因为它所需的结果没有得到",
        "no_actions": "无需任何变更。",
        "ago_s": "{n} 秒前",
        "ago_m": "{n} 分钟前",
        "ago_h": "{n} 小时前",
        "ago_d": "{n} 天前",
        "prepared": "变更已以试运行方式准备好，尚未执行。",
        "unreachable": "无法连接",
        "asks_approval": "等待批准，尚未做任何变更。共 {count} 项：",
        "how_to_approve": "审批方法：`kubeteam approve {id}` 或 `kubeteam reject {id} --reason …`，"
        "或 `POST /v1/requests/{id}/approvals`。仅用文字回复不会执行任何变更。",
        "digest": "摘要 {digest}",
        "proposal": "提议 `{id}`，摘要 `{digest}`",
        "anew": "提议已过期，已重新准备，请再看一遍。",
        "refused": "不允许：{why}",
        "done": "做了什么",
        "again": "再次诊断",
        "again_clean": "所问的对象已不再有故障。",
        "again_causes": "仍然存在或新出现：{causes}",
        "fixed": "**已修复：批准的变更已执行，原因已消除。**",
        "in_effect": "**已执行，情况没有变差；是否解决了问题尚无法证明。**",
        "undone": "**变更使情况变差，已自动撤销。**",
        "undo_failed": "**变更使情况变差，且撤销未成功：需要有人立即处理。**",
        "not_done": "**批准的变更没有全部执行。**",
        "unclear": "**无法确定批准的变更是否全部生效。**",
        "rejected": "**已拒绝，未做任何变更。**",
        "decided_by": "决定人：{by}{reason}。日志：`{proposal}`。",
        "because": "（{reason}）",
        "not_known": "{action}：{reason}",
        "not_tried": "前面的变更未成功，未执行",
    },
}

_ACTIONS: dict[Language, dict[str, str]] = {
    "en": {
        "scale_workload": "scale `{resource}` to {replicas} replicas",
        "set_resources": "set resources of `{resource}`{rest}",
        "set_image": "set the image of `{resource}`{rest}",
        "set_env": "set environment variables of `{resource}`{rest}",
        "restart_rollout": "restart `{resource}`",
        "undo_rollout": "roll `{resource}` back{rest}",
        "patch_resource": "patch `{resource}`{rest}",
        "apply_manifest": "apply the manifest of `{resource}`",
        "delete_resource": "delete `{resource}`",
        "cordon_node": "cordon `{resource}`",
        "uncordon_node": "uncordon `{resource}`",
        "drain_node": "drain `{resource}`{rest}",
        "call_tool": "call another server's tool for `{resource}`{rest}",
    },
    "zh": {
        "scale_workload": "把 `{resource}` 调整为 {replicas} 个副本",
        "set_resources": "设置 `{resource}` 的资源{rest}",
        "set_image": "设置 `{resource}` 的镜像{rest}",
        "set_env": "设置 `{resource}` 的环境变量{rest}",
        "restart_rollout": "重启 `{resource}`",
        "undo_rollout": "回滚 `{resource}`{rest}",
        "patch_resource": "修改 `{resource}`{rest}",
        "apply_manifest": "应用 `{resource}` 的清单",
        "delete_resource": "删除 `{resource}`",
        "cordon_node": "封锁 `{resource}`",
        "uncordon_node": "解除封锁 `{resource}`",
        "drain_node": "排空 `{resource}`{rest}",
        "call_tool": "为 `{resource}` 调用其他服务的工具{rest}",
    },
}


def say(language: Language, key: str, **values: Any) -> str:
    """One of WORDS, filled in."""
    return WORDS[language][key].format(**values)


def action_phrase(action: Action, language: Language) -> str:
    """What an Action does, as an order: "scale `front/Deployment/web` to 5 replicas"."""
    shown = action.arguments
    if action.kind == "call_tool":  # its arguments may hold anything; the proposal's diff shows them masked
        shown = {name: value for name, value in shown.items() if name in ("server", "tool")}
    rest = arguments_text(shown)
    template = _ACTIONS[language][action.kind]
    if action.kind == "scale_workload" and "replicas" not in action.arguments:
        template = "{kind} `{resource}`{rest}"
    colon = ": " if language == "en" else "："
    return template.format(
        kind=action.kind,
        resource=action.resource,
        replicas=action.arguments.get("replicas"),
        rest=f"{colon}{rest}" if rest else "",
    )


def arguments_text(arguments: dict[str, Any]) -> str:
    """Arguments for people, on one line: `container=app, limits.memory=512Mi`."""
    return ", ".join(f"{name}={_value(value)}" for name, value in _flat(arguments))


def _flat(arguments: dict[str, Any], prefix: str = "") -> list[tuple[str, Any]]:
    pairs: list[tuple[str, Any]] = []
    for name, value in arguments.items():
        if isinstance(value, dict) and value:
            pairs.extend(_flat(value, f"{prefix}{name}."))
        elif value not in (None, {}, [], ""):
            pairs.append((f"{prefix}{name}", value))
    return pairs


def _value(value: Any) -> str:
    text = str(value)
    return text if len(text) <= 120 else text[:119] + "…"


def change_phrase(change: Change, language: Language) -> str:
    """What was altered, from what to what, when and by whom, as far as it is known."""
    words = WORDS[language]
    if change.before is not None and change.after is not None:
        values = words["to"]
    elif change.after is not None:
        values = words["set"]
    else:
        values = words["gone"] if change.before is not None else words["altered"]
    return words["change"].format(
        resource=change.resource,
        field=change.field,
        values=values.format(before=change.before, after=change.after),
        at=words["at"].format(time=time_text(change.at)) if change.at else "",
        by=words["by"].format(who=change.by) if change.by else "",
        source=words["source"].format(source=change.source) if change.source else "",
    )


def time_text(moment: datetime) -> str:
    """UTC to the second, as logs write it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def ago(moment: datetime, now: datetime, language: Language) -> str:
    """How long ago, in the one unit that says it best."""
    seconds = max(0, int((now - moment).total_seconds()))
    for key, size, below in (("ago_s", 1, 120), ("ago_m", 60, 120), ("ago_h", 3600, 48)):
        if seconds // size < below:
            return say(language, key, n=seconds // size)
    return say(language, "ago_d", n=seconds // 86400)
