"""Words for deletions that do not end."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "finalizer_stuck": Wording(
        en=Text(
            "{kind} {name}{where} has been deleted at {deleted_at} (deletionTimestamp) and stays Terminating, because nobody removes its "
            "finalizer {finalizers}[; pods {users} still use it].[ {message}]",
            (
                "Stop the pods {users} that still use {name}.",
                "Bring back the controller that owns the finalizer {finalizers} and let it clean up.",
                "When it will not come back and its clean-up was done by hand, remove the finalizer from {name}.",
            ),
        ),
        zh=Text(
            "{where_zh}{kind} {name} 已于 {deleted_at} 被删除（deletionTimestamp），但一直处于 Terminating：没有人移除它的 finalizer（终结器）"
            "{finalizers}[；Pod {users} 仍在使用它]。[{message}]",
            (
                "停止仍在使用 {name} 的 Pod {users}。",
                "恢复负责 {finalizers} 的控制器，让它完成清理。",
                "如果控制器不会再回来且清理已手动完成，从 {name} 移除该 finalizer。",
            ),
        ),
    ),
}
