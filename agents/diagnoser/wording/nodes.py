"""Words for nodes that are not ready, under pressure or full."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "node_not_ready": Wording(
        en=Text(
            "Node {node} is NotReady: condition {condition} is {status} ({reason}: {message})[, last heartbeat {heartbeat}]"
            "[; {pods_there} pods are on it][; taints {taints}].[ {event}]",
            (
                "Look at {node} itself: kubelet, container runtime, disk, network; restart the kubelet or the machine.",
                "When {node} does not come back, delete the Node, so that its pods and volumes are released.",
            ),
        ),
        zh=Text(
            "节点 {node} 处于 NotReady（未就绪）：condition {condition} 为 {status}（{reason}：{message}）[，最后一次心跳 {heartbeat}]"
            "[；其上有 {pods_there} 个 Pod][；污点 {taints}]。[{event}]",
            (
                "检查 {node} 本身：kubelet、容器运行时、磁盘、网络；重启 kubelet 或机器。",
                "如果 {node} 无法恢复，删除该 Node 以释放其上的 Pod 和卷。",
            ),
        ),
    ),
    "node_pressure": Wording(
        en=Text(
            "Node {node} is under {condition} ({reason}: {message}): it runs out of {resource} and evicts pods[ of {evicted}]"
            "[; taints {taints}].[ {event}][ Eviction: {eviction}]",
            (
                "Free {resource} on {node}, or move what takes most of it elsewhere.",
                "Give pods requests and limits for {resource}, and watch the node's headroom.",
            ),
        ),
        zh=Text(
            "节点 {node} 出现 {condition}（资源压力，{reason}：{message}）：{resource}（内存、磁盘或 PID）不足，正在驱逐 Pod[（{evicted}）]"
            "[；污点 {taints}]。[{event}][驱逐信息：{eviction}]",
            (
                "释放 {node} 上的 {resource}，或把占用最多的工作负载移走。",
                "为 Pod 设置 {resource} 的 request 和 limit，并监控节点余量。",
            ),
        ),
    ),
    "node_pod_limit": Wording(
        en=Text(
            "Node {node} can take no further pod (too many pods)[: its limit of {limit} pods (allocatable pods, kubelet maxPods) is reached]"
            "[: its pod CIDR {cidr} has no IP addresses left], {pods_there} pods are on it; {workload} waits.[ Message: {message}]",
            (
                "Add a node, or raise the kubelet's maxPods on {node} above {limit}.",
                "Give {node} a larger pod CIDR than {cidr}, or move pods to other nodes.",
            ),
        ),
        zh=Text(
            "节点 {node} 无法再容纳 Pod（too many pods）[：已达到 {limit} 个 Pod 的上限（allocatable pods，kubelet maxPods）]"
            "[：其 Pod CIDR {cidr} 已没有可用 IP 地址]，其上已有 {pods_there} 个 Pod；{workload} 在等待。[信息：{message}]",
            (
                "增加节点，或把 {node} 上 kubelet 的 maxPods 调到 {limit} 以上。",
                "为 {node} 分配比 {cidr} 更大的 Pod CIDR，或把 Pod 移到其他节点。",
            ),
        ),
    ),
}
