"""Autoscalers and disruption budgets."""

import datetime as dt

from tests.scenarios.builder.clock import sec, ts


class Scaling:
    """HorizontalPodAutoscalers and PodDisruptionBudgets."""

    def hpa(
        self,
        ns,
        name,
        target,
        lo,
        hi,
        metrics,
        current,
        desired,
        cur_metrics,
        conditions,
        created=None,
        last_scale=None,
        kind="Deployment",
        behavior=None,
        changed=None,
        labels=None,
    ):
        st = {
            "conditions": conditions,
            "currentMetrics": cur_metrics,
            "currentReplicas": current,
            "desiredReplicas": desired,
        }
        if last_scale:
            st["lastScaleTime"] = ts(last_scale)
        sp = {
            "maxReplicas": hi,
            "metrics": metrics,
            "minReplicas": lo,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": kind, "name": target},
        }
        if behavior:
            sp["behavior"] = behavior
        return self.make(
            "autoscaling/v2",
            "HorizontalPodAutoscaler",
            name,
            ns,
            created or self.start + dt.timedelta(days=self.age * 0.4),
            {"spec": sp, "status": st},
            changed=changed or self.ago(s=25),
            labels=labels,
        )

    @staticmethod
    def cpu_target(pct):
        return {
            "resource": {"name": "cpu", "target": {"averageUtilization": pct, "type": "Utilization"}},
            "type": "Resource",
        }

    @staticmethod
    def cpu_now(pct, avg):
        return {
            "resource": {"current": {"averageUtilization": pct, "averageValue": avg}, "name": "cpu"},
            "type": "Resource",
        }

    @staticmethod
    def hcond(typ, status, reason, message, at):
        return {"lastTransitionTime": ts(at), "message": message, "reason": reason, "status": status, "type": typ}

    def hpa_ok(self, ns, target, lo, hi, current, pct, now_pct, avg, last=None, created=None):
        at = last or self.ago(h=self.rng.randint(3, 30))
        return self.hpa(
            ns,
            target,
            target,
            lo,
            hi,
            [self.cpu_target(pct)],
            current,
            current,
            [self.cpu_now(now_pct, avg)],
            [
                self.hcond("AbleToScale", "True", "ReadyForNewScale", "recommended size matches current size", at),
                self.hcond(
                    "ScalingActive",
                    "True",
                    "ValidMetricFound",
                    "the HPA was able to successfully calculate a replica count "
                    "from cpu resource utilization (percentage of request)",
                    at,
                ),
                self.hcond(
                    "ScalingLimited",
                    "False",
                    "DesiredWithinRange",
                    "the desired count is within the acceptable range",
                    at,
                ),
            ],
            last_scale=last,
            created=created,
        )

    def pdb(
        self,
        ns,
        name,
        sel,
        allowed,
        healthy,
        desired,
        expected,
        min_av=None,
        max_un=None,
        created=None,
        cond_at=None,
        ok=None,
    ):
        sp = {"selector": {"matchLabels": sel}}
        if min_av is not None:
            sp["minAvailable"] = min_av
        if max_un is not None:
            sp["maxUnavailable"] = max_un
        okk = allowed > 0 if ok is None else ok
        created = created or self.start + dt.timedelta(days=self.age * 0.35)
        at = cond_at or created + sec(30)
        return self.make(
            "policy/v1",
            "PodDisruptionBudget",
            name,
            ns,
            created,
            {
                "spec": sp,
                "status": {
                    "conditions": [
                        {
                            "lastTransitionTime": ts(at),
                            "message": "",
                            "observedGeneration": 1,
                            "reason": "SufficientPods" if okk else "InsufficientPods",
                            "status": "True" if okk else "False",
                            "type": "DisruptionAllowed",
                        }
                    ],
                    "currentHealthy": healthy,
                    "desiredHealthy": desired,
                    "disruptionsAllowed": allowed,
                    "expectedPods": expected,
                    "observedGeneration": 1,
                },
            },
            gen=1,
            changed=at,
        )
