"""Words for Jobs and CronJobs."""

from __future__ import annotations

from agents.diagnoser.wording.template import Text, Wording

WORDING = {
    "job_failed": Wording(
        en=Text(
            "Job {job} in namespace {namespace} failed: {reason} ({message})[, {failed} pods failed][, backoffLimit {backoff_limit}]"
            "[, activeDeadlineSeconds (deadline) {deadline}][; last success {last_success}].[ Its log says: {log}]",
            (
                "Repair what the log names ({log}), then start the Job again.",
                "Give {job} more time than activeDeadlineSeconds {deadline}, or find out why it takes longer than before.",
                "Watch Jobs for failure, so that a missing run is noticed at once.",
            ),
        ),
        zh=Text(
            "命名空间 {namespace} 的 Job {job} 失败：{reason}（{message}）[，失败 Pod 数 {failed}][，backoffLimit {backoff_limit}]"
            "[，activeDeadlineSeconds（运行期限 deadline）{deadline}][；上次成功 {last_success}]。[日志：{log}]",
            (
                "先解决日志指出的问题（{log}），再重新运行 Job。",
                "把 {job} 的 activeDeadlineSeconds（{deadline}）调大，或查明为何比以前慢。",
                "监控 Job 失败，及时发现漏跑。",
            ),
        ),
    ),
    "cronjob_suspended": Wording(
        en=Text(
            "CronJob {workload} in namespace {namespace} is suspended (spec.suspend: true), so it starts no Job for its schedule "
            "{schedule}[; last run {last_run}].",
            ("Set spec.suspend of {workload} to false.",),
        ),
        zh=Text(
            "命名空间 {namespace} 的 CronJob {workload} 已被暂停（suspend，spec.suspend: true，挂起），不会按计划 {schedule} 启动 Job"
            "[；上次运行 {last_run}]。",
            ("把 {workload} 的 spec.suspend 设为 false。",),
        ),
    ),
    "cronjob_bad_schedule": Wording(
        en=Text(
            "The schedule of CronJob {workload} in namespace {namespace} never comes or cannot be read: schedule {schedule}"
            "[, timeZone {time_zone}][: {wrong}][; last run {last_run}].[ Message: {message}]",
            ("Correct schedule ({schedule}) and timeZone of {workload}.",),
        ),
        zh=Text(
            "命名空间 {namespace} 的 CronJob {workload} 的调度计划永远不会到来或无法解析：schedule {schedule}"
            "[，timeZone（时区）{time_zone}][：{wrong}][；上次运行 {last_run}]。[信息：{message}]",
            ("修正 {workload} 的 schedule（{schedule}）和 timeZone。",),
        ),
    ),
}
