"""What each risk means, in English and Chinese: title, why it hurts, what to do, and one line per object."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from agents.runtime.findings import Language


@dataclass(frozen=True)
class Words:
    """One check in one language. `detail` is filled with the facts of an object."""

    title: str
    why: str
    advice: str
    detail: str = ""


_EN: dict[str, Words] = {
    "single_replica": Words(
        "One replica only",
        "A crash, a node drain or an update takes the whole workload away.",
        "Run at least 2 replicas where the program allows it, spread over nodes, with a PodDisruptionBudget.",
        "serves {services}",
    ),
    "no_requests": Words(
        "No CPU or memory requests",
        "The scheduler packs these pods blindly, and they are the first to be evicted when a node runs short.",
        "Set requests from measured usage; the right-sizing table has values.",
        "{lacking}",
    ),
    "no_memory_limit": Words(
        "No memory limit",
        "A leak takes the node's memory, and neighbours are evicted or killed for it.",
        "Set a memory limit above the measured peak.",
        "{lacking}",
    ),
    "no_readiness_probe": Words(
        "No readiness probe behind a Service",
        "Pods get traffic before they can answer it: every rollout and restart shows as errors.",
        "Add a readinessProbe that fails until the program can serve.",
        "{containers}",
    ),
    "no_liveness_probe": Words(
        "No liveness probe",
        "A process that hangs is never restarted.",
        "Add a livenessProbe that checks only the process itself, with a generous timeout.",
        "{containers}",
    ),
    "no_disruption_budget": Words(
        "Several replicas without a disruption budget",
        "A node drain or an upgrade of the node pool may take all replicas at once.",
        "Add a PodDisruptionBudget with maxUnavailable: 1.",
        "{replicas} replicas",
    ),
    "blocking_budget": Words(
        "Disruption budgets that allow no disruption",
        "Nodes with these pods cannot be drained, so upgrades get stuck.",
        "Allow one pod to be away (maxUnavailable: 1), or add a replica.",
        "{pods} pods, 0 disruptions allowed",
    ),
    "floating_image": Words(
        "Images without a version",
        "The next restart may run something else, and there is nothing to roll back to.",
        "Name a version or a digest instead of latest.",
        "{images}",
    ),
    "one_node": Words(
        "All replicas on one node",
        "The node goes, and all replicas with it.",
        "Add topologySpreadConstraints over kubernetes.io/hostname.",
        "{pods} pods on {node}",
    ),
    "dns_in_one_place": Words(
        "Cluster DNS in one place",
        "When that place goes, no name in the cluster resolves, and everything fails at once.",
        "Run at least 2 DNS pods, with anti-affinity over nodes and zones.",
        "{pods} pod(s), all in {place} {name}; there are {others} more",
    ),
    "expiring_certificate": Words(
        "Certificates about to expire",
        "Clients refuse the connection from that day on.",
        "Renew them, or let cert-manager do it.",
        "until {after}, {days} day(s) left",
    ),
    "deprecated_api": Words(
        "Objects written by deprecated API versions",
        "Manifests and tools that still use these versions fail after the upgrade that removes them.",
        "Move the manifests to the current version before the next upgrade.",
        "{api} is gone in {removed}, written by {by}",
    ),
    "near_memory_limit": Words(
        "Close to the memory limit",
        "A little more memory, and the container is killed.",
        "Find out whether it grows; raise the limit if the use is legitimate.",
        "{pod}: {used} of {limit} ({percent} %)",
    ),
    "node_nearly_full": Words(
        "Nodes nearly full",
        "Pods that move or scale find no room here, and memory pressure evicts those that run.",
        "Add a node, or move load away; see packing.",
        "{full}",
    ),
}
_ZH: dict[str, Words] = {
    "single_replica": Words(
        "只有一个副本",
        "一次崩溃、节点排空或更新就会使整个工作负载不可用。",
        "在程序允许时至少运行 2 个副本，分布在不同节点，并设置 PodDisruptionBudget。",
        "为 {services} 提供服务",
    ),
    "no_requests": Words(
        "没有设置 CPU 或内存请求值",
        "调度器只能盲目放置这些 Pod；节点资源紧张时它们最先被驱逐。",
        "按实测用量设置 requests，建议值见规格建议表。",
        "{lacking}",
    ),
    "no_memory_limit": Words(
        "没有设置内存限制",
        "一旦泄漏会占满节点内存，邻近的 Pod 因此被驱逐或杀死。",
        "将内存限制设置在实测峰值之上。",
        "{lacking}",
    ),
    "no_readiness_probe": Words(
        "对外提供服务但没有就绪探针",
        "Pod 还不能应答时就会收到流量：每次发布和重启都会出现错误。",
        "添加 readinessProbe，在程序可以服务之前保持失败。",
        "{containers}",
    ),
    "no_liveness_probe": Words(
        "没有存活探针",
        "进程卡死后不会被重启。",
        "添加只检查进程自身、超时宽松的 livenessProbe。",
        "{containers}",
    ),
    "no_disruption_budget": Words(
        "多副本但没有中断预算",
        "排空节点或升级节点池时，所有副本可能同时被带走。",
        "添加 PodDisruptionBudget，maxUnavailable: 1。",
        "{replicas} 个副本",
    ),
    "blocking_budget": Words(
        "中断预算不允许任何中断",
        "有这些 Pod 的节点无法排空，升级会卡住。",
        "允许一个 Pod 离开（maxUnavailable: 1），或增加一个副本。",
        "{pods} 个 Pod，允许中断数为 0",
    ),
    "floating_image": Words(
        "镜像没有固定版本",
        "下次重启可能运行不同的内容，也没有可回滚的版本。",
        "使用明确的版本或摘要，不要用 latest。",
        "{images}",
    ),
    "one_node": Words(
        "所有副本在同一个节点上",
        "该节点故障时，所有副本一起消失。",
        "按 kubernetes.io/hostname 添加 topologySpreadConstraints。",
        "{pods} 个 Pod 都在 {node}",
    ),
    "dns_in_one_place": Words(
        "集群 DNS 集中在一处",
        "该处故障时，集群内所有名称都无法解析，一切同时失败。",
        "至少运行 2 个 DNS Pod，并在节点和可用区之间设置反亲和。",
        "{pods} 个 Pod 都在{place} {name}；另外还有 {others} 个",
    ),
    "expiring_certificate": Words(
        "证书即将到期",
        "从那一天起客户端会拒绝连接。",
        "续签证书，或交给 cert-manager 自动续签。",
        "有效期至 {after}，剩余 {days} 天",
    ),
    "deprecated_api": Words(
        "对象由已弃用的 API 版本写入",
        "移除这些版本的升级之后，仍在使用它们的清单和工具会失败。",
        "在下次升级之前把清单迁移到当前版本。",
        "{api} 在 {removed} 中移除，写入者 {by}",
    ),
    "near_memory_limit": Words(
        "接近内存限制",
        "再多用一点内存，容器就会被杀死。",
        "查明用量是否持续增长；如果属于正常用量，请提高限制。",
        "{pod}：{used} / {limit}（{percent}%）",
    ),
    "node_nearly_full": Words(
        "节点接近占满",
        "迁移或扩容的 Pod 在这里找不到位置，内存压力会驱逐正在运行的 Pod。",
        "增加节点或迁走负载，参见装箱结果。",
        "{full}",
    ),
}
_NAMES: dict[Language, dict[str, str]] = {
    "en": {
        "cpu_requests": "CPU requests",
        "memory_requests": "memory requests",
        "cpu_used": "CPU used",
        "memory_used": "memory used",
        "pods": "pod places",
    },
    "zh": {
        "cpu_requests": "CPU 请求值",
        "memory_requests": "内存请求值",
        "cpu_used": "CPU 用量",
        "memory_used": "内存用量",
        "pods": "Pod 数量",
        "node": "节点",
        "zone": "可用区",
    },
}


def words_of(check: str, language: Language) -> Words:
    """The words of a check. Raises KeyError for a check that nobody has put into words."""
    return (_ZH if language == "zh" else _EN)[check]


def detail_of(check: str, facts: Mapping[str, Any], language: Language) -> str:
    """The line about one object; empty when its facts say nothing."""
    if facts and not any(facts.values()):
        return ""
    told = {key: _told(value, language) for key, value in facts.items()}
    return words_of(check, language).detail.format(**told)


def unchecked(check: str, reason: str, language: Language) -> str:
    """A check that could not be made."""
    title = words_of(check, language).title
    return f"{title}：未能检查（{reason}）" if language == "zh" else f"{title}: not checked ({reason})"


def _told(value: Any, language: Language) -> Any:
    names = _NAMES[language]
    if isinstance(value, dict):
        return ", ".join(f"{names.get(what, what)} {share:.0%}" for what, share in value.items())
    return names.get(value, value) if isinstance(value, str) else value
