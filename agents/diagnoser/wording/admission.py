"""Words for admission webhooks and aggregated APIs."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "admission_webhook_failing": Wording(
        en=Text(
            "Webhook {webhook} of {configuration} cannot be called (Service {service}, failurePolicy {policy}, timeoutSeconds {timeout}), "
            "so the API refuses requests[ of {victims}][; Service {missing_service} not found].[ {why}]",
            (
                "Repair what serves {service} (certificate and caBundle, speed, endpoints).",
                "When {service} is gone for good, delete {configuration}.",
                "Give webhooks failurePolicy Ignore where possible, narrow selectors and more than one replica.",
            ),
        ),
        zh=Text(
            "{configuration} 的 webhook {webhook} 无法调用（Service {service}，failurePolicy {policy}，timeoutSeconds（超时）{timeout}），"
            "因此 API 会拒绝相关请求[（{victims}）][；Service {missing_service} 不存在（not found）]。[{why}]",
            (
                "修复 {service} 的提供方（证书与 caBundle、响应速度、端点）。",
                "如果 {service} 已不再使用，删除 {configuration}。",
                "webhook 尽量使用 failurePolicy Ignore、收窄选择器并部署多个副本。",
            ),
        ),
    ),
    "admission_mutated_badly": Wording(
        en=Text(
            "MutatingWebhookConfiguration {configuration} (webhook {webhooks}) changes pods of {kind} {workload} when they are created, to "
            "their harm: {differences}[; {ends}].",
            (
                "Correct what {configuration} sets, or exclude {workload} with namespaceSelector/objectSelector, then restart it.",
                "Roll out mutating policies in one namespace first.",
            ),
        ),
        zh=Text(
            "MutatingWebhookConfiguration {configuration}（webhook {webhooks}）在创建 Pod 时修改了 {kind} {workload} 的 Pod，造成故障："
            "{differences}[；{ends}]。",
            (
                "修正 {configuration} 设置的值，或用 namespaceSelector/objectSelector 排除 {workload}，然后重启它。",
                "变更类策略先在单个命名空间试点。",
            ),
        ),
    ),
    "apiservice_unavailable": Wording(
        en=Text(
            "APIService {name} (group {group}) is unavailable: {reason}: {message}[; it is served by Service {service}]"
            "[; suffering: {victims}]. Discovery of all APIs is incomplete because of it.",
            (
                "Bring back Service {service} and its pods, or delete APIService {name} when nothing serves it any more.",
            ),
        ),
        zh=Text(
            "APIService {name}（API 组 {group}）不可用：{reason}：{message}[；由 Service {service} 提供][；受影响：{victims}]。"
            "整个集群的 API 发现因此不完整。",
            ("恢复 Service {service} 及其 Pod；如果已不再使用，删除 APIService {name}。",),
        ),
    ),
}
