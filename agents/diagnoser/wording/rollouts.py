"""Words for workloads that are scaled to zero, paused, or stuck half-way through a rollout."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "scaled_to_zero": Wording(
        en=Text(
            "{kind} {workload} in namespace {namespace} is scaled to zero: spec.replicas is 0[ (before: {before})][ since {at}]"
            "[, done by {by}], so it has no pods[ and Service {services} has no endpoints].",
            (
                "Scale {workload} back to {before} replicas.",
                "Scale {workload} up again.",
                "Let an autoscaler or the deployment pipeline own replicas, so that nobody forgets to scale back.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 {kind} {workload} 被缩容到 0（spec.replicas 为 0，零副本）[，之前是 {before}][，自 {at}]"
            "[，操作者 {by}]，因此没有任何 Pod[，Service {services} 没有端点]。",
            (
                "把 {workload} 恢复到 {before} 个副本。",
                "重新扩容 {workload}。",
                "由自动伸缩或发布流水线管理副本数，避免忘记恢复。",
            ),
        ),
    ),
    "rollout_paused": Wording(
        en=Text(
            "The rollout of {kind} {workload} is paused (spec.paused: true[, {reason}]), so the present template is not rolled out"
            "[: the template has {wanted}][, the pods still run {running}].",
            ("Resume it: kubectl -n {namespace} rollout resume deployment/{workload}.",),
        ),
        zh=Text(
            "{kind} {workload} 的发布已被暂停（paused，spec.paused: true[，{reason}]），当前模板没有被发布"
            "[：模板是 {wanted}][，Pod 仍在运行 {running}]。",
            ("恢复发布：kubectl -n {namespace} rollout resume deployment/{workload}。",),
        ),
    ),
    "rollout_stuck": Wording(
        en=Text(
            "The rollout of {kind} {workload} is stuck[ ({reason})]: {updated} of {replicas} pods are of the new revision"
            "[; updateStrategy partition {partition} keeps all pods with a lower ordinal on the old revision {current_revision}]"
            "[; strategy {strategy}][; old pods {old_pods}]"
            "[; pod {terminating} is still Terminating (terminationGracePeriodSeconds {grace}) and new pods wait until it has ended]"
            "[; finalizers {finalizers}][; pod {broken_pod} of the old revision never becomes ready]"
            "[; minReadySeconds {min_ready}].[ Message: {message}]",
            (
                "Set the partition of {workload} ({partition}) to 0 when the new revision is good.",
                "Delete pod {terminating} with a shorter grace period if its work may be cut off, and lower "
                "terminationGracePeriodSeconds ({grace}).",
                "Delete pod {broken_pod}, so that it is made anew from the present template.",
                "With strategy {strategy}, look at what the new pods wait for, or roll back.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的发布卡住[（{reason}）]：{replicas} 个 Pod 中只有 {updated} 个是新版本"
            "[；updateStrategy 的 partition（分区）为 {partition}，序号更小的 Pod 都停在旧版本 {current_revision}]"
            "[；策略 {strategy}][；旧 Pod：{old_pods}]"
            "[；Pod {terminating} 仍在 Terminating（terminationGracePeriodSeconds {grace}），它结束之前不会创建新 Pod]"
            "[；finalizers {finalizers}][；旧版本的 Pod {broken_pod} 一直无法就绪]"
            "[；minReadySeconds {min_ready}]。[信息：{message}]",
            (
                "确认新版本正常后，把 {workload} 的 partition（{partition}）改为 0。",
                "如果可以中断其工作，用更短的宽限期删除 Pod {terminating}，并调低 terminationGracePeriodSeconds（{grace}）。",
                "删除 Pod {broken_pod}，让它按当前模板重建。",
                "策略为 {strategy}：查看新 Pod 在等什么，或者回滚。",
            ),
        ),
    ),
}
