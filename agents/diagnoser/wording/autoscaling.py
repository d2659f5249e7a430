"""Words for autoscalers that cannot scale."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

_EN = "[ {reason}: {message}]"
_ZH = "[{reason}：{message}]"

WORDING = {
    "hpa_target_missing": Wording(
        en=Text(
            "HorizontalPodAutoscaler {scaler} in namespace {namespace} targets {target}, which does not exist (not found)"
            "[; present: {present}]." + _EN,
            ("Let scaleTargetRef of {scaler} name the workload that exists, or delete the autoscaler.",),
        ),
        zh=Text(
            "命名空间 {namespace} 的 HorizontalPodAutoscaler {scaler} 的目标 {target} 不存在（not found）[；现有：{present}]。"
            + _ZH,
            ("让 {scaler} 的 scaleTargetRef 指向存在的工作负载，或删除该 HPA。",),
        ),
    ),
    "hpa_no_requests": Wording(
        en=Text(
            "HorizontalPodAutoscaler {scaler} cannot compute {resource} utilization of {kind} {workload}: container {containers} has no "
            "{resource} request (missing request for {resource})[; the autoscaler wants {metrics}][; measured {usage}]."
            + _EN,
            ("Set resources.requests.{resource} on container {containers} of {workload}.",),
        ),
        zh=Text(
            "HorizontalPodAutoscaler {scaler} 无法计算 {kind} {workload} 的 {resource} 利用率：容器 {containers} 没有设置 {resource} 请求"
            "（missing request for {resource}）[；HPA 的目标：{metrics}][；实测 {usage}]。" + _ZH,
            ("为 {workload} 的容器 {containers} 设置 resources.requests.{resource}。",),
        ),
    ),
    "hpa_metrics_unavailable": Wording(
        en=Text(
            "[APIService {name}, the metrics API {group} (Service {service}), is unavailable, so {victims} get no metrics.]"
            "[HorizontalPodAutoscaler {scaler} of {target} gets no metrics ({metrics})]"
            "[: no APIService for {unregistered} (metrics API, such as metrics-server or an adapter) is registered]"
            "[; the metrics API {api} is asked][. It stays at {current} replicas.]" + _EN,
            (
                "Install what serves the metrics API {unregistered}: metrics-server, or the adapter for custom and external metrics.",
                "Check the metric's name and selector ({metrics}) against what the metrics API serves.",
            ),
        ),
        zh=Text(
            "[APIService {name}（指标 API {group}，Service {service}）不可用，{victims} 取不到指标。]"
            "[{target} 的 HorizontalPodAutoscaler {scaler} 取不到指标（{metrics}）]"
            "[：没有为 {unregistered} 注册 APIService（指标 API，即 metrics-server 或适配器）][；请求的指标 API 是 {api}][，副本数停在 {current}。]"
            + _ZH,
            (
                "安装提供指标 API {unregistered} 的组件：metrics-server，或自定义/外部指标的适配器。",
                "核对指标名称和选择器（{metrics}）与指标 API 实际提供的是否一致。",
            ),
        ),
    ),
    "hpa_at_max": Wording(
        en=Text(
            "HorizontalPodAutoscaler {scaler} of {target} is at its maximum: maxReplicas {max}, current {current}"
            "[, while it is over target: {over}]. It may not add more pods (ScalingLimited)." + _EN,
            (
                "Raise maxReplicas of {scaler} above {max}.",
                "Plan maxReplicas, quota and nodes together for the expected peak.",
            ),
        ),
        zh=Text(
            "{target} 的 HorizontalPodAutoscaler {scaler} 已到上限：maxReplicas（最大副本数）{max}，当前 {current}"
            "[，而指标仍超过目标：{over}]，无法继续扩容（ScalingLimited）。" + _ZH,
            ("把 {scaler} 的 maxReplicas 提高到 {max} 以上。", "按预期峰值统一规划 maxReplicas、配额和节点。"),
        ),
    ),
}
