"""Deployments with their ReplicaSets, Pods and conditions."""

import copy
import datetime as dt

from tests.scenarios.builder.clock import sec, ts, when
from tests.scenarios.builder.containers import pod_spec, previous_tag
from tests.scenarios.builder.names import template_hash
from tests.scenarios.builder.work import Work

ROLLING = {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"}
ANNOTATION = "deployment.kubernetes.io/"


def _condition(kind, status, reason, message, at, updated=None):
    return {
        "lastTransitionTime": ts(at),
        "lastUpdateTime": ts(updated or at),
        "message": message,
        "reason": reason,
        "status": status,
        "type": kind,
    }


def _share(value, replicas, up):
    """A number, or a percentage of the replicas, rounded as the controller rounds it."""
    if not isinstance(value, str):
        return value
    product = replicas * int(value[:-1])
    return -(-product // 100) if up else product // 100


def _progress(progress, newest, created, rolled, deadline, paused):
    """The Progressing condition."""
    if progress == "deadline":
        text = f'ReplicaSet "{newest}" has timed out progressing.'
        return _condition("Progressing", "False", "ProgressDeadlineExceeded", text, rolled + sec(deadline + 1))
    if progress == "updating":
        text = f'ReplicaSet "{newest}" is progressing.'
        return _condition("Progressing", "True", "ReplicaSetUpdated", text, created, rolled)
    if progress == "paused":
        return _condition("Progressing", "Unknown", "DeploymentPaused", "Deployment is paused", paused)
    text = f'ReplicaSet "{newest}" has successfully progressed.'
    return _condition("Progressing", "True", "NewReplicaSetAvailable", text, created, rolled + sec(24))


class Deployments:
    """Deployments as their controller leaves them."""

    def deploy(
        self,
        ns,
        name,
        containers,
        replicas=2,
        *,
        created=None,
        rolled=None,
        sel=None,
        labels=None,
        obj_labels=None,
        tmpl=None,
        history=(),
        states=None,
        strategy=None,
        tannot=None,
        paused=None,
        progress=None,
        failure=None,
        use=None,
        gen=None,
        revision=None,
        min_ready=0,
        deadline=600,
        no_current=False,
        want=None,
    ):
        """A Deployment and everything below it.

        history: earlier revisions, oldest first, each {containers, created, changed, states?, want?, labels?, tannot?};
        states: the newest revision's pods (default: all well); no_current: the newest template has no ReplicaSet yet;
        progress: None (done), "updating", "deadline" or "paused"; failure: (message, since) of a ReplicaFailure.
        """
        created = created or self.start + dt.timedelta(days=self.age * 0.15, seconds=self.rng.randint(0, 90000))
        rolled = rolled or created
        sel, tmpl = sel or {"app": name}, dict(tmpl or {})
        strategy = strategy or ROLLING
        if rolled > created + sec(3600) and not history and not no_current:
            history = [self._earlier(containers, created, rolled)]
            revision = revision or self.rng.randint(4, 19)
        elif history and not revision and history[0]["created"] > created + dt.timedelta(days=1):
            revision = self.rng.randint(len(history) + 3, len(history) + 17)
        revision = revision or len(history) + 1
        template = self._template({**sel, **(labels or {})}, tannot, containers, tmpl)
        body = {
            "progressDeadlineSeconds": deadline,
            "replicas": replicas,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": dict(sel)},
            "strategy": strategy,
            "template": template,
        }
        body |= {"paused": True} if paused else {}
        body |= {"minReadySeconds": min_ready} if min_ready else {}
        item = self.make(
            "apps/v1",
            "Deployment",
            name,
            ns,
            created,
            {"spec": body},
            labels=obj_labels if obj_labels is not None else dict(sel),
            annotations={ANNOTATION + "revision": str(revision)},
            gen=gen or revision,
            changed=rolled,
        )
        newest = {"containers": containers, "created": rolled, "states": states, "tannot": tannot}
        rolling = any(h.get("states") for h in history)
        newest["want"] = want if want is not None else (len(states) if rolling and states is not None else replicas)
        work = Work(item, current=[])
        first = revision - len(history) + (1 if no_current else 0)
        for i, h in enumerate(history):
            self._replica_set(work, h, first + i, False, {"labels": labels, "tannot": tannot, "tmpl": tmpl, "use": use})
        if not no_current:
            newest["failure"], newest["gen"] = failure, 2 if history else 1
            self._replica_set(work, newest, revision, True, {"labels": labels, "tmpl": tmpl, "use": use})
        ready = self._count(work, no_current)
        allowed = strategy.get("rollingUpdate", {}).get("maxUnavailable", "25%") if "rollingUpdate" in strategy else 0
        conditions = [
            self._availability(work, len(ready) >= replicas - _share(allowed, replicas, False), created, rolled)
        ]
        if failure:
            conditions.append(_condition("ReplicaFailure", "True", "FailedCreate", *failure))
        latest = work.sets[-1]["metadata"]["name"] if work.sets else name
        conditions.append(_progress(progress, latest, created, rolled, deadline, paused))
        item["status"]["conditions"] = conditions
        return work

    @staticmethod
    def _earlier(containers, created, rolled):
        """The version before, for a workload that was rolled out again since it was created."""
        older = copy.deepcopy(list(containers))
        older[0]["image"] = previous_tag(older[0]["image"])
        return {"containers": older, "created": created + (rolled - created) * 0.6, "changed": rolled + sec(40)}

    @staticmethod
    def _template(labels, annotations, containers, tmpl):
        meta = {"labels": dict(labels)}
        if annotations:
            meta["annotations"] = dict(annotations)
        return {"metadata": meta, "spec": pod_spec(containers, **tmpl)}

    def _replica_set(self, work, revision, number, current, defaults):
        """One revision: its ReplicaSet and its Pods, added to `work`."""
        item, spec = work.obj, work.obj["spec"]
        replicas, sel = spec["replicas"], spec["selector"]["matchLabels"]
        annotations = revision.get("tannot", defaults.get("tannot"))
        labels = {**sel, **(revision.get("labels", defaults["labels"]) or {})}
        template = self._template(
            labels, annotations, revision["containers"], dict(revision.get("tmpl", defaults["tmpl"]))
        )
        digest = template_hash({**template, "n": work.name, "ns": work.ns})
        labels["pod-template-hash"] = template["metadata"]["labels"]["pod-template-hash"] = digest
        states = revision.get("states")
        if states is None:
            states = [{}] * replicas if current else []
        strategy = spec["strategy"]
        surge = _share(strategy["rollingUpdate"]["maxSurge"], replicas, True) if "rollingUpdate" in strategy else 0
        body = {
            "replicas": revision.get("want", len([x for x in states if not x.get("deleting")])),
            "selector": {"matchLabels": {**sel, "pod-template-hash": digest}},
            "template": template,
        }
        rs = self.make(
            "apps/v1",
            "ReplicaSet",
            f"{work.name}-{digest}",
            work.ns,
            revision["created"],
            {"spec": body},
            labels=dict(labels),
            annotations={
                ANNOTATION + "desired-replicas": str(replicas),
                ANNOTATION + "max-replicas": str(replicas + surge),
                ANNOTATION + "revision": str(number),
            },
            owner=self.owner(item),
            gen=revision.get("gen", 2),
            changed=revision.get("changed", revision["created"]),
        )
        pods = self._pods_for(
            work.ns,
            rs["metadata"]["name"] + "-",
            template["spec"],
            labels,
            self.owner(rs),
            states,
            revision["created"] + sec(1),
            annotations=revision.get("tannot"),
            use=revision.get("use", defaults["use"]),
        )
        self._replica_set_status(rs, pods, revision.get("failure"))
        work.sets.append(rs)
        work.pods += pods
        if current:
            work.current = pods

    def _replica_set_status(self, rs, pods, failure):
        live = self._live(pods)
        ready = [p for p in live if self._is(p, "Ready")]
        status = {"observedGeneration": rs["metadata"]["generation"], "replicas": len(live)}
        if live:
            status["fullyLabeledReplicas"] = len(live)
        if ready:
            status["readyReplicas"] = status["availableReplicas"] = len(ready)
        if failure:
            condition = _condition("ReplicaFailure", "True", "FailedCreate", *failure)
            del condition["lastUpdateTime"]
            status["conditions"] = [condition]
        rs["status"] = status

    def _count(self, work, no_current):
        """The numbers of the Deployment's status; returns the ready pods."""
        live = self._live(work.pods)
        ready = [p for p in live if self._is(p, "Ready")]
        updated = [] if no_current else self._live(work.current)
        status = {"observedGeneration": work.obj["metadata"]["generation"]}
        if live:
            status["replicas"] = len(live)
        if updated:
            status["updatedReplicas"] = len(updated)
        if ready:
            status["readyReplicas"] = status["availableReplicas"] = len(ready)
        missing = sum(r["spec"]["replicas"] for r in work.sets) - len(ready)
        if missing > 0:
            status["unavailableReplicas"] = missing
        work.obj["status"] = status
        return ready

    def _availability(self, work, enough, created, rolled):
        if enough:
            text = "Deployment has minimum availability."
            return _condition("Available", "True", "MinimumReplicasAvailable", text, created + sec(21))
        changes = [
            when(c["lastTransitionTime"])
            for p in self._live(work.pods)
            for c in p["status"]["conditions"]
            if c["type"] == "Ready"
        ]
        text = "Deployment does not have minimum availability."
        return _condition("Available", "False", "MinimumReplicasUnavailable", text, max(changes or [rolled]))
