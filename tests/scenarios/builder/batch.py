"""Jobs and CronJobs."""

import copy
import datetime as dt

from tests.scenarios.builder.clock import sec, ts
from tests.scenarios.builder.containers import (
    pod_spec,
)
from tests.scenarios.builder.states import dead
from tests.scenarios.builder.work import Work


class Batch:
    """Jobs, CronJobs and their runs."""

    def job_spec(
        self,
        containers,
        labels=None,
        backoff=6,
        deadline=None,
        ttl=None,
        completions=1,
        parallelism=1,
        suspend=False,
        **tmpl,
    ):
        s = {
            "backoffLimit": backoff,
            "completionMode": "NonIndexed",
            "completions": completions,
            "manualSelector": False,
            "parallelism": parallelism,
            "podReplacementPolicy": "TerminatingOrFailed",
            "suspend": suspend,
            "template": {
                "metadata": {"labels": dict(labels or {})},
                "spec": pod_spec(containers, restart=tmpl.pop("restart", "Never"), **tmpl),
            },
        }
        if deadline:
            s["activeDeadlineSeconds"] = deadline
        if ttl is not None:
            s["ttlSecondsAfterFinished"] = ttl
        return s

    def job(
        self,
        ns,
        name,
        jspec,
        created,
        owner=None,
        labels=None,
        annotations=None,
        done=None,
        failed=None,
        pods=(),
        use=None,
        active=0,
    ):
        """done: completion time; failed: (reason, message, time); pods: pod states, each with cs."""
        jspec = copy.deepcopy(jspec)
        uid = self.uid()
        jl = {
            "batch.kubernetes.io/controller-uid": uid,
            "batch.kubernetes.io/job-name": name,
            "controller-uid": uid,
            "job-name": name,
        }
        jspec["selector"] = {"matchLabels": {"batch.kubernetes.io/controller-uid": uid}}
        tl = jspec["template"]["metadata"].setdefault("labels", {})
        tl.update(jl)
        ol = dict(labels or {})
        if not owner:
            ol.update(jl)
        j = self.make(
            "batch/v1",
            "Job",
            name,
            ns,
            created,
            {"spec": jspec},
            uid=uid,
            labels=dict(jspec["template"]["metadata"]["labels"]) if not labels else ol,
            owner=owner,
            annotations=annotations,
            gen=1,
            changed=done or (failed[2] if failed else created),
        )
        plist = []
        for s in pods:
            s = dict(s)
            plist.append(
                self.pod(
                    ns,
                    s.pop("name", None) or f"{name}-{self.rand(5)}",
                    jspec["template"]["spec"],
                    s.pop("created", None) or created,
                    labels=dict(tl),
                    owner=self.owner(j),
                    generate=name + "-",
                    use=s.pop("use", use),
                    finalizers=None
                    if (done or failed or s.get("phase") in ("Failed",))
                    else ["batch.kubernetes.io/job-tracking"],
                    **s,
                )
            )
        st = {
            "ready": len([p for p in plist if self._is(p, "Ready")]),
            "startTime": ts(created),
            "terminating": 0,
            "uncountedTerminatedPods": {},
        }
        nfail = len([p for p in plist if p["status"]["phase"] == "Failed"])
        if nfail or failed:
            st["failed"] = nfail or 1
        act = [p for p in plist if p["status"]["phase"] in ("Running", "Pending")]
        if act or active:
            st["active"] = len(act) or active
        if done:
            st["succeeded"] = 1
            st["completionTime"] = ts(done)
            msg = "Reached expected number of succeeded pods"
            st["conditions"] = [
                {
                    "lastProbeTime": ts(done),
                    "lastTransitionTime": ts(done),
                    "message": msg,
                    "reason": "CompletionsReached",
                    "status": "True",
                    "type": t,
                }
                for t in ("SuccessCriteriaMet", "Complete")
            ]
        if failed:
            st["conditions"] = [
                {
                    "lastProbeTime": ts(failed[2]),
                    "lastTransitionTime": ts(failed[2]),
                    "message": failed[1],
                    "reason": failed[0],
                    "status": "True",
                    "type": t,
                }
                for t in ("FailureTarget", "Failed")
            ]
        j["status"] = st
        return Work(j, [], plist)

    def cronjob(
        self,
        ns,
        name,
        schedule,
        jspec,
        created=None,
        suspend=False,
        tz=None,
        last=None,
        ok=None,
        active=None,
        labels=None,
        concurrency="Forbid",
        gen=1,
        changed=None,
        keep=3,
        keep_failed=1,
        start_deadline=None,
        annotations=None,
    ):
        sp = {
            "concurrencyPolicy": concurrency,
            "failedJobsHistoryLimit": keep_failed,
            "jobTemplate": {
                "metadata": {},
                "spec": {
                    k: v
                    for k, v in copy.deepcopy(jspec).items()
                    if k
                    not in (
                        "completionMode",
                        "manualSelector",
                        "podReplacementPolicy",
                        "suspend",
                        "completions",
                        "parallelism",
                    )
                },
            },
            "schedule": schedule,
            "successfulJobsHistoryLimit": keep,
            "suspend": suspend,
        }
        if tz:
            sp["timeZone"] = tz
        if start_deadline:
            sp["startingDeadlineSeconds"] = start_deadline
        stt = {}
        if last:
            stt["lastScheduleTime"] = ts(last)
        if ok:
            stt["lastSuccessfulTime"] = ts(ok)
        created = created or self.start + dt.timedelta(days=self.age * 0.2, seconds=self.rng.randint(0, 90000))
        return self.make(
            "batch/v1",
            "CronJob",
            name,
            ns,
            created,
            {"spec": sp, "status": stt},
            labels=labels,
            gen=gen,
            changed=changed or ok or last or created,
            annotations=annotations,
        )

    def cron_run(self, cj, at, took=20, fail=None, pods=None, use=None, keep_pod=True):
        """One finished run of a CronJob at its scheduled time."""
        name = cj["metadata"]["name"]
        ns = cj["metadata"]["namespace"]
        full = {
            "completionMode": "NonIndexed",
            "completions": 1,
            "manualSelector": False,
            "parallelism": 1,
            "podReplacementPolicy": "TerminatingOrFailed",
            "suspend": False,
        }
        full.update(copy.deepcopy(cj["spec"]["jobTemplate"]["spec"]))
        jn = f"{name}-{int(at.timestamp()) // 60}"
        ann = {"batch.kubernetes.io/cronjob-scheduled-timestamp": ts(at)}
        if pods is None:
            x = {c["name"]: dead(0, at + sec(2), at + sec(took)) for c in full["template"]["spec"]["containers"]}
            pods = [{"cs": x}] if keep_pod else []
        return self.job(
            ns,
            jn,
            full,
            at,
            owner=self.owner(cj),
            annotations=ann,
            done=None if fail else at + sec(took + 3),
            failed=fail,
            pods=pods,
            use=use,
        )
