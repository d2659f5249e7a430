"""Words for custom resources that their operator rejects."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "custom_resource_rejected": Wording(
        en=Text(
            "{kind} {name}{where} is rejected by its operator ({reason})[: {message}][; conditions {conditions}]"
            "[; waiting for it: {victims}].",
            (
                "Correct the spec of {kind} {name}, or what it refers to, as the operator says: {message}",
                "Validate custom resources before they are applied.",
            ),
        ),
        zh=Text(
            "{where_zh}{kind} {name} 被其 operator 拒绝，无法完成（{reason}）[：{message}][；状态 {conditions}][；等待它的有：{victims}]。",
            (
                "按 operator 的提示修正 {kind} {name} 的 spec 或它引用的对象：{message}",
                "应用自定义资源之前先做校验。",
            ),
        ),
    ),
}
