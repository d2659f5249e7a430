"""Words for calls that fail on their way: cluster DNS, traffic policies, ingress isolation, things outside."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "coredns_broken": Wording(
        en=Text(
            "Cluster DNS fails for everybody because of {object}[: replicas is {replicas} (zero pods)][: its Corefile says `{setting}`]"
            "[: {ready} pods ready].[ CoreDNS: {message}.][ Failing: {victims}][, for example: {failing}]",
            (
                "Scale {object} up again (it has {replicas} replicas).",
                "Correct the Corefile line `{setting}` in {object}; CoreDNS reloads it.",
                "Correct the Corefile in {object} ({message}), then restart CoreDNS.",
            ),
        ),
        zh=Text(
            "整个集群的 DNS 解析失败，原因是 {object}[：副本数（replicas）为 {replicas}（零个 Pod）][：Corefile 中写的是 `{setting}`]"
            "[：就绪 Pod {ready}]。[CoreDNS：{message}。][受影响：{victims}][，例如：{failing}]",
            (
                "把 {object} 重新扩容（现在副本数为 {replicas}）。",
                "修正 {object} 的 Corefile 中的 `{setting}`，CoreDNS 会自动重新加载。",
                "修正 {object} 的 Corefile（{message}），然后重启 CoreDNS。",
            ),
        ),
    ),
    "service_internal_traffic_policy": Wording(
        en=Text(
            "Service {service} in namespace {namespace} (port {ports}) has {field}: Local, so a node forwards only to pods of its own; "
            "node {node} has no ready endpoint (they run on {serving}), and traffic that arrives there is dropped"
            "[; {caller} calls from there].[ Log: {message}]",
            (
                "Set {field} of Service {service} to Cluster.",
                "Run a pod of it on every node that receives the traffic (DaemonSet), or send only to {serving}.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Service {service}（端口 {ports}）设置了 {field}: Local，节点只转发给本节点的 Pod；"
            "节点 {node} 上没有就绪的端点（它们在 {serving}），到达那里的流量被丢弃[；{caller} 正是从那里访问]。[日志：{message}]",
            (
                "把 Service {service} 的 {field} 改为 Cluster。",
                "让每个接收流量的节点都运行其 Pod（DaemonSet），或只把流量发往 {serving}。",
            ),
        ),
    ),
    "network_policy_blocks_ingress": Wording(
        en=Text(
            "NetworkPolicy {policy} in namespace {namespace} (pods {pod_selector}) allows ingress only for {allows}; it blocks {blocked} "
            "from {workload} (namespace {workload_namespace}, labels {caller_labels}).[ Note on it: {note}.][ Log: {message}]",
            (
                "Allow {protocol} {port} from {caller_labels} (namespace {workload_namespace}) in NetworkPolicy {policy}.",
                "Test network policies with the labels and ports that callers really have.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 NetworkPolicy（网络策略）{policy}（Pod：{pod_selector}）只允许入站（ingress）{allows}，阻断了"
            "来自 {workload}（命名空间 {workload_namespace}，标签 {caller_labels}）的 {blocked}。[注释：{note}。][日志：{message}]",
            (
                "在 NetworkPolicy {policy} 中允许来自 {caller_labels}（命名空间 {workload_namespace}）的 {protocol} {port}。",
                "用调用方真实的标签和端口测试网络策略。",
            ),
        ),
    ),
}
