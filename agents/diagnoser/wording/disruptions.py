"""Words for evictions that a budget refuses, and for preemption."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "pdb_blocks_eviction": Wording(
        en=Text(
            "PodDisruptionBudget {budget} in namespace {namespace} allows no disruption (disruptionsAllowed {allowed}"
            "[, minAvailable {min_available}][, maxUnavailable {max_unavailable}], healthy {healthy}, needed {desired}), so pods "
            "{pods} cannot be evicted[ and the drain of {nodes} hangs].[ Message: {message}]",
            (
                "Run one replica more than {budget} demands, or relax its minAvailable/maxUnavailable for the drain.",
                "Let every budget leave room for one disruption.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 PodDisruptionBudget {budget} 不允许任何中断（disruptionsAllowed {allowed}"
            "[，minAvailable {min_available}][，maxUnavailable {max_unavailable}]，健康 {healthy}，要求 {desired}），因此 Pod {pods} 无法被驱逐"
            "[，{nodes} 的 drain（排空）卡住]。[信息：{message}]",
            (
                "让副本数比 {budget} 的要求多一个，或在排空期间放宽其 minAvailable/maxUnavailable。",
                "每个 PDB 都应至少允许一个中断。",
            ),
        ),
    ),
    "priority_preempted": Wording(
        en=Text(
            "{kind} {workload} (priorityClassName {priority_class}, priority {priority}) preempted pods of {victim} (priority "
            "{victim_priority}) on node {node}[: it requests {requests}], and they find no room any more.[ Message: {message}]",
            (
                "Give {workload} a lower PriorityClass than {priority_class} or smaller requests, or add capacity.",
                "Use preemptionPolicy: Never for batch work.",
            ),
        ),
        zh=Text(
            "{kind} {workload}（priorityClassName {priority_class}，优先级 {priority}）抢占（preempted）了节点 {node} 上 {victim} 的 Pod（优先级 "
            "{victim_priority}）[：它请求 {requests}]，被抢占的 Pod 已无处可去。[信息：{message}]",
            (
                "把 {workload} 的 PriorityClass 从 {priority_class} 降低或减小资源请求，或增加容量。",
                "批处理任务使用 preemptionPolicy: Never。",
            ),
        ),
    ),
}
