"""Words for requests that RBAC refuses."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "rbac_denied": Wording(
        en=Text(
            "{account} may not {verb} {api_resource} (API group {group_shown}) in {scope}: forbidden by RBAC."
            "[ {blamed_kind} {blamed_name}: allows {rules}.][ It binds role {role_ref} to {subjects}.]"
            "[ {workload} suffers from it.][ Message: {message}]",
            ("Add the verb {verb} on {api_resource} to what {blamed_kind} {blamed_name} grants, for {account}.",),
        ),
        zh=Text(
            "{account} 没有权限（forbidden，被 RBAC 拒绝）在 {scope} 对 {api_resource}（API 组 {group_shown}）执行 {verb}。"
            "[{blamed_kind} {blamed_name} 允许：{rules}。][roleRef：{role_ref}；subjects：{subjects}。]"
            "[受影响：{workload}。][信息：{message}]",
            ("在 {blamed_kind} {blamed_name} 中为 {account} 增加对 {api_resource} 的 {verb} 权限。",),
        ),
    ),
}
