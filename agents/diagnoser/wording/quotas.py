"""Words for pods that the API refuses to create."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

_EN = "[ {have_pods} of {wanted_pods} pods exist.][ Message: {message}]"
_ZH = "[现有 {have_pods} 个 Pod，期望 {wanted_pods} 个。][信息：{message}]"

WORDING = {
    "quota_exceeded": Wording(
        en=Text(
            "ResourceQuota {quota} of namespace {namespace} is exhausted ({resources}: requested {requested}, used {used}, limited "
            "{limited}), so {kind} {workload} gets no more pods[; largest users: {users}]." + _EN,
            (
                "Raise {quota} ({limited}), or lower what others in the namespace take.",
                "Plan quota together with replicas and campaigns.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 ResourceQuota（配额）{quota} 已用尽（{resources}：请求 {requested}，已用 {used}，上限 {limited}），"
            "{kind} {workload} 无法再创建 Pod[；占用最多：{users}]。" + _ZH,
            ("提高 {quota}（{limited}），或降低命名空间中其他工作负载的占用。", "把配额与副本数、活动计划一起规划。"),
        ),
    ),
    "quota_requires_limits": Wording(
        en=Text(
            "{kind} {workload} gets no pods because ResourceQuota {quota} demands that every container sets {missing} (must specify "
            "{missing})." + _EN,
            ("Set {missing} on the containers of {workload}, or give the namespace a LimitRange with defaults.",),
        ),
        zh=Text(
            "{kind} {workload} 无法创建 Pod：ResourceQuota {quota} 要求每个容器都设置 {missing}（must specify {missing}，缺少资源限制或请求）。"
            + _ZH,
            ("为 {workload} 的容器设置 {missing}，或在命名空间用 LimitRange 提供默认值。",),
        ),
    ),
    "limit_range_violated": Wording(
        en=Text(
            "{kind} {workload} gets no pods because its resources break the LimitRange of namespace {namespace}[ ({bounds})]."
            + _EN,
            ("Bring requests and limits of {workload} within the LimitRange, or change the LimitRange.",),
        ),
        zh=Text(
            "{kind} {workload} 无法创建 Pod：资源设置违反命名空间 {namespace} 的 LimitRange（最小/最大限制）[（{bounds}）]。"
            + _ZH,
            ("让 {workload} 的 request 和 limit 落在 LimitRange 之内，或修改 LimitRange。",),
        ),
    ),
    "pod_security_violation": Wording(
        en=Text(
            "{kind} {workload} gets no pods because its template violates PodSecurity {level} of namespace {namespace}: {violations}."
            + _EN,
            ("Correct the securityContext of {workload} as PodSecurity {level} demands.",),
        ),
        zh=Text(
            "{kind} {workload} 无法创建 Pod：模板违反命名空间 {namespace} 的 PodSecurity {level}（Pod 安全标准）：{violations}。"
            + _ZH,
            ("按 PodSecurity {level} 的要求修正 {workload} 的 securityContext。",),
        ),
    ),
    "service_account_missing": Wording(
        en=Text(
            "{kind} {workload} gets no pods because the ServiceAccount {service_account} does not exist in namespace {namespace}"
            "[; there is {near}]." + _EN,
            ("Create ServiceAccount {service_account}, or correct serviceAccountName in {workload}.",),
        ),
        zh=Text(
            "{kind} {workload} 无法创建 Pod：命名空间 {namespace} 中不存在 ServiceAccount（服务账号）{service_account}[；现有 {near}]。"
            + _ZH,
            ("创建 ServiceAccount {service_account}，或修正 {workload} 的 serviceAccountName。",),
        ),
    ),
}
