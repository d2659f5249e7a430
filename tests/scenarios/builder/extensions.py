"""Aggregated APIs and custom resource definitions."""

import datetime as dt

from tests.scenarios.builder.clock import sec, ts


class Extensions:
    """What extends the API."""

    def apiservice(
        self,
        name,
        group,
        version,
        svc=None,
        ok=True,
        reason=None,
        message=None,
        at=None,
        created=None,
        gp=100,
        vp=100,
        insecure=True,
        labels=None,
    ):
        created = created or self.start + sec(30)
        sp = {"group": group, "groupPriorityMinimum": gp, "version": version, "versionPriority": vp}
        if not group:
            sp.pop("group")
        if svc:
            if insecure:
                sp["insecureSkipTLSVerify"] = True
            sp["service"] = {"name": svc[1], "namespace": svc[0], "port": svc[2] if len(svc) > 2 else 443}
            rs = reason or "Passed"
            ms = message or "all checks passed"
        else:
            rs, ms = "Local", "Local APIServices are always available"
        at = at or created + sec(30)
        return self.make(
            "apiregistration.k8s.io/v1",
            "APIService",
            name,
            None,
            created,
            {
                "spec": sp,
                "status": {
                    "conditions": [
                        {
                            "lastTransitionTime": ts(at),
                            "message": ms,
                            "reason": rs,
                            "status": "True" if ok else "False",
                            "type": "Available",
                        }
                    ]
                },
            },
            labels=labels or (None if svc else {"kube-aggregator.kubernetes.io/automanaged": "onstart"}),
            changed=at,
        )

    def crd(self, plural, group, kind, version="v1", scope="Namespaced", created=None, short=None, versions=None):
        created = created or self.start + dt.timedelta(days=self.age * 0.1)
        names = {"kind": kind, "listKind": kind + "List", "plural": plural, "singular": kind.lower()}
        if short:
            names["shortNames"] = short
        vs = []
        for i, v in enumerate(versions or [version]):
            vs.append(
                {
                    "name": v,
                    "schema": {"openAPIV3Schema": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}},
                    "served": True,
                    "storage": i == 0,
                    "subresources": {"status": {}},
                }
            )
        approved = (
            {"api-approved.kubernetes.io": "https://github.com/kubernetes-sigs/gateway-api/pull/3328"}
            if group.endswith(".k8s.io")
            else None
        )
        return self.make(
            "apiextensions.k8s.io/v1",
            "CustomResourceDefinition",
            f"{plural}.{group}",
            None,
            created,
            {
                "spec": {
                    "conversion": {"strategy": "None"},
                    "group": group,
                    "names": names,
                    "scope": scope,
                    "versions": vs,
                },
                "status": {
                    "acceptedNames": names,
                    "conditions": [
                        {
                            "lastTransitionTime": ts(created),
                            "message": "no conflicts found",
                            "reason": "NoConflicts",
                            "status": "True",
                            "type": "NamesAccepted",
                        },
                        {
                            "lastTransitionTime": ts(created),
                            "message": "the initial names have been accepted",
                            "reason": "InitialNamesAccepted",
                            "status": "True",
                            "type": "Established",
                        },
                    ],
                    "storedVersions": [(versions or [version])[0]],
                },
            },
            gen=1,
            annotations=approved,
        )
