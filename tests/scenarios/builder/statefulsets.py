"""StatefulSets with their revisions, claims and Pods."""

import copy
import datetime as dt

from tests.scenarios.builder.clock import sec
from tests.scenarios.builder.containers import pod_spec, v_pvc
from tests.scenarios.builder.names import template_hash
from tests.scenarios.builder.work import Work


class StatefulSets:
    """StatefulSets as their controller leaves them."""

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
