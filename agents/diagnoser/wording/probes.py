"""Words for probes."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

_EN = "[ Probe: {asks} ({timing}).][ Container ports: {container_ports}.][ Before: {before}.][ Last failure: {message}]"
_ZH = "[探针：{asks}（{timing}）。][容器端口：{container_ports}。][之前：{before}。][最近一次失败：{message}]"

WORDING = {
    "probe_liveness_misconfigured": Wording(
        en=Text(
            "Container {container} of {kind} {workload} is killed again and again by a {probe} probe that cannot pass"
            "[, {restarts} restarts][, it lives {lived}]: the probe asks for what the container does not serve." + _EN,
            (
                "Correct the {probe}Probe of {container}; it was {before}.",
                "Point the {probe}Probe of {container} at what it really serves.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 被一个不可能通过的 {probe} 探针（存活/启动探针配置错误）反复杀死[，已重启 {restarts} 次]"
            "[，每次存活 {lived}]：探针访问的端口、路径或命令与容器实际提供的不符。" + _ZH,
            (
                "修正 {container} 的 {probe}Probe；之前是 {before}。",
                "让 {container} 的 {probe}Probe 指向它真正提供的端口和路径。",
            ),
        ),
    ),
    "probe_liveness_too_aggressive": Wording(
        en=Text(
            "Container {container} of {kind} {workload} is killed by its {probe} probe although it works: delay, timeout or threshold "
            "is too tight[, {restarts} restarts][, it lives {lived}]." + _EN,
            (
                "Give it more time: a startupProbe, a larger initialDelaySeconds, timeoutSeconds or failureThreshold.",
                "Measure how long start and slow answers take, and set the probe well above.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 本身正常，却被 {probe} 探针杀死：延迟、超时或阈值设置过紧（过于激进）[，已重启 {restarts} 次]"
            "[，每次存活 {lived}]。" + _ZH,
            (
                "给它更多时间：使用 startupProbe，或增大 initialDelaySeconds、timeoutSeconds、failureThreshold。",
                "测量启动和慢响应的耗时，并把探针参数设得明显更宽。",
            ),
        ),
    ),
    "probe_readiness_misconfigured": Wording(
        en=Text(
            "Container {container} of {kind} {workload} runs but never becomes ready because its readiness probe is wrong: it asks for "
            "what the container does not serve." + _EN,
            (
                "Correct the readinessProbe of {container}; it was {before}.",
                "Point the readinessProbe at what {container} serves.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 在运行但一直未就绪：就绪探针（readiness probe）配置错误，访问的端口、路径或命令容器并不提供。"
            + _ZH,
            (
                "修正 {container} 的 readinessProbe；之前是 {before}。",
                "让 readinessProbe 指向 {container} 真正提供的端口和路径。",
            ),
        ),
    ),
    "readiness_failing": Wording(
        en=Text(
            "Container {container} of {kind} {workload} runs but is not ready: the application itself says so to its readiness probe."
            + _EN
            + "[ Log: {log}]",
            ("Read the application's log and restore what it needs: {log}",),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 在运行但未就绪（not ready）：应用自己对就绪探针（readiness probe）返回失败。"
            + _ZH
            + "[日志：{log}]",
            ("查看应用日志并恢复它需要的东西：{log}",),
        ),
    ),
}
