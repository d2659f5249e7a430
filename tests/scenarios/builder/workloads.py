"""Deployments, StatefulSets and DaemonSets with what their controllers write."""

import copy
import datetime as dt

from tests.scenarios.builder.clock import sec, ts, when
from tests.scenarios.builder.containers import (
    pod_spec,
    previous_tag,
    v_pvc,
)
from tests.scenarios.builder.names import template_hash


class Work:
    """What a workload helper returns: the object, its ReplicaSets and its Pods."""

    def __init__(self, obj, sets=None, pods=None):
        self.obj, self.sets, self.pods = obj, sets or [], pods or []

    @property
    def name(self):
        return self.obj["metadata"]["name"]

    @property
    def ns(self):
        return self.obj["metadata"]["namespace"]


class Workloads:
    """Workloads with their ReplicaSets, revisions and Pods."""

    def deploy(
        self,
        ns,
        name,
        containers,
        replicas=2,
        created=None,
        rolled=None,
        sel=None,
        labels=None,
        obj_labels=None,
        tmpl=None,
        history=(),
        states=None,
        strategy=None,
        annotations=None,
        tannot=None,
        paused=False,
        progress=None,
        failure=None,
        use=None,
        gen=None,
        revision=None,
        hash_=None,
        min_ready=0,
        deadline=600,
        available_since=None,
        no_current=False,
        status_replicas=None,
        want=None,
        pub_annot=None,
    ):
        created = created or self.start + dt.timedelta(days=self.age * 0.15, seconds=self.rng.randint(0, 90000))
        rolled = rolled or created
        sel = sel or {"app": name}
        tl = dict(sel)
        tl.update(labels or {})
        tmpl = dict(tmpl or {})
        if rolled > created + sec(3600) and not history and not no_current:
            # rolled out again since it was created: keep the previous version's ReplicaSet
            older = copy.deepcopy(list(containers))
            older[0]["image"] = previous_tag(older[0]["image"])
            history = [
                {"containers": older, "created": created + (rolled - created) * 0.6, "changed": rolled + sec(40)}
            ]
            revision = revision or self.rng.randint(4, 19)
        elif history and not revision and history[0]["created"] > created + dt.timedelta(days=1):
            revision = self.rng.randint(len(history) + 3, len(history) + 17)
        spec = pod_spec(containers, **tmpl)
        tmeta = {"labels": dict(tl)}
        if tannot:
            tmeta["annotations"] = dict(tannot)
        nrev = revision or len(history) + 1
        st_ = strategy or {"rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"}, "type": "RollingUpdate"}
        ann = {"deployment.kubernetes.io/revision": str(nrev)}
        ann.update(annotations or {})
        gen = gen or nrev
        dspec = {
            "progressDeadlineSeconds": deadline,
            "replicas": replicas,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": dict(sel)},
            "strategy": st_,
            "template": {"metadata": tmeta, "spec": spec},
        }
        if paused:
            dspec["paused"] = True
        if min_ready:
            dspec["minReadySeconds"] = min_ready
        d = self.make(
            "apps/v1",
            "Deployment",
            name,
            ns,
            created,
            {"spec": dspec},
            labels=obj_labels if obj_labels is not None else dict(sel),
            annotations=ann,
            gen=gen,
            changed=rolled,
        )
        sets, allpods, curpods = [], [], []
        revs = []
        first_rev = nrev - len(history) + (1 if no_current else 0)
        rolling = any(h.get("states") for h in history)
        for i, h in enumerate(history):
            revs.append((h, first_rev + i, False))
        if not no_current:
            revs.append(
                (
                    {
                        "containers": containers,
                        "tmpl": tmpl,
                        "created": rolled,
                        "states": states,
                        "labels": labels,
                        "tannot": tannot,
                    },
                    nrev,
                    True,
                )
            )
        for h, rev, cur in revs:
            hl = dict(sel)
            hl.update(h.get("labels", labels) or {})
            hs = pod_spec(h["containers"], **dict(h.get("tmpl", tmpl)))
            hm = {"labels": dict(hl)}
            if h.get("tannot", tannot if not cur else h.get("tannot")):
                hm["annotations"] = dict(h.get("tannot", tannot))
            hsh = (hash_ if cur and hash_ else None) or template_hash({"m": hm, "s": hs, "n": name, "ns": ns})
            hl["pod-template-hash"] = hsh
            rname = f"{name}-{hsh}"
            stl = h.get("states")
            if stl is None:
                stl = [{} for _ in range(replicas)] if cur else []
            if cur:
                n_want = want if want is not None else (len(stl) if rolling and states is not None else replicas)
            else:
                n_want = h.get("want", len([x for x in stl if not x.get("deleting")]))
            surge = st_.get("rollingUpdate", {}).get("maxSurge", "25%")
            surge_n = -(-replicas * int(surge[:-1]) // 100) if isinstance(surge, str) else surge
            ran = {
                "deployment.kubernetes.io/desired-replicas": str(replicas),
                "deployment.kubernetes.io/max-replicas": str(
                    replicas + surge_n if st_["type"] == "RollingUpdate" else replicas
                ),
                "deployment.kubernetes.io/revision": str(rev),
            }
            if pub_annot:
                ran.update(pub_annot)
            hm2 = copy.deepcopy(hm)
            hm2["labels"]["pod-template-hash"] = hsh
            rsel = dict(sel)
            rsel["pod-template-hash"] = hsh
            rs = self.make(
                "apps/v1",
                "ReplicaSet",
                rname,
                ns,
                h["created"],
                {
                    "spec": {
                        "replicas": n_want,
                        "selector": {"matchLabels": rsel},
                        "template": {"metadata": hm2, "spec": hs},
                    }
                },
                labels=dict(hl),
                annotations=ran,
                owner=self.owner(d),
                gen=1 if cur and not history else 2,
                changed=h.get("changed", rolled),
            )
            pods = self._pods_for(
                ns,
                rname + "-",
                hs,
                hl,
                self.owner(rs),
                stl,
                h["created"] + sec(1),
                annotations=h.get("tannot"),
                use=h.get("use", use),
            )
            live = self._live(pods)
            rst = {"observedGeneration": rs["metadata"]["generation"], "replicas": len(live)}
            rdy = [p for p in live if self._is(p, "Ready")]
            if live:
                rst["fullyLabeledReplicas"] = len(live)
            if rdy:
                rst["readyReplicas"] = rst["availableReplicas"] = len(rdy)
            if cur and failure:
                rst["conditions"] = [
                    {
                        "lastTransitionTime": ts(failure[1]),
                        "message": failure[0],
                        "reason": "FailedCreate",
                        "status": "True",
                        "type": "ReplicaFailure",
                    }
                ]
            rs["status"] = rst
            sets.append(rs)
            allpods += pods
            if cur:
                curpods = pods
        live = self._live(allpods)
        rdy = [p for p in live if self._is(p, "Ready")]
        upd = self._live(curpods)
        if no_current:
            upd = []
        dst = {"observedGeneration": gen}
        if live:
            dst["replicas"] = len(live)
        if upd:
            dst["updatedReplicas"] = len(upd)
        if rdy:
            dst["readyReplicas"] = dst["availableReplicas"] = len(rdy)
        missing = max(0, sum(r["spec"]["replicas"] for r in sets) - len(rdy))
        if missing:
            dst["unavailableReplicas"] = missing
        mu = st_.get("rollingUpdate", {}).get("maxUnavailable", "25%") if st_["type"] == "RollingUpdate" else 0
        mu_n = replicas * int(mu[:-1]) // 100 if isinstance(mu, str) else mu
        ok = len(rdy) >= replicas - mu_n
        conds = []
        av_at = available_since or (
            created + sec(21)
            if ok
            else max(
                [when(c["lastTransitionTime"]) for p in live for c in p["status"]["conditions"] if c["type"] == "Ready"]
                or [rolled]
            )
        )
        conds.append(
            {
                "lastTransitionTime": ts(av_at),
                "lastUpdateTime": ts(av_at),
                "message": "Deployment has minimum availability."
                if ok
                else "Deployment does not have minimum availability.",
                "reason": "MinimumReplicasAvailable" if ok else "MinimumReplicasUnavailable",
                "status": "True" if ok else "False",
                "type": "Available",
            }
        )
        cur_name = sets[-1]["metadata"]["name"] if sets else name
        if failure:
            conds.append(
                {
                    "lastTransitionTime": ts(failure[1]),
                    "lastUpdateTime": ts(failure[1]),
                    "message": failure[0],
                    "reason": "FailedCreate",
                    "status": "True",
                    "type": "ReplicaFailure",
                }
            )
        if progress == "deadline":
            at = rolled + sec(deadline + 1)
            conds.append(
                {
                    "lastTransitionTime": ts(at),
                    "lastUpdateTime": ts(at),
                    "message": f'ReplicaSet "{cur_name}" has timed out progressing.',
                    "reason": "ProgressDeadlineExceeded",
                    "status": "False",
                    "type": "Progressing",
                }
            )
        elif progress == "updating":
            conds.append(
                {
                    "lastTransitionTime": ts(created),
                    "lastUpdateTime": ts(rolled),
                    "message": f'ReplicaSet "{cur_name}" is progressing.',
                    "reason": "ReplicaSetUpdated",
                    "status": "True",
                    "type": "Progressing",
                }
            )
        elif progress == "paused":
            conds.append(
                {
                    "lastTransitionTime": ts(paused),
                    "lastUpdateTime": ts(paused),
                    "message": "Deployment is paused",
                    "reason": "DeploymentPaused",
                    "status": "Unknown",
                    "type": "Progressing",
                }
            )
        else:
            conds.append(
                {
                    "lastTransitionTime": ts(created),
                    "lastUpdateTime": ts(rolled + sec(24)),
                    "message": f'ReplicaSet "{cur_name}" has successfully progressed.',
                    "reason": "NewReplicaSetAvailable",
                    "status": "True",
                    "type": "Progressing",
                }
            )
        dst["conditions"] = conds
        if status_replicas:
            dst.update(status_replicas)
        d["status"] = dst
        w = Work(d, sets, allpods)
        w.current = curpods
        return w

    def sts(
        self,
        ns,
        name,
        containers,
        replicas=1,
        created=None,
        sel=None,
        labels=None,
        tmpl=None,
        states=None,
        service=None,
        vct=None,
        vol_class="standard",
        vol_size="10Gi",
        rolled=None,
        use=None,
        update=None,
        old=None,
        updated=None,
        annotations=None,
        gen=1,
        pvc_states=None,
        mode="ReadWriteOnce",
        policy="OrderedReady",
        csi="disk.csi.example.com",
        pv_extra=None,
    ):
        """StatefulSet. old: template containers of the previous revision; updated: number of pods on the new one."""
        created = created or self.start + dt.timedelta(days=self.age * 0.2, seconds=self.rng.randint(0, 90000))
        sel = sel or {"app": name}
        tl = dict(sel)
        tl.update(labels or {})
        spec = pod_spec(containers, **dict(tmpl or {}))
        oldspec = pod_spec(old, **dict(tmpl or {})) if old else None
        st = {
            "podManagementPolicy": policy,
            "replicas": replicas,
            "revisionHistoryLimit": 10,
            "selector": {"matchLabels": dict(sel)},
            "serviceName": service or name,
            "template": {"metadata": {"labels": dict(tl)}, "spec": spec},
            "updateStrategy": update or {"rollingUpdate": {"partition": 0}, "type": "RollingUpdate"},
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        }
        if vct:
            st["volumeClaimTemplates"] = [
                {
                    "apiVersion": "v1",
                    "kind": "PersistentVolumeClaim",
                    "metadata": {"name": vct},
                    "spec": {
                        "accessModes": [mode],
                        "resources": {"requests": {"storage": vol_size}},
                        "storageClassName": vol_class,
                        "volumeMode": "Filesystem",
                    },
                    "status": {"phase": "Pending"},
                }
            ]
        o = self.make(
            "apps/v1",
            "StatefulSet",
            name,
            ns,
            created,
            {"spec": st},
            labels=dict(sel),
            annotations=annotations,
            gen=gen,
            changed=rolled or created,
        )
        h = template_hash({"l": tl, "s": spec, "n": name})
        hold = template_hash({"l": tl, "s": oldspec, "n": name}) if old else h
        revs = ([(hold, oldspec, 1, created)] if old else []) + [(h, spec, 2 if old else 1, rolled or created)]
        for hh, sp, n, at in revs:
            self.make(
                "apps/v1",
                "ControllerRevision",
                f"{name}-{hh}",
                ns,
                at,
                {
                    "data": {"spec": {"template": {"$patch": "replace", "metadata": {"labels": dict(tl)}, "spec": sp}}},
                    "revision": n,
                },
                labels=dict(tl, **{"controller.kubernetes.io/hash": hh}),
                owner=self.owner(o),
            )
        pods = []
        states = states if states is not None else [{} for _ in range(replicas)]
        nupd = replicas if updated is None else updated
        for i, s in enumerate(states):
            s = dict(s)
            isnew = (not old) or i >= replicas - nupd
            hh, sp = (h, spec) if isnew else (hold, oldspec)
            pname = f"{name}-{i}"
            sp = copy.deepcopy(s.pop("spec", sp))
            if vct:
                sp.setdefault("volumes", []).insert(0, v_pvc(vct, f"{vct}-{pname}"))
                ps = (pvc_states or {}).get(i, {})
                self.pvc(
                    ns,
                    f"{vct}-{pname}",
                    vol_size,
                    vol_class,
                    created=created + sec(1 + 20 * i),
                    labels=dict(sel),
                    mode=mode,
                    csi=csi,
                    **dict(pv_extra or {}, **ps),
                )
            sp["hostname"] = pname
            sp["subdomain"] = service or name
            lab = dict(
                tl,
                **{
                    "apps.kubernetes.io/pod-index": str(i),
                    "controller-revision-hash": f"{name}-{hh}",
                    "statefulset.kubernetes.io/pod-name": pname,
                },
            )
            pods.append(
                self.pod(
                    ns,
                    pname,
                    sp,
                    s.pop("created", None) or (rolled or created) + sec(1 + 20 * i),
                    labels=lab,
                    owner=self.owner(o),
                    generate=name + "-",
                    use=s.pop("use", use),
                    **s,
                )
            )
        live = self._live(pods)
        allp = [p for p in pods if p["status"]["phase"] not in ("Succeeded", "Failed")]
        rdy = [p for p in live if self._is(p, "Ready")]
        cur = [p for p in allp if p["metadata"]["labels"]["controller-revision-hash"].endswith(hold)]
        upd = [p for p in allp if p["metadata"]["labels"]["controller-revision-hash"].endswith(h)]
        sst = {
            "availableReplicas": len(rdy),
            "collisionCount": 0,
            "currentRevision": f"{name}-{hold}",
            "observedGeneration": gen,
            "replicas": len(allp),
            "updateRevision": f"{name}-{h}",
        }
        if cur:
            sst["currentReplicas"] = len(cur)
        if rdy:
            sst["readyReplicas"] = len(rdy)
        if upd:
            sst["updatedReplicas"] = len(upd)
        o["status"] = sst
        return Work(o, [], pods)

    def ds(
        self,
        ns,
        name,
        containers,
        created=None,
        sel=None,
        labels=None,
        tmpl=None,
        nodes=None,
        states=None,
        use=None,
        gen=1,
        rolled=None,
        tannot=None,
        desired=None,
        obj_labels=None,
        update=None,
    ):
        created = created or self.start + sec(120)
        sel = sel or {"app": name}
        tl = dict(sel)
        tl.update(labels or {})
        spec = pod_spec(containers, **dict(tmpl or {}))
        tm = {"labels": dict(tl)}
        if tannot:
            tm["annotations"] = tannot
        o = self.make(
            "apps/v1",
            "DaemonSet",
            name,
            ns,
            created,
            {
                "spec": {
                    "revisionHistoryLimit": 10,
                    "selector": {"matchLabels": dict(sel)},
                    "template": {"metadata": tm, "spec": spec},
                    "updateStrategy": update
                    or {"rollingUpdate": {"maxSurge": 0, "maxUnavailable": 1}, "type": "RollingUpdate"},
                }
            },
            labels=obj_labels or dict(sel),
            annotations={"deprecated.daemonset.template.generation": str(gen)},
            gen=gen,
            changed=rolled or created,
        )
        h = template_hash({"l": tl, "s": spec, "n": name})
        self.make(
            "apps/v1",
            "ControllerRevision",
            f"{name}-{h}",
            ns,
            rolled or created,
            {"data": {"spec": {"template": {"$patch": "replace", "metadata": tm, "spec": spec}}}, "revision": gen},
            labels=dict(tl, **{"controller-revision-hash": h}),
            owner=self.owner(o),
            annotations={"deprecated.daemonset.template.generation": str(gen)},
        )
        pods = []
        nodes = list(self.nodes) if nodes is None else nodes
        for i, n in enumerate(nodes):
            s = dict((states or {}).get(n, {}))
            if s.pop("none", False):
                continue
            nc = when(self.nodes[n]["obj"]["metadata"]["creationTimestamp"])
            at = s.pop("created", None) or max(rolled or created, nc + sec(12)) + sec(i)
            lab = dict(tl, **{"controller-revision-hash": h, "pod-template-generation": str(gen)})
            pods.append(
                self.pod(
                    ns,
                    s.pop("name", None) or f"{name}-{self.rand(5)}",
                    s.pop("spec", spec),
                    at,
                    labels=lab,
                    owner=self.owner(o),
                    generate=name + "-",
                    node=n,
                    annotations=tannot,
                    use=s.pop("use", use),
                    **s,
                )
            )
        live = self._live(pods)
        rdy = [p for p in live if self._is(p, "Ready")]
        want = desired if desired is not None else len(nodes)
        o["status"] = {
            "currentNumberScheduled": len(live),
            "desiredNumberScheduled": want,
            "numberMisscheduled": 0,
            "numberReady": len(rdy),
            "observedGeneration": gen,
            "updatedNumberScheduled": len(live),
        }
        if rdy:
            o["status"]["numberAvailable"] = len(rdy)
        if want - len(rdy):
            o["status"]["numberUnavailable"] = want - len(rdy)
        return Work(o, [], pods)
