"""Words for what leads into the cluster: Ingresses, their certificates, and the Gateway API."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "ingress_class_missing": Wording(
        en=Text(
            "No controller serves Ingress {ingress} in namespace {namespace}[ ({hosts})][: its ingressClassName {wanted} names no "
            "IngressClass][: it sets no ingressClassName ({unset}) and no IngressClass is the default][; existing classes: {known}].",
            (
                "Set ingressClassName of Ingress {ingress} to {near}.",
                "Set ingressClassName of Ingress {ingress}, or create the IngressClass {wanted}.",
                "Mark one IngressClass as the default (ingressclass.kubernetes.io/is-default-class: true).",
            ),
        ),
        zh=Text(
            "没有控制器处理命名空间 {namespace} 的 Ingress {ingress}[（{hosts}）][：ingressClassName {wanted} 对应的 IngressClass 不存在]"
            "[：没有设置 ingressClassName（{unset}），也没有默认的 IngressClass][；现有的 IngressClass：{known}]。",
            (
                "把 Ingress {ingress} 的 ingressClassName 设为 {near}。",
                "设置 Ingress {ingress} 的 ingressClassName，或者创建 IngressClass {wanted}。",
                "指定一个默认的 IngressClass（ingressclass.kubernetes.io/is-default-class: true）。",
            ),
        ),
    ),
    "ingress_backend_wrong": Wording(
        en=Text(
            "Ingress {ingress} in namespace {namespace} sends {path} to Service {service} port {port}, which does not exist"
            "[; Service {service} has ports {service_ports}][; there is {near}].",
            (
                "Point {path} of Ingress {ingress} at port {right_port} of Service {service}.",
                "Point {path} of Ingress {ingress} at {near}.",
                "Correct the backend of {path} in Ingress {ingress}, or create Service {service} with port {port}.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Ingress {ingress} 把 {path} 转发到 Service {service} 的端口 {port}，而它不存在"
            "[；Service {service} 的端口是 {service_ports}][；存在的是 {near}]。",
            (
                "把 Ingress {ingress} 的 {path} 指向 Service {service} 的端口 {right_port}。",
                "把 Ingress {ingress} 的 {path} 指向 {near}。",
                "修正 Ingress {ingress} 中 {path} 的后端，或者创建端口为 {port} 的 Service {service}。",
            ),
        ),
    ),
    "ingress_tls_missing": Wording(
        en=Text(
            "Ingress {ingress} in namespace {namespace} has no certificate for {tls_hosts}: its TLS Secret is {secret}, but {problem}, so "
            "the controller serves its own fake certificate[; a Secret of that name exists in namespace {elsewhere}].",
            (
                "Create TLS Secret {secret} (tls.crt, tls.key) in namespace {namespace}.",
                "Let cert-manager issue and renew Secret {secret}.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Ingress {ingress} 没有 {tls_hosts} 的证书：TLS Secret 是 {secret}，但 {problem}，"
            "控制器只能返回自带的假证书[；命名空间 {elsewhere} 中有同名的 Secret]。",
            (
                "在命名空间 {namespace} 创建 TLS Secret {secret}（tls.crt、tls.key）。",
                "用 cert-manager 签发并续期 Secret {secret}。",
            ),
        ),
    ),
    "gateway_route_broken": Wording(
        en=Text(
            "{kind} {name} in namespace {namespace}[ ({hosts})] does not work: {problems}[; parents: {parents}][; routes on it: {routes}].",
            (
                "Correct {kind} {name} in namespace {namespace}: {problems}",
                "Check the conditions Accepted and ResolvedRefs of routes after every change.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 {kind} {name}[（{hosts}）] 无法工作：{problems}[；上级：{parents}][；挂在它上面的路由：{routes}]。",
            (
                "修正命名空间 {namespace} 的 {kind} {name}：{problems}",
                "每次变更后检查路由的 Accepted 和 ResolvedRefs 条件（conditions）。",
            ),
        ),
    ),
}
