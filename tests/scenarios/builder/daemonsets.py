"""DaemonSets with their revisions and Pods."""

from tests.scenarios.builder.clock import sec, when
from tests.scenarios.builder.containers import pod_spec
from tests.scenarios.builder.names import template_hash
from tests.scenarios.builder.work import Work


class DaemonSets:
    """DaemonSets as their controller leaves them."""

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
