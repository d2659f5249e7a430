"""Words for missing ConfigMaps, Secrets and keys."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

_OBJECT = Wording(
    en=Text(
        "{kind} {workload} names {missing_kind} {missing} in namespace {namespace}, which does not exist; its containers cannot be created"
        "[; there is one named {near}][; the revision before used {before}][; elsewhere: {elsewhere}].[ Kubelet: {message}]",
        (
            "Let {workload} refer to {near}, or create {missing_kind} {missing}.",
            "Create {missing_kind} {missing} in namespace {namespace}, or correct the reference in {workload}.",
        ),
    ),
    zh=Text(
        "{kind} {workload} 引用了命名空间 {namespace} 中不存在的 {missing_kind} {missing}，容器无法创建[；现有名称相近的是 {near}]"
        "[；上一版本使用 {before}][；其他位置：{elsewhere}]。[kubelet 报告：{message}]",
        (
            "让 {workload} 引用 {near}，或创建 {missing_kind} {missing}。",
            "在命名空间 {namespace} 创建 {missing_kind} {missing}，或修正 {workload} 中的引用。",
        ),
    ),
)
_KEY = Wording(
    en=Text(
        "{missing_kind} {object} in namespace {namespace} has no key {key}, which {kind} {workload} needs[; it has {keys}]"
        "[; similar: {near}].[ Kubelet: {message}]",
        ("Add the key {key} to {missing_kind} {object}, or let {workload} name a key that exists.",),
    ),
    zh=Text(
        "命名空间 {namespace} 的 {missing_kind} {object} 中缺少 {kind} {workload} 需要的键（key）{key}[；现有的键：{keys}][；相近：{near}]。"
        "[kubelet 报告：{message}]",
        ("在 {missing_kind} {object} 中添加键 {key}，或让 {workload} 引用存在的键。",),
    ),
)

WORDING = {
    "configmap_missing": _OBJECT,
    "secret_missing": _OBJECT,
    "configmap_key_missing": _KEY,
    "secret_key_missing": _KEY,
}
