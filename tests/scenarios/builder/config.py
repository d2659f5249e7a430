"""ConfigMaps, Secrets, ServiceAccounts and RBAC."""

import datetime as dt

from tests.scenarios.builder.quantities import b64


class Config:
    """What workloads read and what they may do."""

    def cm(self, ns, name, data, created=None, labels=None, changed=None, **kw):
        return self.make(
            "v1",
            "ConfigMap",
            name,
            ns,
            created or self.start + dt.timedelta(days=self.age * 0.14, seconds=self.rng.randint(0, 80000)),
            {"data": data},
            labels=labels,
            changed=changed,
            **kw,
        )

    def secret(self, ns, name, data, typ="Opaque", created=None, labels=None, changed=None, **kw):
        return self.make(
            "v1",
            "Secret",
            name,
            ns,
            created or self.start + dt.timedelta(days=self.age * 0.14, seconds=self.rng.randint(0, 80000)),
            {"data": {k: b64(v) for k, v in data.items()}, "type": typ},
            labels=labels,
            changed=changed,
            **kw,
        )

    def sa(self, ns, name, created=None, **kw):
        return self.make(
            "v1",
            "ServiceAccount",
            name,
            ns,
            created or self.start + dt.timedelta(days=self.age * 0.13, seconds=self.rng.randint(0, 80000)),
            **kw,
        )

    def role(self, ns, name, rules, created=None, cluster=False, labels=None, changed=None):
        created = created or self.start + dt.timedelta(days=self.age * 0.13, seconds=self.rng.randint(0, 80000))
        return self.make(
            "rbac.authorization.k8s.io/v1",
            "ClusterRole" if cluster else "Role",
            name,
            None if cluster else ns,
            created,
            {"rules": rules},
            labels=labels,
            changed=changed,
        )

    def bind(
        self, ns, name, role, subjects, created=None, cluster=False, role_cluster=False, labels=None, changed=None
    ):
        created = created or self.start + dt.timedelta(days=self.age * 0.13, seconds=self.rng.randint(0, 80000))
        subs = []
        for s in subjects:
            if isinstance(s, tuple):
                subs.append({"kind": "ServiceAccount", "name": s[1], "namespace": s[0]})
            else:
                subs.append(s)
        return self.make(
            "rbac.authorization.k8s.io/v1",
            "ClusterRoleBinding" if cluster else "RoleBinding",
            name,
            None if cluster else ns,
            created,
            {
                "roleRef": {
                    "apiGroup": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole" if cluster or role_cluster else "Role",
                    "name": role,
                },
                "subjects": subs,
            },
            labels=labels,
            changed=changed,
        )
