"""Words for pods that no node takes."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

_EN = "[ Requests: {requests}.][ Scheduler: {message}]"
_ZH = "[资源请求：{requests}。][调度器：{message}]"

WORDING = {
    "pending_insufficient_resources": Wording(
        en=Text(
            "Pods of {kind} {workload} stay Pending: they request {wanted} of {resource}, more than any suitable node has free (insufficient)"
            "[; most free {most_free}, largest node {largest}][; {room}]." + _EN,
            (
                "Lower the request of {workload} to what it needs, or add a node that is large enough.",
                "Set requests from measured usage, and let the cluster autoscaler add nodes.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 一直 Pending：请求 {resource} {wanted}，没有合适的节点有这么多空闲（资源不足，Insufficient）"
            "[；最多空闲 {most_free}，最大节点 {largest}][；{room}]。" + _ZH,
            (
                "把 {workload} 的资源请求降到实际需要，或增加足够大的节点。",
                "按实测用量设置 request，并启用集群自动伸缩。",
            ),
        ),
    ),
    "pending_node_selector": Wording(
        en=Text(
            "Pods of {kind} {workload} stay Pending: no node has the labels that nodeSelector or node affinity demands ({selector})"
            "[; nodes have {node_labels}][; before it was {before}]." + _EN,
            ("Correct the nodeSelector/affinity of {workload}, or label a node accordingly.",),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 一直 Pending：没有节点满足 nodeSelector 或节点亲和性要求的标签（{selector}）[；节点标签：{node_labels}]"
            "[；之前是 {before}]。" + _ZH,
            ("修正 {workload} 的 nodeSelector/affinity，或者给节点打上相应标签。",),
        ),
    ),
    "pending_taint": Wording(
        en=Text(
            "Pods of {kind} {workload} stay Pending: node {nodes} has the taint {taints}, which they do not tolerate"
            "[; they are sent there by {selector}][; running pods there do not tolerate it either: {intolerant}]."
            + _EN,
            ("Add a toleration for {taints} to {workload}, or remove the taint if it is a mistake.",),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 一直 Pending：节点 {nodes} 有污点（taint）{taints}，而 Pod 没有对应的容忍（toleration）"
            "[；它们被 {selector} 指定到该节点][；节点上运行的 Pod 也不容忍它：{intolerant}]。" + _ZH,
            ("给 {workload} 添加对 {taints} 的 toleration；如果污点是误加的，则移除它。",),
        ),
    ),
    "pending_pod_affinity": Wording(
        en=Text(
            "Pods of {kind} {workload} stay Pending: pod affinity, anti-affinity or topology spread cannot hold[ ({rules})]."
            + _EN,
            ("Relax the rule of {workload} (preferred instead of required), or add nodes in the demanded topology.",),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 一直 Pending：Pod 亲和性、反亲和性（anti-affinity）或拓扑分布约束（topology spread）无法满足[（{rules}）]。"
            + _ZH,
            ("放宽 {workload} 的规则（用 preferred 代替 required），或在要求的拓扑域增加节点。",),
        ),
    ),
    "pending_host_port": Wording(
        en=Text(
            "Pods of {kind} {workload} stay Pending: hostPort {ports} is taken on every suitable node[ by {holders}]."
            + _EN,
            ("Use a Service instead of hostPort {ports}, or another port, or fewer replicas than nodes.",),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 一直 Pending：hostPort {ports} 在所有合适的节点上都已被占用（端口冲突）[，占用者 {holders}]。"
            + _ZH,
            ("用 Service 代替 hostPort {ports}，或更换端口，或让副本数不超过节点数。",),
        ),
    ),
    "pending_cordoned": Wording(
        en=Text(
            "Node {node} is cordoned (unschedulable)[ since {cordoned_since}]; pods of {kind} {workload} stay Pending although they would "
            "fit there." + _EN,
            ("Uncordon {node} when its maintenance is over.", "Let maintenance scripts uncordon what they cordon."),
        ),
        zh=Text(
            "节点 {node} 被标记为不可调度（cordoned，unschedulable）[，自 {cordoned_since}]；{kind} {workload} 的 Pod 本可调度到该节点，却一直 Pending。"
            + _ZH,
            ("维护结束后执行 uncordon 恢复 {node}。", "让维护脚本在结束时自动 uncordon。"),
        ),
    ),
    "pending_scheduling_gated": Wording(
        en=Text(
            "Pods of {kind} {workload} are not scheduled because their schedulingGates are not cleared: {gates}." + _EN,
            ("Find who should remove the gate {gates} (its controller), or remove it by hand.",),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 未被调度，因为 schedulingGates 没有被移除：{gates}（SchedulingGated）。" + _ZH,
            ("查明应由谁（哪个控制器）移除 {gates}，或手动移除。",),
        ),
    ),
    "pv_node_affinity": Wording(
        en=Text(
            "PersistentVolume {volume}[ (claim {claim})] is bound to nodes where the pod of {kind} {workload} cannot go[: {bound_to}]"
            "[; the pod is sent to {selector}]." + _EN,
            ("Let the pod run where the volume is, or move the data to a volume where the pod may run.",),
        ),
        zh=Text(
            "PersistentVolume {volume}[（PVC {claim}）]绑定的节点是 {kind} {workload} 的 Pod 去不了的（volume node affinity conflict，节点亲和性冲突）"
            "[：{bound_to}][；Pod 被指定到 {selector}]。" + _ZH,
            ("让 Pod 运行在卷所在的节点，或者把数据迁移到 Pod 能用的卷。",),
        ),
    ),
}
