"""The metrics analyst's sentences, in English and Chinese."""

from __future__ import annotations

from agents.runtime.findings import Language

_SENTENCES: dict[str, dict[Language, str]] = {
    "top": {
        "en": "Most {what} right now: {rows}.",
        "zh": "当前{what}用量最高：{rows}。",
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
    "window": {
        "en": "For the last {window} a Prometheus is needed, and none is configured.",
        "zh": "要回答最近 {window} 的情况需要 Prometheus，而当前未配置。",
    },
    "sized": {
        "en": "`{resource}`, {pods} pod(s): requests {cpu_request} CPU and {memory_request}, uses {cpu} and {memory}.",
        "zh": "`{resource}` 共 {pods} 个 Pod：请求 {cpu_request} CPU、{memory_request} 内存，实际 {cpu}、{memory}。",
    },
    "recommended": {
        "en": "container {container}: request {cpu} CPU and {memory} (now {cpu_now} and {memory_now})",
        "zh": "容器 {container}：建议请求 {cpu} CPU、{memory} 内存（当前 {cpu_now}、{memory_now}）",
    },
    "rule": {
        "en": "Rule: the busiest pod's current usage x 1.3, at least 10m and 16Mi. Check it against a day of history.",
        "zh": "规则：最繁忙 Pod 的当前用量 × 1.3，至少 10m 与 16Mi。请结合一天的历史数据核对。",
    },
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
    "workload_columns": {
        "en": "| workload | ready | CPU (requested / limit) | memory (requested / limit) | fullest | restarts |",
        "zh": "| 工作负载 | 就绪 Pod | CPU 合计（请求 / 限额） | 内存合计（请求 / 限额） | 最高占限额 | 重启 |",
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
