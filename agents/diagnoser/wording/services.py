"""Words for Services that lead nowhere."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "service_selector_mismatch": Wording(
        en=Text(
            "Service {service} in namespace {namespace} selects {selector}, which no pod has, so it has no endpoints"
            "[; pods of {workload} are labelled {pod_labels}][; used by {users}].",
            (
                "Change the selector of Service {service} to the labels of {workload} ({pod_labels}).",
                "Deploy labels and selectors together.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Service {service} 的选择器（selector）是 {selector}，没有任何 Pod 匹配，因此没有端点（endpoints）"
            "[；{workload} 的 Pod 标签是 {pod_labels}][；使用者：{users}]。",
            ("把 Service {service} 的 selector 改为 {workload} 的标签（{pod_labels}）。", "标签与选择器一起发布。"),
        ),
    ),
    "service_port_mismatch": Wording(
        en=Text(
            "Service {service} in namespace {namespace} sends port {port} to targetPort {target_port}, which no container of {workload} "
            "serves[; containers listen on {container_ports}][; used by {users}].",
            ("Set targetPort of Service {service} to a port that {workload} serves ({container_ports}).",),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Service {service} 把端口 {port} 转发到 targetPort {target_port}，而 {workload} 的容器并不监听该端口"
            "[；容器端口：{container_ports}][；使用者：{users}]。",
            ("把 Service {service} 的 targetPort 改为 {workload} 监听的端口（{container_ports}）。",),
        ),
    ),
    "service_selector_too_broad": Wording(
        en=Text(
            "Service {service} in namespace {namespace} selects {selector}, which also fits pods of {strays} ({stray_labels}): they get a "
            "share of the requests meant for {workload}[; only pods of {workload} have {pod_labels}][; used by {users}].",
            (
                "Narrow the selector of Service {service} to {pod_labels}.",
                "Select by a label that is unique per workload, such as app.kubernetes.io/name with app.kubernetes.io/component.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Service {service} 的选择器（selector）{selector} 过宽，也匹配 {strays} 的 Pod（{stray_labels}），"
            "本该发给 {workload} 的请求有一部分被它们接收[；只有 {workload} 的 Pod 带有 {pod_labels}][；使用者：{users}]。",
            (
                "把 Service {service} 的 selector 收窄为 {pod_labels}。",
                "用每个工作负载唯一的标签做选择器，例如 app.kubernetes.io/name 加 app.kubernetes.io/component。",
            ),
        ),
    ),
}
