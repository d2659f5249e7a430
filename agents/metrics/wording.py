"""The metrics analyst's sentences, in English and Chinese."""

from __future__ import annotations

from agents.runtime.findings import Language

_SENTENCES: dict[str, dict[Language, str]] = {
    "top": {
        "en": "Most {what} right now{place}: {rows}.",
        "zh": "{place}当前{what}用量最高：{rows}。",
    },
    "strained": {
        "en": "{count} workload(s) under strain: {rows}.",
        "zh": "{count} 个工作负载存在压力：{rows}。",
    },
    "calm": {
        "en": "No workload{place} restarts, is unready or is near its limits right now ({count} measured).",
        "zh": "当前{place}没有工作负载发生重启、未就绪或接近限额（共测量 {count} 个）。",
    },
    "named": {"en": "`{resource}` right now: {numbers}.", "zh": "`{resource}` 当前：{numbers}。"},
    "nothing": {"en": "There are no running pods{place}.", "zh": "{place}没有运行中的 Pod。"},
    "point_in_time": {
        "en": "These are current values from metrics.k8s.io at {time}: a point in time, without history.",
        "zh": "以上为 metrics.k8s.io 在 {time} 的当前值：仅代表一个时间点，没有历史数据。",
    },
    "table_now": {
        "en": "The table shows current values from metrics.k8s.io at {time}.",
        "zh": "表中为 metrics.k8s.io 在 {time} 的当前值。",
    },
    "window": {
        "en": "For the last {window} a Prometheus is needed, and none is configured.",
        "zh": "要回答最近 {window} 的情况需要 Prometheus，而当前未配置。",
    },
    "sized": {
        "en": "`{resource}`, {pods} pod(s): requests {cpu_request} CPU and {memory_request}, uses {cpu} and {memory}.",
        "zh": "`{resource}` 共 {pods} 个 Pod：请求 {cpu_request} CPU、{memory_request} 内存，实际 {cpu}、{memory}。",
    },
    "recommended": {
        "en": "container {container} {verdict}: request {cpu} CPU and {memory} (now {cpu_now} and {memory_now})",
        "zh": "容器 {container} {verdict}：建议请求 {cpu} CPU、{memory} 内存（当前 {cpu_now}、{memory_now}）",
    },
    "verdict_fits": {"en": "fits", "zh": "规格合适"},
    "verdict_too_small": {"en": "is **too small**", "zh": "**规格偏小**"},
    "verdict_too_big": {"en": "is **too big**", "zh": "**规格偏大**"},
    "verdict_unset": {"en": "has **no requests**", "zh": "**未设置请求值**"},
    "limits": {
        "en": "limits: memory {memory} (now {memory_now}), CPU {cpu} (now {cpu_now})",
        "zh": "建议限额：内存 {memory}（当前 {memory_now}），CPU {cpu}（当前 {cpu_now}）",
    },
    "percentiles": {"en": "used: CPU {cpu}; memory {memory}", "zh": "用量：CPU {cpu}；内存 {memory}"},
    "rule": {"en": "Rule: {rule}", "zh": "规则：{rule}"},
    "top_over": {
        "en": "Most {what} over the last {window}{place}: {rows}.",
        "zh": "最近 {window}{place}{what}用量最高：{rows}。",
    },
    "averages": {
        "en": "Averages of the {window} before {time}, from Prometheus: `{query}`.{nodes}",
        "zh": "以上为 {time} 之前 {window} 的平均值，来自 Prometheus：`{query}`。{nodes}",
    },
    "nodes_now": {
        "en": " Nodes: current values of metrics.k8s.io.",
        "zh": "节点为 metrics.k8s.io 的当前值。",
    },
    "trend_growing": {
        "en": "Yes, {what} of `{resource}` is growing: by {per_hour} per hour in `{pod}`{limit}.",
        "zh": "是的，`{resource}` 的{what}在增长：`{pod}` 每小时增加 {per_hour}{limit}。",
    },
    "trend_falling": {
        "en": "No, {what} of `{resource}` is falling: by {per_hour} per hour in `{pod}`.",
        "zh": "没有增长，`{resource}` 的{what}在下降：`{pod}` 每小时减少 {per_hour}。",
    },
    "trend_steady": {
        "en": "No, {what} of `{resource}` is steady over the last {window}.",
        "zh": "没有增长，`{resource}` 的{what}在最近 {window} 内保持平稳。",
    },
    "trend_unclear": {
        "en": "{what} of `{resource}` moves over the last {window}, but along no line: neither growing nor falling.",
        "zh": "`{resource}` 的{what}在最近 {window} 内有波动，但没有明确的上升或下降趋势。",
    },
    "trend_too_short": {
        "en": "There is too little history to tell whether {what} of `{resource}` is growing: {problem}",
        "zh": "历史数据不足，无法判断 `{resource}` 的{what}是否在增长：{problem}",
    },
    "trend_needs": {
        "en": "a trend needs a Prometheus, and none is configured (prometheus.default.url).",
        "zh": "判断趋势需要 Prometheus，而当前未配置（prometheus.default.url）。",
    },
    "trend_short": {"en": "fewer than five points.", "zh": "数据点少于五个。"},
    "to_limit": {
        "en": ", and reaches the limit of {limit} in about {hours:g} h if it goes on like this",
        "zh": "，照此速度约 {hours:g} 小时后达到限额 {limit}",
    },
    "trend_row": {
        "en": "- `{pod}`: {first} → {last} over {window} (max {max}; {slope}/h, R² {fit:.2f}; {verdict})",
        "zh": "- `{pod}`：{window} 内 {first} → {last}（最高 {max}；每小时 {slope}，R² {fit:.2f}；{verdict}）",
    },
    "restarted": {
        "en": "{count} sudden drop(s): the line is that of the time after the last one",
        "zh": "有 {count} 次骤降：趋势取自最后一次之后",
    },
    "growing": {"en": "growing", "zh": "增长"},
    "falling": {"en": "falling", "zh": "下降"},
    "steady": {"en": "steady", "zh": "平稳"},
    "unclear": {"en": "no clear line", "zh": "趋势不明"},
    "too_short": {"en": "too short to tell", "zh": "时间太短"},
    "trend_heading": {"en": "Trend", "zh": "趋势"},
    "autoscaler": {
        "en": "`{resource}` holds {current} of {least} to {most} replicas and wants {desired}: {metrics}.",
        "zh": "`{resource}` 当前 {current} 个副本（范围 {least}–{most}），期望 {desired} 个：{metrics}。",
    },
    "no_autoscaler": {
        "en": "`{resource}` has no autoscaler; {replicas} pod(s), CPU at {average} of requests.",
        "zh": "`{resource}` 没有配置弹性伸缩；{replicas} 个 Pod，CPU 为请求值的 {average}。",
    },
    "autoscaler_advice": {
        "en": "An autoscaler from {least} to {most} replicas at {target}% CPU would fit.",
        "zh": "可配置 {least} 到 {most} 个副本、CPU 目标 {target}% 的弹性伸缩。",
    },
    "workloads_heading": {"en": "Workloads", "zh": "工作负载"},
    "nodes_heading": {"en": "Nodes", "zh": "节点"},
    "column_workloads": {"en": "workload", "zh": "工作负载"},
    "column_pods": {"en": "pod", "zh": "Pod"},
    "workload_columns": {
        "en": "| {what} | ready | CPU (requested / limit) | memory (requested / limit) | fullest | restarts |",
        "zh": "| {what} | 就绪 Pod | CPU 合计（请求 / 限额） | 内存合计（请求 / 限额） | 最高占限额 | 重启 |",
    },
    "node_columns": {
        "en": "| node | pods | CPU used / allocatable | memory used / allocatable | requested CPU, memory |",
        "zh": "| 节点 | Pod | CPU 使用 / 可分配 | 内存使用 / 可分配 | 已请求 CPU、内存 |",
    },
    "cpu": {"en": "CPU", "zh": " CPU "},
    "memory": {"en": "memory", "zh": "内存"},
    "in_namespace": {"en": " in namespace {namespace}", "zh": "命名空间 {namespace} 中"},
    "unknown": {"en": "unknown", "zh": "未知"},
    "ready": {"en": "{ready} of {pods} pods ready", "zh": "{pods} 个 Pod 中 {ready} 个就绪"},
    "restarts": {"en": "{count} restarts, last {exit}", "zh": "重启 {count} 次，最近一次 {exit}"},
    "of_limit": {"en": "{percent:g}% of its memory limit", "zh": "内存为限额的 {percent:g}%"},
    "of_cpu_limit": {"en": "{percent:g}% of its CPU limit", "zh": "CPU 为限额的 {percent:g}%"},
}


def say(key: str, language: Language, **values: object) -> str:
    """The sentence, with its values in place."""
    return _SENTENCES[key][language].format(**values)
