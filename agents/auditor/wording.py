"""The auditor's sentences, in English and Chinese."""

from __future__ import annotations

from agents.runtime.findings import Language

_SENTENCES: dict[str, dict[Language, str]] = {
    "changed": {
        "en": "{count} change(s) {window}; the latest: **{user}** {verb} `{resource}` at {time}{fields}.",
        "zh": "{window}共有 {count} 次变更；最近一次：**{user}** 于 {time} {verb} `{resource}`{fields}。",
    },
    "window_ago": {"en": "in the last {start}", "zh": "最近 {start} 内"},
    "window_since": {"en": "since {start}", "zh": "自 {start} 起"},
    "deleted": {
        "en": "**{user}** deleted `{resource}` at {time}.",
        "zh": "**{user}** 于 {time} 删除了 `{resource}`。",
    },
    "last_known": {
        "en": "`{resource}` as it last was: {facts}.",
        "zh": "`{resource}` 被删除前的内容：{facts}。",
    },
    "last_unknown": {
        "en": "What `{resource}` contained is not in the audit log: its policy recorded no request bodies.",
        "zh": "审计日志未记录 `{resource}` 的内容：审计策略没有保存请求体。",
    },
    "no_changes": {
        "en": "The audit log shows no matching change by anybody ({query}).",
        "zh": "审计日志中没有符合条件的变更（{query}）。",
    },
    "log_begins": {
        "en": "The audit log begins at {time}; what was before is not known.",
        "zh": "审计日志从 {time} 开始；更早的情况无从得知。",
    },
    "events": {
        "en": "{count} kind(s) of warning event(s); most frequent: {reason} on `{resource}` ({times}x): {message}",
        "zh": "共 {count} 类告警事件；最频繁的是 `{resource}` 的 {reason}（{times} 次）：{message}",
    },
    "no_events": {
        "en": "The cluster reports no warning events{place}.",
        "zh": "集群{place}没有告警事件。",
    },
    "log_errors": {
        "en": "`{pod}` ({container}{previous}) logs errors: `{line}`",
        "zh": "`{pod}`（{container}{previous}）的日志中有错误：`{line}`",
    },
    "log_end": {
        "en": "`{pod}` ({container}{previous}) ends its log with: `{line}`",
        "zh": "`{pod}`（{container}{previous}）日志的最后一行：`{line}`",
    },
    "nothing": {
        "en": "Nothing was found that answers this.",
        "zh": "没有找到可以回答该问题的记录。",
    },
    "denied": {
        "en": "**{user}** was refused {count} time(s) to {verb} {what}, last at {time}: {reason}",
        "zh": "**{user}** 被拒绝 {count} 次：{verb} {what}，最近一次 {time}：{reason}",
    },
    "no_denied": {
        "en": "The audit log shows no request that was refused for want of rights ({query}).",
        "zh": "审计日志中没有因权限不足而被拒绝的请求（{query}）。",
    },
    "component": {
        "en": "`{component}` logged {errors} kind(s) of errors, {warnings} of warnings; latest at {time}: {message}",
        "zh": "`{component}` 记录了 {errors} 类错误、{warnings} 类警告；最近一条（{time}）：{message}",
    },
    "component_calm": {
        "en": "`{component}` logged no errors or warnings in that time.",
        "zh": "`{component}` 在该时间段内没有错误或警告日志。",
    },
    "denied_heading": {"en": "Refused requests", "zh": "被拒绝的请求"},
    "components_heading": {"en": "Control plane", "zh": "控制面"},
    "changes_heading": {"en": "Changes", "zh": "变更"},
    "events_heading": {"en": "Warning events", "zh": "告警事件"},
    "logs_heading": {"en": "Logs", "zh": "日志"},
    "missing_heading": {"en": "Not seen", "zh": "未能获取"},
    "previous": {"en": ", before its last restart", "zh": "，上次重启之前"},
    "in_namespace": {"en": " in namespace {namespace}", "zh": "在命名空间 {namespace} 中"},
    "more": {"en": "{count} more", "zh": "另有 {count} 条"},
    "removed": {"en": "removed", "zh": "已移除"},
}
_VERBS: dict[str, dict[Language, str]] = {
    "create": {"en": "created", "zh": "创建了"},
    "update": {"en": "updated", "zh": "更新了"},
    "patch": {"en": "changed", "zh": "修改了"},
    "delete": {"en": "deleted", "zh": "删除了"},
    "deletecollection": {"en": "deleted all of", "zh": "批量删除了"},
}


def say(key: str, language: Language, **values: object) -> str:
    """The sentence, with its values in place."""
    return _SENTENCES[key][language].format(**values)


def verb(name: str, language: Language) -> str:
    """What was done, as a verb in the past."""
    return _VERBS.get(name, {}).get(language, name)
