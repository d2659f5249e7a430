"""Rollouts, jobs and schedules."""
# ruff: noqa: E501

import datetime as dt

from tests.scenarios.builder import REG, cause, ctr, dead, jl, pl, sec, story, web


@story(
    "harp-stuck",
    "Recreate waits for an old pod that may take two hours to end",
    en="harp-stream has no running version since the release 40 minutes ago. No errors anywhere, it just does not go on.",
    zh="harp-stream 四十分钟前发版之后就没有可用版本了，哪里都没有报错，就是不往下走。",
    causes=[
        cause("harp/Deployment/harp-stream", "rollout_stuck", "Terminating|terminationGracePeriodSeconds|7200|Recreate")
    ],
    spare=["harp/Service/harp-stream", "Node/node-1"],
)
def harp_stuck(c):
    ns = c.ns("harp")
    at = c.ago(m=40)
    tmpl = {"grace": 7200}
    old = {
        "created": c.ago(d=20),
        "changed": at,
        "states": [{"created": c.ago(d=20), "deleting": at + sec(7200), "grace": 7200}],
        "containers": [web("stream", REG + "/harp/stream:1.9.0")],
    }
    w = c.deploy(
        ns,
        "harp-stream",
        [web("stream", REG + "/harp/stream:2.0.0")],
        1,
        created=c.ago(d=60),
        rolled=at,
        no_current=True,
        progress="deadline",
        revision=7,
        strategy={"type": "Recreate"},
        tmpl=tmpl,
        history=[old],
    )
    c.svc(ns, "harp-stream", [("http", 80, "http")])
    c.scaled(w, f"Scaled down replica set {w.sets[0]['metadata']['name']} from 1 to 0", at)
    c.kubelet(w.pods[0], "Normal", "Killing", "Stopping container stream", at, container="stream")
    c.log(
        w.pods[0],
        "stream",
        [
            jl(at, "info", "SIGTERM received, draining"),
            *c.spell(
                at + sec(9),
                120,
                lambda t: jl(t, "info", "waiting for listeners to hang up", listeners=c.rng.randint(2, 5)),
            ),
        ],
    )
    c.app(ns, "harp-web", REG + "/harp/web:1.0.0")


@story(
    "flute-paused",
    "A deployment was paused in the middle of a rollout",
    en="I set a new image for flute-lessons two hours ago and nothing happens.",
    zh="两小时前给 flute-lessons 换了镜像，但什么都没发生。",
    causes=[cause("music/Deployment/flute-lessons", "rollout_paused", "paused|暂停")],
    spare=["music/Deployment/drum-lessons"],
    remedy=("patch", "music/Deployment/flute-lessons"),
)
def flute_paused(c):
    ns = c.ns("music")
    c.app(ns, "drum-lessons", REG + "/music/drums:1.0.0")
    at = c.ago(d=2)
    old = [web("lessons", REG + "/music/flute:1.0.0")]
    w = c.deploy(
        ns,
        "flute-lessons",
        [web("lessons", REG + "/music/flute:1.1.0")],
        2,
        created=c.ago(d=60),
        no_current=True,
        paused=at,
        progress="paused",
        gen=9,
        revision=3,
        history=[
            {
                "containers": old,
                "created": c.ago(d=20),
                "changed": c.ago(d=20),
                "states": [{"created": c.ago(d=20)}, {"created": c.ago(d=20) + sec(8)}],
                "want": 2,
            }
        ],
    )
    w.obj["metadata"]["generation"] = 9
    c.svc(ns, "flute-lessons", [("http", 80, "http")])
    c.event(w.obj, "Normal", "DeploymentPaused", "Deployment is paused", at, component="deployment-controller")


@story(
    "payroll-job",
    "A job gives up after its retries",
    en="The payroll export of this month is missing. Can you see why?",
    zh="这个月的工资导出没有产出，能看下原因吗？",
    causes=[cause("payroll/Job/payroll-2026", "job_failed", "BackoffLimitExceeded|backoff", "IBAN|row 8812")],
    spare=["payroll/Deployment/time-sheets"],
)
def payroll_job(c):
    ns = c.ns("payroll")
    c.app(ns, "time-sheets", REG + "/payroll/time-sheets:1.0.0")
    at = c.ago(h=2)
    js = c.job_spec([ctr("export", REG + "/payroll/export:1.2.0", req="50m/64Mi", lim="200m/128Mi")], backoff=2)
    times = [at, at + sec(30), at + sec(75)]
    j = c.job(
        ns,
        "payroll-2026",
        js,
        at,
        failed=("BackoffLimitExceeded", "Job has reached the specified backoff limit", at + sec(110)),
        pods=[{"created": t, "cs": {"export": dead(3, t + sec(2), t + sec(20))}} for t in times],
    )
    for p, t in zip(j.pods, times, strict=True):
        c.log(
            p,
            "export",
            [
                pl(t + sec(3), "INFO", "export", "12044 rows to write"),
                pl(t + sec(19), "ERROR", "export", "row 8812: IBAN checksum invalid, refusing to write a partial file"),
            ],
        )
    c.event(
        j.obj,
        "Warning",
        "BackoffLimitExceeded",
        "Job has reached the specified backoff limit",
        at + sec(110),
        component="job-controller",
    )


@story(
    "reindex-deadline",
    "A scheduled reindex runs into its deadline every night",
    en="The search index is two days old. The nightly reindex seems to disappear while running.",
    zh="搜索索引已经两天没更新了，夜间 reindex 好像跑着跑着就没了。",
    causes=[cause("finder/CronJob/reindex", "job_failed", "DeadlineExceeded|activeDeadlineSeconds|deadline", "1800")],
    spare=["finder/Deployment/finder"],
)
def reindex_deadline(c):
    ns = c.ns("finder")
    c.app(ns, "finder", REG + "/finder/finder:1.0.0")
    js = c.job_spec(
        [ctr("reindex", REG + "/finder/reindex:1.0.0", req="50m/64Mi", lim="200m/128Mi")], backoff=0, deadline=1800
    )
    at = c.ago(h=8)
    cj = c.cronjob(ns, "reindex", "0 3 * * *", js, last=at, ok=c.ago(d=3))
    for t in (at - dt.timedelta(days=1), at):
        run = c.cron_run(
            cj, t, fail=("DeadlineExceeded", "Job was active longer than specified deadline", t + sec(1800)), pods=[]
        )
        c.event(
            run.obj,
            "Warning",
            "DeadlineExceeded",
            "Job was active longer than specified deadline",
            t + sec(1800),
            component="job-controller",
        )
        c.event(
            run.obj,
            "Normal",
            "SuccessfulDelete",
            f"Deleted pod: {run.name}-{c.rand(5)}",
            t + sec(1800),
            component="job-controller",
        )


@story(
    "tide-suspended",
    "A CronJob was suspended and forgotten",
    en="No tide reports for five days!",
    zh="已经五天没有潮汐报告了！",
    causes=[cause("sea/CronJob/tide-report", "cronjob_suspended", "suspend|暂停|挂起")],
    spare=["sea/Deployment/sea-web"],
    remedy=("patch", "sea/CronJob/tide-report"),
)
def tide_suspended(c):
    ns = c.ns("sea")
    c.app(ns, "sea-web", REG + "/sea/web:1.0.0")
    js = c.job_spec([ctr("report", REG + "/sea/report:1.0.0", req="50m/64Mi", lim="200m/128Mi")])
    at = c.ago(d=5)
    cj = c.cronjob(
        ns, "tide-report", "0 */6 * * *", js, last=at, ok=at + sec(40), suspend=True, gen=3, changed=at + sec(3000)
    )
    c.cron_run(cj, at)


@story(
    "leap-schedule",
    "A schedule that never comes: 31 February",
    en="The month-end statement was never generated since we changed the schedule.",
    zh="改了调度之后月末对账单从来没有生成过。",
    causes=[cause("bank/CronJob/month-end", "cronjob_bad_schedule", "0 4 31 2 \\*")],
    spare=["bank/Deployment/statements"],
    remedy=("patch", "bank/CronJob/month-end"),
)
def leap_schedule(c):
    ns = c.ns("bank")
    c.app(ns, "statements", REG + "/bank/statements:1.0.0")
    js = c.job_spec([ctr("close", REG + "/bank/close:1.0.0", req="50m/64Mi", lim="200m/128Mi")])
    c.cronjob(
        ns, "month-end", "0 4 31 2 *", js, last=c.ago(d=45), ok=c.ago(d=45) + sec(300), gen=4, changed=c.ago(d=30)
    )


@story(
    "zone-schedule",
    "A CronJob with a time zone that does not exist",
    en="The Osaka price list did not come this morning, nor yesterday.",
    zh="今天和昨天早上都没有收到大阪价目表。",
    causes=[cause("osaka/CronJob/price-list", "cronjob_bad_schedule", "Asia/Osaka")],
    spare=["osaka/Deployment/price-web"],
    remedy=("patch", "osaka/CronJob/price-list"),
)
def zone_schedule(c):
    ns = c.ns("osaka")
    c.app(ns, "price-web", REG + "/osaka/price-web:1.0.0")
    js = c.job_spec([ctr("list", REG + "/osaka/list:1.0.0", req="50m/64Mi", lim="200m/128Mi")])
    cj = c.cronjob(
        ns,
        "price-list",
        "30 6 * * *",
        js,
        tz="Asia/Osaka",
        last=c.ago(d=3),
        ok=c.ago(d=3) + sec(30),
        gen=2,
        changed=c.ago(d=2, h=5),
    )
    c.event(
        cj,
        "Warning",
        "UnknownTimeZone",
        'invalid timeZone: "Asia/Osaka": unknown time zone Asia/Osaka',
        c.ago(m=20),
        14,
        c.ago(d=2, h=5),
        "cronjob-controller",
    )
