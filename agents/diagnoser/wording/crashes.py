"""Words for containers that end by themselves or run out of memory."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "oom_killed": Wording(
        en=Text(
            "Container {container} of {kind} {workload} is OOMKilled (out of memory) against its own memory limit "
            "{memory_limit}[, which was {before} in the revision before]: exit code {exit_code}[, {restarts} restarts]"
            "[, last measured usage {used}][, memory request {memory_request}].",
            (
                "Raise the memory limit of {container} back to {before}.",
                "Set the memory limit of {container} above what it really needs.",
                "Find what keeps the memory (heap size, caches, a leak), and let request and limit follow measured usage.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 超出自身内存限制 {memory_limit}[（上一版本为 {before}）]被 OOMKilled（内存不足、内存溢出）："
            "退出码 {exit_code}[，已重启 {restarts} 次][，最近一次测得的用量 {used}][，内存请求 {memory_request}]。",
            (
                "把 {container} 的内存限制恢复到 {before}。",
                "把 {container} 的内存限制调到实际需要之上。",
                "查明内存去向（堆大小、缓存、泄漏），并按实测用量设置 request 和 limit。",
            ),
        ),
    ),
    "crash_app_error": Wording(
        en=Text(
            "Container {container} of {kind} {workload} (image {image}) exits by itself with an application error[, exit code "
            "{exit_code}][, {restarts} restarts].[ Its log says: {message}]",
            (
                "Roll back to the revision before if the error came with a release.",
                "Fix the error that the log names: {message}",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container}（镜像 {image}）因应用自身错误退出[，退出码 {exit_code}][，已重启 {restarts} 次]。"
            "[日志：{message}]",
            ("如果错误随发版出现，先回滚到上一版本。", "修复日志指出的错误：{message}"),
        ),
    ),
    "crash_bad_command": Wording(
        en=Text(
            "Container {container} of {kind} {workload} cannot start: its command or arguments are wrong[, exit code {exit_code}]"
            "[ ({reason})].[ Command: {command}.][ The revision before had: {before}.][ Message: {message}]",
            (
                "Correct command/args of {container}; they were {before}.",
                "Correct command/args of {container} so that they name a file that is in the image.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 无法启动：command 或 args（启动命令）错误[，退出码 {exit_code}][（{reason}）]。"
            "[命令：{command}。][上一版本：{before}。][信息：{message}]",
            (
                "修正 {container} 的 command/args；之前是 {before}。",
                "修正 {container} 的 command/args，使其指向镜像中存在的文件。",
            ),
        ),
    ),
    "crash_missing_env": Wording(
        en=Text(
            "Container {container} of {kind} {workload} exits because an environment variable is missing or wrong[: {variable}]"
            "[ (exit code {exit_code})].[ {missing} is not set in the pod template.][ Before it was {before}.]"
            "[ It asks for {host}][ port {port}][, but {target} serves {service_ports}].[ Log: {message}]",
            (
                "Set {variable} again as it was: {before}.",
                "Set the variable {variable} on container {container}.",
                "Check required variables in the pipeline before a release.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 因环境变量缺失或错误而退出[：{variable}][（退出码 {exit_code}）]。"
            "[Pod 模板中没有设置 {missing}。][之前的值是 {before}。][它访问 {host}][ 端口 {port}][，但 {target} 的端口是 {service_ports}]。"
            "[日志：{message}]",
            (
                "把 {variable} 恢复为：{before}。",
                "为容器 {container} 设置环境变量 {variable}。",
                "发布前在流水线中检查必需的环境变量。",
            ),
        ),
    ),
    "crash_bad_config": Wording(
        en=Text(
            "{kind} {workload} exits (container {container}[, exit code {exit_code}]) because the content of {source} is wrong"
            "[, key {key}][, mounted at {path}][, variable {variable}].[ Log: {message}]",
            ("Correct {source} and restart {workload}.", "Validate configuration before it is applied."),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 退出[（退出码 {exit_code}）]，因为 {source} 的配置内容错误[，键 {key}][，挂载于 {path}]"
            "[，变量 {variable}]。[日志：{message}]",
            ("修正 {source} 并重启 {workload}。", "应用配置之前先校验。"),
        ),
    ),
    "crash_cert_expired": Wording(
        en=Text(
            "The TLS certificate in {source} is expired or not yet valid[ (valid from {not_before} to {not_after})]; "
            "{kind} {workload} fails because of it[: container {container} exits][ with exit code {exit_code}].[ Log: {message}]",
            (
                "Renew the certificate in {source} and restart {workload}.",
                "Let cert-manager renew it, and alert on days left.",
            ),
        ),
        zh=Text(
            "{source} 中的 TLS 证书已过期（expired）或尚未生效[（有效期 {not_before} 至 {not_after}）]，导致 {kind} {workload} 出错[：容器 {container} 退出][，退出码 {exit_code}]。"
            "[日志：{message}]",
            ("更新 {source} 中的证书并重启 {workload}。", "使用 cert-manager 自动续期，并对剩余天数告警。"),
        ),
    ),
    "crash_permission": Wording(
        en=Text(
            "Container {container} of {kind} {workload} may not do what it tries to[ at {path}]: permissions, file ownership or a "
            "read-only file system[; securityContext {security_context}][; exit code {exit_code}].[ Message: {message}]",
            (
                "Correct the securityContext (runAsUser, fsGroup, readOnlyRootFilesystem) or mount a writable volume there.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 权限不足[（路径 {path}）]：securityContext、文件属主或只读文件系统（read-only）的限制"
            "[；securityContext {security_context}][；退出码 {exit_code}]。[信息：{message}]",
            ("修正 securityContext（runAsUser、fsGroup、readOnlyRootFilesystem），或在该路径挂载可写的卷。",),
        ),
    ),
    "crash_dependency": Wording(
        en=Text(
            "Container {container} of {kind} {workload} exits because a service that it needs does not answer[: {host}][ port {port}]"
            "[ ({target})][; Service {service} has no selector and leads out of the cluster to {addresses}][, exit code {exit_code}].[ Log: {message}]",
            ("Restore the dependency {host}.", "Let the program wait and retry instead of exiting."),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 因依赖的服务不可用而退出[：{host}][ 端口 {port}][（{target}）][；Service {service} 没有 selector，指向集群外的 {addresses}][，退出码 {exit_code}]。"
            "[日志：{message}]",
            ("恢复依赖 {host}。", "让程序等待并重试，而不是直接退出。"),
        ),
    ),
    "init_container_failed": Wording(
        en=Text(
            "Init container {container} of {kind} {workload} fails[ with exit code {exit_code}][ ({reason})][, {restarts} restarts], so "
            "the pod never starts.[ Message: {message}]",
            ("Fix what the init container complains about: {message}", "Check image {image} and its command."),
        ),
        zh=Text(
            "{kind} {workload} 的初始化容器（init container）{container} 失败[，退出码 {exit_code}][（{reason}）][，已重启 {restarts} 次]，"
            "Pod 无法启动。[信息：{message}]",
            ("修复初始化容器报告的问题：{message}", "检查镜像 {image} 及其命令。"),
        ),
    ),
    "init_container_stuck": Wording(
        en=Text(
            "Init container {container} of {kind} {workload} has been running for {minutes} minutes and never ends, so the pod does "
            "not start[: it waits for {host}][ port {port}][ (there is a {near})][ ({target})].[ Command: {command}.][ Log: {message}]",
            (
                "Correct the name that {container} waits for: {near} exists, {host} does not.",
                "Make {host} available, or correct what {container} waits for.",
                "Give waiting loops a time limit, so that they fail visibly.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的初始化容器（init container）{container} 已运行 {minutes} 分钟仍未结束，Pod 无法启动[：它在等待 {host}][ 端口 {port}]"
            "[（存在的是 {near}）][（{target}）]。[命令：{command}。][日志：{message}]",
            (
                "修正 {container} 等待的名称：存在的是 {near}，{host} 不存在。",
                "让 {host} 可用，或者修正 {container} 等待的对象。",
                "给等待循环加上超时，让它明确失败。",
            ),
        ),
    ),
    "dns_name_unresolvable": Wording(
        en=Text(
            "{kind} {workload} (container {container}) asks for a host that does not exist: {host}[ (there is a {near})].[ Log: {message}]",
            (
                "Correct the host name {host}; {near} exists.",
                "Correct the host name {host} in the configuration of {workload}.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 访问的主机名 {host} 不存在，无法解析（DNS）[（存在的是 {near}）]。[日志：{message}]",
            ("修正主机名 {host}；存在的是 {near}。", "在 {workload} 的配置中修正主机名 {host}。"),
        ),
    ),
    "service_missing": Wording(
        en=Text(
            "{kind} {workload} in namespace {namespace} calls {host}[ port {port}][ ({path})], but there is no Service of that name[ (there is a {near})]"
            "[; {deleted_by} deleted it at {deleted_at}][; its ports (port -> targetPort) were {old_ports}].[ Log: {message}]",
            ("Create the Service {host}, or correct the name in {workload}.",),
        ),
        zh=Text(
            "命名空间 {namespace} 的 {kind} {workload} 访问 {host}[ 端口 {port}][（{path}）]，但不存在这个名称的 Service[（存在的是 {near}）]"
            "[；它在 {deleted_at} 被 {deleted_by} 删除][，原来的端口（port -> targetPort）是 {old_ports}]。[日志：{message}]",
            ("创建 Service {host}，或者修正 {workload} 中的名称。",),
        ),
    ),
}
