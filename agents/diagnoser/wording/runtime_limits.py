"""Words for containers that run, but with too little CPU or with old settings."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "cpu_throttled": Wording(
        en=Text(
            "Container {container} of {kind} {workload} is throttled: it uses {used} of its CPU limit (limits.cpu) {cpu_limit}"
            "[, which was {before} in the revision before], and is slow because of it[; callers that time out: {callers}]"
            "[; {probe}].[ Its log says: {log}]",
            (
                "Raise the CPU limit of {container} back to {before}.",
                "Raise the CPU limit of {container} above {cpu_limit}, or remove it and keep the request.",
                "Set CPU limits from measured peaks, and alert on container_cpu_cfs_throttled_periods_total.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 被 CPU 限流（throttled）：用量 {used} 已达到 CPU 限制（limits.cpu）{cpu_limit}"
            "[（上一版本为 {before}）]，因此变慢[；等待它而超时的调用方：{callers}][；{probe}]。[日志：{log}]",
            (
                "把 {container} 的 CPU 限制恢复到 {before}。",
                "把 {container} 的 CPU 限制调到 {cpu_limit} 以上，或取消限制只保留 request。",
                "按实测峰值设置 CPU 限制，并对 container_cpu_cfs_throttled_periods_total 告警。",
            ),
        ),
    ),
    "config_stale": Wording(
        en=Text(
            "Pods of {kind} {workload} still run with the old content of {source_kind} {source_name}: it was changed at {changed_at}"
            "[ by {by}][ ({keys})][, now {now}], but container {container} runs since {started_at} and takes it as {used_as}"
            "[ (variable {variable})][ at {path}], which never changes in a running container: a restart is needed.",
            (
                "Restart the rollout of {workload}.",
                "Put a checksum of {source_name} into the pod template, or let a reloader restart pods after changes.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的 Pod 仍在使用 {source_kind} {source_name} 的旧内容：它于 {changed_at} 被修改"
            "[（{by}）][（{keys}）][，现在是 {now}]，但容器 {container} 自 {started_at} 起运行，以 {used_as}（环境变量或 subPath 挂载）方式使用"
            "[（变量 {variable}）][（{path}）]，运行中的容器不会更新，需要重启。",
            (
                "滚动重启 {workload}。",
                "把 {source_name} 的校验和写入 Pod 模板，或使用 reloader 在变更后自动重启。",
            ),
        ),
    ),
}
