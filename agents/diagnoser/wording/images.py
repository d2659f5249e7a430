"""Words for images that cannot be pulled."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "image_not_found": Wording(
        en=Text(
            "The image {image} of container {container} in {kind} {workload} cannot be pulled because it does not exist or "
            "is misspelt ({reason})[; the revision before used {before}].[ Kubelet: {message}]",
            (
                "Set the image of {container} back to {before}.",
                "Check that the tag was pushed: name and tag must match what is in the registry.",
                "Let the pipeline verify that an image exists before it deploys it.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 使用的镜像 {image} 拉取不到（{reason}）：镜像不存在，或者名称/标签拼写错误"
            "[；上一版本使用的是 {before}]。[kubelet 报告：{message}]",
            (
                "把 {container} 的镜像改回 {before}。",
                "确认镜像标签已经推送：名称和标签必须与镜像仓库中的一致。",
                "在流水线中先校验镜像存在，再发布。",
            ),
        ),
    ),
    "image_pull_unauthorized": Wording(
        en=Text(
            "The registry refuses to hand out image {image} for container {container} of {kind} {workload}: unauthorized "
            "(401/denied)[; imagePullSecrets: {pull_secrets}][; missing Secret: {missing_secrets}]"
            "[; ServiceAccount {service_account} has no imagePullSecrets that help].[ Kubelet: {message}]",
            (
                "Create or correct the pull Secret (type kubernetes.io/dockerconfigjson) and name it in imagePullSecrets.",
                "Renew registry credentials before they expire.",
            ),
        ),
        zh=Text(
            "镜像仓库拒绝提供 {kind} {workload} 的容器 {container} 的镜像 {image}：未授权（unauthorized，401/denied）"
            "[；imagePullSecrets：{pull_secrets}][；缺少 Secret：{missing_secrets}]"
            "[；ServiceAccount {service_account} 没有可用的 imagePullSecrets]。[kubelet 报告：{message}]",
            (
                "创建或修正拉取凭证 Secret（类型 kubernetes.io/dockerconfigjson），并在 imagePullSecrets 中引用。",
                "在镜像仓库凭证过期前更新它。",
            ),
        ),
    ),
    "image_arch_unsupported": Wording(
        en=Text(
            "The image {image} of container {container} in {kind} {workload} is not built for the architecture of the node "
            "(exec format error / no match for platform)[; the revision before used {before}].[ Message: {message}]",
            ("Build the image for the nodes' platform (multi-arch), or schedule it to nodes that it fits.",),
        ),
        zh=Text(
            "{kind} {workload} 的容器 {container} 的镜像 {image} 不支持节点的 CPU 架构（exec format error / no match for platform，架构不匹配）"
            "[；上一版本使用的是 {before}]。[信息：{message}]",
            ("为节点的平台构建镜像（多架构），或者把它调度到匹配的节点。",),
        ),
    ),
}
