"""Words for claims and volumes."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "pvc_missing": Wording(
        en=Text(
            "{kind} {workload} names the PersistentVolumeClaim {claim}, which does not exist in namespace {namespace}[; there are {claims}]."
            "[ Scheduler: {message}]",
            ("Create the claim {claim}, or correct the name in {workload}.",),
        ),
        zh=Text(
            "{kind} {workload} 引用的 PersistentVolumeClaim {claim} 在命名空间 {namespace} 中不存在[；现有：{claims}]。[调度器：{message}]",
            ("创建 PVC {claim}，或修正 {workload} 中的名称。",),
        ),
    ),
    "pvc_storage_class_missing": Wording(
        en=Text(
            "PersistentVolumeClaim {claim} cannot be provisioned: its StorageClass does not exist[ ({storage_class} not found)], or none is "
            "named and there is no default[; existing classes: {classes}]; waiting pods: {pods}.[ Event: {message}]",
            (
                "Recreate the claim with an existing StorageClass ({classes}), or create {storage_class}.",
                "Create a StorageClass, or mark one as default.",
            ),
        ),
        zh=Text(
            "PersistentVolumeClaim {claim} 无法供给：StorageClass（存储类）不存在[（{storage_class} not found）]，或没有指定且没有默认存储类"
            "[；现有存储类：{classes}]；等待的 Pod：{pods}。[事件：{message}]",
            (
                "用现有的 StorageClass（{classes}）重建该 PVC，或创建 {storage_class}。",
                "创建 StorageClass，或将其中一个设为默认。",
            ),
        ),
    ),
    "pvc_unbound": Wording(
        en=Text(
            "PersistentVolumeClaim {claim} ({size}, {access_modes}[, StorageClass {storage_class}]) stays {phase}: no volume fits or the "
            "provisioner fails[; volumes: {volumes}]; waiting pods: {pods}.[ Event: {message}]",
            ("Correct size, access mode or selector of {claim}, provide a fitting volume, or repair the provisioner.",),
        ),
        zh=Text(
            "PersistentVolumeClaim {claim}（{size}，{access_modes}[，StorageClass {storage_class}]）一直 {phase}，未绑定（unbound）：没有匹配的卷，"
            "或供给器（provisioner）失败[；现有卷：{volumes}]；等待的 Pod：{pods}。[事件：{message}]",
            ("修正 {claim} 的容量、访问模式或选择器，提供匹配的卷，或修复供给器。",),
        ),
    ),
    "volume_multi_attach": Wording(
        en=Text(
            "A ReadWriteOnce volume of {kind} {workload} (claims {claims}) is wanted on node {node} while it is still attached elsewhere"
            "[ ({holders})]: Multi-Attach error.[ Event: {message}]",
            (
                "Let the old pod go before the new one starts (strategy Recreate), or keep both on one node.",
                "Use a StatefulSet, or a volume that supports ReadWriteMany.",
            ),
        ),
        zh=Text(
            "{kind} {workload} 的 ReadWriteOnce 卷（PVC {claims}）要挂到节点 {node}，但仍挂载在别处[（{holders}）]：Multi-Attach error（多重挂载）。"
            "[事件：{message}]",
            (
                "让旧 Pod 先退出再启动新 Pod（策略 Recreate），或让两者在同一节点。",
                "使用 StatefulSet，或支持 ReadWriteMany 的卷。",
            ),
        ),
    ),
    "volume_mount_failed": Wording(
        en=Text(
            "A volume of {kind} {workload} cannot be mounted on node {node}[ (claims {claims})], so the pod stays in ContainerCreating."
            "[ Event: {message}]",
            ("Repair what the event names: {message}",),
        ),
        zh=Text(
            "{kind} {workload} 的卷在节点 {node} 上挂载失败[（PVC {claims}）]，Pod 停在 ContainerCreating。[事件：{message}]",
            ("修复事件指出的问题：{message}",),
        ),
    ),
    "volume_full": Wording(
        en=Text(
            "The volume of PersistentVolumeClaim {claim}[ ({size})] is full: no space left on device[ at {path}]; "
            "{kind} {workload} (container {container}) fails because of it[, exit code {exit_code}].[ Log: {message}]",
            (
                "Expand {claim} beyond {size} (when the StorageClass allows it), or free space in {path}.",
                "Alert on kubelet_volume_stats_available_bytes, and limit what grows (logs, WAL, retention).",
            ),
        ),
        zh=Text(
            "PersistentVolumeClaim {claim}[（{size}）]的卷已满，空间不足（磁盘写满、空间耗尽，no space left on device）[，路径 {path}]，"
            "导致 {kind} {workload} 的容器 {container} 失败[，退出码 {exit_code}]。[日志：{message}]",
            (
                "把 {claim} 扩容到 {size} 以上（StorageClass 允许时），或清理 {path}。",
                "对 kubelet_volume_stats_available_bytes 告警，并限制增长（日志、WAL、保留期）。",
            ),
        ),
    ),
}
