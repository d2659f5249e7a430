"""Words for name resolution and network policies."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "dns_policy_wrong": Wording(
        en=Text(
            "Pods of {kind} {workload} do not use cluster DNS ({settings}), so names of Services do not resolve[: {host}]"
            "[; they asked {resolver}][; cluster DNS is {cluster_dns}].[ Log: {message}]",
            (
                "Set dnsPolicy of {workload} to ClusterFirst (ClusterFirstWithHostNet with hostNetwork), and drop the dnsConfig that interferes.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 没有使用集群 DNS（{settings}），Service 名称无法解析[：{host}][；它们询问的是 {resolver}]"
            "[；集群 DNS 是 {cluster_dns}]。[日志：{message}]",
            (
                "把 {workload} 的 dnsPolicy 设为 ClusterFirst（使用 hostNetwork 时为 ClusterFirstWithHostNet），并去掉有干扰的 dnsConfig。",
            ),
        ),
    ),
    "network_policy_blocks_egress": Wording(
        en=Text(
            "NetworkPolicy {policy} in namespace {namespace} (pods {pod_selector}) allows egress only for {allows}; it blocks {blocked}, so "
            "{workload} cannot reach what it needs[: {host}].[ Note on it: {note}.][ Log: {message}]",
            (
                "Add an egress rule for {blocked} to NetworkPolicy {policy}.",
                "Test network policies with the names and ports that a workload uses.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 NetworkPolicy（网络策略）{policy}（Pod：{pod_selector}）只允许出站（egress）{allows}，阻断了 {blocked}，"
            "{workload} 无法访问所需服务[：{host}]。[注释：{note}。][日志：{message}]",
            (
                "在 NetworkPolicy {policy} 中增加允许 {blocked} 的 egress 规则。",
                "用工作负载实际使用的名称和端口测试网络策略。",
            ),
        ),
    ),
}
